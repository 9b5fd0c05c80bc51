import Diagnostics
import Linux
import Registry

/// The credentials the calling user keeps for registries, in `config.json` or with a helper.
enum CallerCredentials {
    /// The path of the user's file.
    ///
    /// - Throws: `Diagnostic` where the user has no home.
    static func path() throws -> String {
        guard let path = DockerConfigFile.defaultPath else {
            throw Diagnostic(
                code: "SC0191", summary: "there is no home to keep credentials in", detail: "HOME is not set",
                hint: "set DOCKER_CONFIG to a folder")
        }
        return path
    }

    /// The `X-Registry-Auth` field for a registry; nil without credentials.
    ///
    /// What cannot be read is told, and the registry is asked without: many images need no credentials.
    static func header(for domain: String, _ output: Output) async -> String? {
        guard let path = DockerConfigFile.defaultPath else { return nil }
        do {
            return try await BlockingExecutor.shared.run { () throws(RegistryError) in
                try DockerConfigFile(path: path).credentials(for: domain)?.registryAuthHeader(for: domain)
            }
        } catch {
            output.show([
                Diagnostic(
                    severity: .warning, code: error.code, summary: "the credentials of \(domain) cannot be read",
                    detail: error.description, hint: "the registry is asked without them")
            ])
            return nil
        }
    }
}
