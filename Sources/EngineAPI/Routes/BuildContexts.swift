import Builder
import Diagnostics
import Engine
import Linux

/// Contexts of builds, as they come.
enum BuildContexts {
    /// A context that came as a tar.
    static func unpack(_ archive: SharedDescriptor, on engine: HostEngine) async throws -> FileTree {
        try await engine.builder.context(unpacking: archive)
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
