import Diagnostics
import Linux
import RegistryServer

/// `stackctl registry …`: a registry of one's own.
enum RegistryCommand {
    private static let root = OptionDeclaration.value(
        "root", nil, .path("DIR"), "Where images are kept (default: /var/lib/stackctl-registry)")
    private static let untagged = OptionDeclaration.flag(
        "untagged", nil, "Also remove manifests that no tag leads to")
    private static let grace = OptionDeclaration.value(
        "grace", nil, .text("TIME"), "Keep what was pushed within this time (default: 1h)")

    static let declaration = CommandDeclaration(
        "registry", summary: "Serve images to other machines",
        subcommands: [
            CommandDeclaration(
                "serve", summary: "Run a registry server in the foreground",
                discussion: """
                    Serves the OCI distribution API (and Docker's) from a directory. Without
                    --htpasswd everybody may do all; with it the file's users may do all and nobody
                    else anything, unless --anonymous-pull lets everybody pull. --proxy keeps images
                    of another registry as they are asked for; `--proxy PREFIX=URL` does so below a
                    prefix only.

                    Each option may be given as a variable too: STACKCTL_REGISTRY_LISTEN for
                    --listen, STACKCTL_REGISTRY_ANONYMOUS_PULL=1 for --anonymous-pull, and so on;
                    several values of --proxy have spaces between.
                    """,
                options: RegistryServeOptions.all + [root], watchesInterrupts: false, action: serve),
            CommandDeclaration(
                "gc", summary: "Remove what no image of a registry needs",
                discussion: """
                    Works while the server runs, and without one. What was uploaded within the last hour
                    stays, since its manifest may be on the way; a running server has its own
                    --gc-grace for that.
                    """,
                options: [root, untagged, grace, SharedOptions.json], action: collect),
        ])

    private static func read(_ invocation: Invocation) -> RegistryServeOptions {
        RegistryServeOptions(arguments: invocation.arguments, environment: Environment.all)
    }

    private static func serve(_ invocation: Invocation) async throws -> ExitCode {
        CurrentProcess.setUmask(0o077)
        CurrentProcess.raiseOpenFileLimit()
        var configuration = try read(invocation).configuration()
        configuration.root = try absolute(read(invocation).value(of: root) ?? configuration.root)
        let chosen = configuration
        let output = invocation.output
        if let warning = warning(chosen) { output.show([warning]) }
        let host = try await BlockingExecutor.shared.run { try RegistryHost(chosen) }
        let scheme = chosen.certificate == nil ? "http" : "https"
        try await host.run { output.writeError("serving \(chosen.root) on \(scheme)://\($0)\n") }
        return .success
    }

    /// What the one who starts it should know of who may write.
    private static func warning(_ configuration: RegistryConfiguration) -> Diagnostic? {
        guard configuration.passwordFile == nil, configuration.address != .loopback else { return nil }
        return Diagnostic(
            severity: .warning, code: "SC4211",
            summary: "whoever reaches \(configuration.address) may push to and delete from this registry",
            hint: "name users with --htpasswd FILE, or listen on 127.0.0.1")
    }

    private static func collect(_ invocation: Invocation) async throws -> ExitCode {
        let options = read(invocation)
        let report = try await RegistryCollection.run(
            root: try absolute(options.value(of: root) ?? RegistryConfiguration().root),
            untagged: invocation.arguments.isSet(untagged), grace: try options.duration(of: grace) ?? .seconds(3600))
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: report.json)
        } else {
            invocation.output.print("\(report)")
        }
        return .success
    }

    private static func absolute(_ path: String) throws -> String {
        path.hasPrefix("/") ? path : "\(try CurrentProcess.workingDirectory())/\(path)"
    }
}
