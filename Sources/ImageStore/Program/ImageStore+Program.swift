import Archives
import Diagnostics
import JSONText
import Linux
import OCI

extension ImageStore {
    /// Makes an image of a program of this host, its libraries and nothing else.
    ///
    /// Equal files give the same image, whenever and wherever it is made. The program is the image's entrypoint.
    ///
    /// - Throws: `Diagnostic` when the program or a library it needs cannot be read. The store is as before then.
    package func importProgram(
        _ program: HostProgram, reference: ImageReference?, changes: ConfigurationChanges = .init(),
        progress: ImageProgress? = nil
    ) async throws -> StoredImage {
        let doing = "copying \(program.path) and its libraries"
        progress?(ImageProgressUpdate(message: doing))
        let tree = ProgramTree(program, try await program.closure())
        let (layers, layout) = (layers, layers.layout)
        let staged = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting(doing) { () throws in
                try Files.makeDirectories(layout.incoming, mode: 0o700)
                let path = layout.incoming + "/" + (try Random.hex(bytes: 8))
                defer { try? Files.unlink(path) }
                let tar = try Files.open(path, [.readWrite, .create, .exclusive], mode: 0o600).shared()
                try tree.write(to: tar)
                _ = try tar.seek(0)
                return try layers.stage(tar: DescriptorSource(tar))
            }
        }
        var defaults = ExecutionParameters()
        defaults.entrypoint = [ProgramTree.executable(program)]
        if !tree.libraries.isEmpty { defaults.env = ["LD_LIBRARY_PATH=" + ProgramTree.libraryFolder] }
        let origin: JSONObject = ["program": .string(ProgramTree.executable(program))]
        return try await adopt(staged, reference: reference, changes: changes, origin: origin, defaults: defaults)
    }
}

/// The files of an image of one program.
struct ProgramTree: Sendable {
    static let libraryFolder = "/usr/lib/program"

    /// Paths on the host by paths in the image.
    let libraries: [String: String]
    private let files: [String: String]

    init(_ program: HostProgram, _ closure: HostProgram.Closure) {
        libraries = Dictionary(
            closure.libraries.map { (Self.libraryFolder + "/" + $0.key, $0.value) }
        ) { first, _ in first }
        var files = libraries
        files[Self.executable(program)] = program.path
        if let loader = closure.loader { files[loader] = loader }
        for path in program.files where Files.exists(path) { files[path] = path }
        self.files = files
    }

    /// Where the program is in the image.
    static func executable(_ program: HostProgram) -> String {
        "/usr/bin/" + (program.path.split(separator: "/").last.map(String.init) ?? "program")
    }

    /// Writes the tree as a tar: sorted, all of one time, owned by root.
    func write(to tar: SharedDescriptor) throws {
        var folders: Set<String> = ["/tmp", "/etc"]
        for path in files.keys {
            var folder = path[...]
            while let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
                folder = folder[..<slash]
                folders.insert(String(folder))
            }
        }
        for folder in folders.sorted() {
            var entry = TarEntry(path: Self.relative(folder), kind: .directory)
            entry.mode = folder == "/tmp" ? 0o1777 : 0o755
            try tar.writeAll(try TarWriter.header(of: entry))
        }
        try Self.add("/etc/passwd", Array("root:x:0:0:root:/:/sbin/nologin\n".utf8), to: tar)
        for (path, source) in files.sorted(by: { $0.key < $1.key }) { try Self.copy(source, as: path, to: tar) }
        try tar.writeAll([UInt8](repeating: 0, count: 1024))
    }

    private static func relative(_ path: String) -> [UInt8] { Array(path.utf8.dropFirst()) }

    private static func add(_ path: String, _ bytes: [UInt8], to tar: SharedDescriptor) throws {
        var entry = TarEntry(path: relative(path), kind: .regular)
        entry.size = UInt64(bytes.count)
        try tar.writeAll(try TarWriter.header(of: entry) + bytes + TarWriter.padding(after: entry.size))
    }

    private static func copy(_ source: String, as path: String, to tar: SharedDescriptor) throws {
        let file = try Files.open(source)
        let status = try file.status()
        guard status.kind == .regular, status.size >= 0 else {
            throw Diagnostic(code: StoreCode.badSource, summary: "\(source) is not a file")
        }
        var entry = TarEntry(path: relative(path), kind: .regular)
        entry.mode = status.mode & 0o111 == 0 ? 0o644 : 0o755
        entry.size = UInt64(status.size)
        try tar.writeAll(try TarWriter.header(of: entry))
        var left = status.size
        while left > 0 {
            let piece = try file.read(upTo: Int(min(left, 1 << 20)))
            guard !piece.isEmpty else {
                throw Diagnostic(code: StoreCode.badSource, summary: "\(source) became shorter while it was copied")
            }
            try tar.writeAll(piece)
            left -= Int64(piece.count)
        }
        try tar.writeAll(TarWriter.padding(after: entry.size))
    }
}
