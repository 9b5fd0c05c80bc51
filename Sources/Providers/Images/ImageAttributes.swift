import Diagnostics
import ImageStore
import JSONText
import Linux
import OCI
import StackModel

/// The normal form of an image's attributes.
enum ImageAttributes {
    private static let known = [
        "from", "command", "entrypoint", "env", "workdir", "user", "labels", "exposed", "stopSignal", "push", "tags",
    ]

    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.object("from") { (origin) throws(DiagnosticList) in try Self.origin(origin) }
        reader.strings("command")
        reader.strings("entrypoint")
        reader.dictionary("env")
        reader.text("workdir", { $0.hasPrefix("/") ? $0 : nil }, expected: "an absolute path")
        reader.text("user")
        reader.dictionary("labels")
        reader.strings("exposed", isSet: true)
        reader.strings("push", isSet: true)
        reader.texts("tags", isSet: true, expected: "image names such as shop/site:2") { text in
            (try? ImageReference(text)).flatMap { $0.digest == nil ? $0.withDefaultTag.familiar : nil }
        }
        reader.text("stopSignal", ContainerAttributes.signal, expected: "a signal such as SIGTERM")
        return try reader.finished(known: known)
    }

    /// The file or directory an image is made from; nil for any other origin.
    static func path(_ origin: JSONValue?) -> String? {
        origin?["rootfs"]?.stringValue ?? origin?["tar"]?.stringValue ?? origin?["archive"]?.stringValue
    }

    private static func origin(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.object("debian") { (debian) throws(DiagnosticList) in
            var reader = AttributeReader(debian)
            reader.text("suite", { $0.isEmpty ? nil : $0 }, expected: "a suite such as bookworm")
            reader.strings("packages", isSet: true)
            reader.text("mirror")
            reader.text("variant")
            reader.strings("lock")
            return try reader.finished(known: ["suite", "packages", "mirror", "variant", "lock"])
        }
        let absolute = { (path: String) -> String? in path.hasPrefix("/") ? path : nil }
        reader.text("rootfs", absolute, expected: "an absolute path")
        reader.text("tar", absolute, expected: "an absolute path")
        reader.text("archive", absolute, expected: "an absolute path")
        reader.text("image")
        reader.text("reference")
        reader.text("dockerfile", absolute, expected: "an absolute path")
        reader.text("context", absolute, expected: "an absolute path")
        reader.text("target")
        for key in ["arguments", "secrets", "bases"] { reader.dictionary(key) }
        reader["stages"] = attributes["stages"]
        ImageBuildOptions.read(&reader)
        reader.text("program", { $0 == OwnProgram.name ? $0 : nil }, expected: OwnProgram.name)
        let program = reader["program"] == nil ? nil : OwnProgram.path
        if let path = Self.path(.object(attributes)) ?? program {
            reader["state"] = SourceState.of(path).map { .string($0) }
        }
        return try reader.finished(
            known: [
                "debian", "rootfs", "tar", "archive", "image", "reference", "program", "state", "dockerfile", "context",
                "target", "arguments", "secrets", "bases", "stages", "inputs",
            ] + ImageBuildOptions.names)
    }
}

/// What a document's `from.debian.lock` may hold besides packages.
package enum ImageLock {
    /// Says that the lock was made for another list of packages or another variant: what it does not know may come too.
    package static let changedRequest = DebianLock.changedRequest
}

/// A cheap mark of a file or directory an image is made from: it changes when the source does.
enum SourceState {
    /// Sizes and times of at most this many entries; a larger tree is marked by its first ones.
    private static let entryLimit = 200_000

    /// The mark, or `nil` where the source cannot be read.
    static func of(_ path: String) -> String? {
        guard let status = try? Files.status(path) else { return nil }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        mix(status, &hash)
        if status.kind == .directory, let root = try? Files.open(path, [.directory]) {
            var count = 0
            walk(root.raw, depth: 0, &count, &hash)
        }
        return String(hash, radix: 16)
    }

    private static func walk(_ directory: Int32, depth: Int, _ count: inout Int, _ hash: inout UInt64) {
        guard depth < 100, let entries = try? Files.list(descriptor: directory) else { return }
        for entry in entries {
            count += 1
            guard count < entryLimit,
                let status = try? Files.status(entry.nameBytes, followLinks: false, at: directory)
            else { continue }
            for byte in entry.nameBytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            mix(status, &hash)
            if status.kind == .directory,
                let inner = try? Files.open(entry.nameBytes, [.directory, .noFollow], at: directory)
            {
                walk(inner.raw, depth: depth + 1, &count, &hash)
            }
        }
    }

    private static func mix(_ status: FileStatus, _ hash: inout UInt64) {
        // A directory's own time changes with anything made and deleted in it; its entries tell enough.
        let time = status.kind == .directory ? 0 : status.modified.nanosecondsSinceEpoch
        let size = status.kind == .directory ? 0 : status.size
        for value in [time, size, Int64(status.mode), Int64(status.uid), Int64(status.gid)] {
            hash = (hash ^ UInt64(bitPattern: value)) &* 0x100_0000_01b3
        }
    }
}
