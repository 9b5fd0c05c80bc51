import CManifest

/// Loads a compiled manifest inside the jail, shuts the last doors, and calls it.
///
///     stack-manifest PLUGIN MEMORY-BYTES MILLISECONDS < INPUTS
///
/// The document and reports go to descriptor 3; standard output and error belong to the manifest's author.
@main
enum ManifestLoader {
    static func main() { loadManifest() }
}

private func loadManifest() -> Never {
    guard manifest_host_begin(3) == 0 else { manifest_host_exit(Int32(MANIFEST_EXIT_USAGE)) }
    var count: Int32 = 0
    guard let arguments = manifest_host_arguments(&count), count == 4, let plugin = arguments[1],
        let memory = number(arguments[2]), let milliseconds = number(arguments[3])
    else {
        fail("usage", "stack-manifest PLUGIN MEMORY-BYTES MILLISECONDS", MANIFEST_EXIT_USAGE)
    }
    var inputCount = 0
    guard let given = manifest_host_read_input(&inputCount) else {
        fail("load", "the inputs cannot be read", MANIFEST_EXIT_LOAD)
    }
    // Before the plugin is loaded: a library's constructors run then.
    guard manifest_host_confine_loading(memory, milliseconds) == 0 else {
        fail("load", "the system call filter cannot be installed", MANIFEST_EXIT_LOAD)
    }
    var reason: UnsafePointer<CChar>?
    guard let library = manifest_host_load(plugin, &reason) else {
        manifest_host_report("load", reason)
        manifest_host_exit(Int32(MANIFEST_EXIT_LOAD))
    }
    guard let begin = manifest_host_find_begin(library), let entry = manifest_host_find_main(library) else {
        fail("load", "the plugin has no entry point", MANIFEST_EXIT_LOAD)
    }
    guard manifest_host_confine() == 0 else {
        fail("load", "the system call filter cannot be installed", MANIFEST_EXIT_LOAD)
    }
    begin(given, inputCount) { bytes, length in manifest_host_document(bytes, length) }
    manifest_host_exit(entry(1, arguments))
}

private func fail(_ kind: StaticString, _ detail: StaticString, _ code: Int) -> Never {
    kind.utf8Start.withMemoryRebound(to: CChar.self, capacity: kind.utf8CodeUnitCount) { kindText in
        detail.utf8Start.withMemoryRebound(to: CChar.self, capacity: detail.utf8CodeUnitCount) { detailText in
            manifest_host_report(kindText, detailText)
        }
    }
    manifest_host_exit(Int32(code))
}

/// A decimal number; nil for anything else.
private func number(_ text: UnsafeMutablePointer<CChar>?) -> UInt64? {
    guard var cursor = text, cursor.pointee != 0 else { return nil }
    var value: UInt64 = 0
    while cursor.pointee != 0 {
        guard cursor.pointee >= 48, cursor.pointee <= 57, value < UInt64.max / 20 else { return nil }
        value = value * 10 + UInt64(cursor.pointee - 48)
        cursor += 1
    }
    return value
}
