import Archives
import Builder
import Diagnostics
import Engine
import Linux

/// Contexts of builds, as they come.
enum BuildContexts {
    /// A context that came as a tar.
    static func unpack(_ archive: SharedDescriptor, on engine: HostEngine) async throws -> FileTree {
        throw missing
    }

    /// A repository, or an archive of the web.
    static func fetch(_ address: String, on engine: HostEngine) async throws -> FileTree { throw missing }

    private static var missing: BuildFailure {
        BuildFailure(.failed, Diagnostic(code: BuildCode.failed, summary: "contexts cannot be read yet"))
    }
}
