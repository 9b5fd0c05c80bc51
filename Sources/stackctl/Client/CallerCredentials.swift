import Apply
import Diagnostics
import HTTP
import JSONText
import Linux
import OCI
import Registry
import StackModel

/// The credentials the calling user keeps for registries, in `config.json` or with a helper.
enum CallerCredentials {
    /// The path of the user's file.
    ///
    /// - Throws: `Diagnostic` where the user has no home.
    static func path() throws -> String {
        guard let path = UserFiles.dockerConfigFile else {
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
        await credentials(for: domain, output)?.registryAuthHeader(for: domain)
    }

    /// The `X-Registry-Config` field with the credentials for the registries of images; no field without credentials.
    static func headers(for images: [String], _ output: Output) async -> HTTPHeaders {
        let references = images.compactMap { $0.hasPrefix("sha256:") ? nil : try? ImageReference($0) }
        var found: [String: RegistryCredentials] = [:]
        for domain in Set(references.map(\.domain)) { found[domain] = await credentials(for: domain, output) }
        return found.isEmpty ? [:] : ["X-Registry-Config": RegistryCredentials.registryConfigHeader(found)]
    }

    /// The same for all images that a plan names.
    static func headers(for plan: SavedPlan, _ output: Output) async -> HTTPHeaders {
        let resources = plan.document?.resources ?? []
        let pushes = resources.flatMap { $0.attributes["push"]?.arrayValue ?? [] }.compactMap(\.stringValue)
        return await headers(
            for: resources.flatMap { ImageUse.names($0.address.kind, $0.attributes) } + pushes, output)
    }

    private static func credentials(for domain: String, _ output: Output) async -> RegistryCredentials? {
        guard let path = UserFiles.dockerConfigFile else { return nil }
        do {
            return try await BlockingExecutor.shared.run { () throws(RegistryError) in
                try DockerConfigFile(path: path).credentials(for: domain)
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
