import Diagnostics
import Linux

/// A program of this host with all it needs to run where there is nothing else.
package struct HostProgram: Sendable, Hashable {
    /// The executable.
    package var path: String
    /// Shared libraries it loads by itself, by the names it asks for; those the host lacks are left out.
    package var loaded: [String]
    /// Further files, copied to the same path.
    package var files: [String]

    package init(path: String, loaded: [String] = [], files: [String] = []) {
        self.path = path
        self.loaded = loaded
        self.files = files
    }

    /// The program loader of the executable, and the libraries by name.
    struct Closure: Sendable, Hashable {
        /// The loader's path, as the executable names it; nil for a static executable.
        var loader: String?
        /// Paths by the names that are asked for.
        var libraries: [String: String] = [:]
    }

    /// Asks the host's own program loader, which knows best where it finds what.
    ///
    /// Source: ld.so(8), `--list`.
    func closure() async throws -> Closure {
        guard let loader = try ElfInterpreter.of(path) else { return Closure() }
        var request = SpawnRequest(loader, ["--list", path])
        request.environment = ["LC_ALL=C", "LD_PRELOAD=" + loaded.joined(separator: " ")]
        let result = try await Spawn.run(request, timeout: .seconds(60))
        guard result.status.isSuccess else {
            throw Diagnostic(
                code: StoreCode.badSource, summary: "the libraries that \(path) needs cannot be listed",
                detail: result.errorText, hint: "run: \(loader) --list \(path)")
        }
        return try Self.parse(result.outputText, loader: loader, program: path)
    }

    static func parse(_ listing: String, loader: String, program: String) throws(Diagnostic) -> Closure {
        var closure = Closure(loader: loader)
        for line in listing.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count >= 3, words[1] == "=>" else { continue }
            guard words[2].hasPrefix("/") else {
                throw Diagnostic(
                    code: StoreCode.badSource, summary: "\(program) needs \(words[0]), which this host does not have",
                    hint: "install the package that has \(words[0])")
            }
            // The loader has its own place.
            if words[2] != loader, words[0] != loader { closure.libraries[words[0]] = words[2] }
        }
        return closure
    }
}

/// The program loader an ELF file names.
enum ElfInterpreter {
    private static let headerSize = 64
    private static let programHeaderLimit = 1024
    private static let interpreterType: UInt64 = 3

    /// The path in `PT_INTERP`; nil for a static executable.
    ///
    /// Source: elf(5), 64 bit and little-endian only.
    static func of(_ path: String) throws -> String? {
        let file = try Files.open(path)
        let header = try file.pread(upTo: headerSize, at: 0)
        guard header.count == headerSize, header.prefix(6) == [0x7F, 0x45, 0x4C, 0x46, 2, 1] else {
            throw Diagnostic(
                code: StoreCode.badSource, summary: "\(path) is not a 64-bit little-endian ELF program")
        }
        let (table, size, count) = (number(header, 32, 8), number(header, 54, 2), number(header, 56, 2))
        guard size >= 56, count <= programHeaderLimit, table < 1 << 40 else { return nil }
        for index in 0..<count {
            let entry = try file.pread(upTo: 56, at: Int64(table + index * size))
            guard entry.count == 56, number(entry, 0, 4) == interpreterType else { continue }
            let (offset, length) = (number(entry, 8, 8), number(entry, 32, 8))
            guard offset < 1 << 40, length > 1, length < 4096 else { return nil }
            let bytes = try file.pread(upTo: Int(length), at: Int64(offset)).prefix { $0 != 0 }
            let text = String(decoding: bytes, as: UTF8.self)
            return text.hasPrefix("/") ? text : nil
        }
        return nil
    }

    /// A little-endian number; zero where the bytes end before it.
    private static func number(_ bytes: [UInt8], _ offset: Int, _ width: Int) -> UInt64 {
        guard offset + width <= bytes.count else { return 0 }
        return bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
