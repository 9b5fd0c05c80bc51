import Archives
import Builder
import Diagnostics
import Engine
import Linux

/// Contexts of builds, as they come.
enum BuildContexts {
    /// A context that came as a tar.
    static func unpack(_ archive: SharedDescriptor, on engine: HostEngine) async throws -> FileTree {
        let parent = engine.configuration.runDirectory
        return try await BlockingExecutor.shared.run {
            do {
                let folder = TemporaryFolder("\(parent)/context-\(try Random.hex(bytes: 8))")
                try Files.makeDirectory(folder.path, mode: 0o700)
                let root = try Files.open(folder.path, [.readOnly, .directory]).shared()
                try DirectoryExtractor.extract(DescriptorSource(archive), into: root)
                return FileTree(root: root, lifetime: folder)
            } catch {
                throw BuildFailure(
                    .invalid,
                    Diagnostic(
                        code: BuildCode.invalid, summary: "the build context cannot be read", detail: "\(error)"))
            }
        }
    }

    /// A repository, or an archive of the web.
    static func fetch(_ address: String, on engine: HostEngine) async throws -> FileTree {
        throw BuildFailure(
            .invalid,
            Diagnostic(
                code: BuildCode.invalid, summary: "contexts are not fetched from \(address)",
                hint: "clone or unpack it, and name the directory"))
    }
}

/// A directory that is removed with the last who has it.
private final class TemporaryFolder: Sendable {
    let path: String

    init(_ path: String) { self.path = path }

    deinit { try? Files.removeTree(path) }
}
