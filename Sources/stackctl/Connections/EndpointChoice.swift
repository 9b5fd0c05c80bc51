import Diagnostics
import HTTP
import Linux

/// Which daemon a command line means.
///
/// In this order: `--context`, `--host`, `--root` (the daemon of that root), `STACKCTL_HOST`, `STACKCTL_SOCKET`,
/// `STACKCTL_CONTEXT`, `DOCKER_HOST`, `DOCKER_CONTEXT`, the context in use, the daemon of the default root. With
/// `STACKCTL_ROOT` set, Docker's variables and the context in use mean nothing.
struct EndpointChoice: Sendable {
    let arguments: ParsedArguments
    let environment: [String: String]
    let workingDirectory: String
    /// Whether `--host` names the daemon; for the daemon itself it means places to serve on.
    var takesHost = true

    private func given(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

    private var host: String? {
        if takesHost, let host = arguments.value(of: GlobalOptions.host) { return host }
        // A root on the command line means its own daemon, whatever the environment says.
        guard arguments.value(of: GlobalOptions.root) == nil else { return nil }
        return given("STACKCTL_HOST") ?? given("STACKCTL_SOCKET")
    }

    /// Whether a socket of this host is named as ours, where a daemon of ours would listen.
    var namesOurSocket: Bool { host.map { $0.hasPrefix("unix://") || !$0.contains("://") } ?? false }

    /// The name of the context that is chosen; nil where a host is, or nothing.
    var contextName: String? {
        get throws(Diagnostic) {
            if let name = arguments.value(of: GlobalOptions.context) {
                guard !takesHost || arguments.value(of: GlobalOptions.host) == nil else {
                    throw Diagnostic(
                        code: "SC0164", summary: "conflicting options: cannot specify both --host and --context",
                        hint: "leave out one of them")
                }
                return name == ContextStore.defaultName ? nil : name
            }
            if host != nil || arguments.value(of: GlobalOptions.root) != nil { return nil }
            if let name = given("STACKCTL_CONTEXT") { return name == ContextStore.defaultName ? nil : name }
            if given("STACKCTL_ROOT") != nil || given("DOCKER_HOST") != nil { return nil }
            let name = given("DOCKER_CONTEXT") ?? ContextStore(environment: environment)?.current
            return name == ContextStore.defaultName ? nil : name
        }
    }

    /// The daemon's address; nil for the one of the data root.
    ///
    /// - Throws: a `Diagnostic` for an address that is none, and for a context that is not there.
    func endpoint() throws(Diagnostic) -> DaemonEndpoint? {
        if let name = try contextName {
            guard let store = ContextStore(environment: environment) else { throw ContextStore.homeless }
            return try store.find(name).endpoint(workingDirectory: workingDirectory)
        }
        // The default context means no host either.
        if arguments.value(of: GlobalOptions.context) != nil { return nil }
        if let host { return try DaemonEndpoint(host, tls: try tls(), workingDirectory: workingDirectory) }
        guard arguments.value(of: GlobalOptions.root) == nil, given("STACKCTL_ROOT") == nil,
            given("STACKCTL_CONTEXT") == nil, let host = given("DOCKER_HOST")
        else { return nil }
        return try DaemonEndpoint(host, tls: try tls(), workingDirectory: workingDirectory)
    }

    /// How TLS is spoken; nil for not at all.
    private func tls() throws(Diagnostic) -> TLSClientConfiguration? {
        let verifies = arguments.isSet(GlobalOptions.tlsVerify) || given("DOCKER_TLS_VERIFY") != nil
        let named = [GlobalOptions.tlsAuthority, GlobalOptions.tlsCertificate, GlobalOptions.tlsKey]
        let isOn = verifies || arguments.isSet(GlobalOptions.tls) || given("DOCKER_TLS") != nil
        guard isOn || named.contains(where: { arguments.value(of: $0) != nil }) else { return nil }
        let home = given("HOME").map { $0 + "/.docker" }
        let folder =
            given("DOCKER_CERT_PATH") ?? arguments.value(of: GlobalOptions.config) ?? given("DOCKER_CONFIG") ?? home
        /// A file that is not named is used where it is there.
        func file(_ option: OptionDeclaration, _ name: String, isNeeded: Bool = false) -> String? {
            if let path = arguments.value(of: option) { return path }
            guard let folder, isNeeded || Files.exists("\(folder)/\(name)") else { return nil }
            return "\(folder)/\(name)"
        }
        var configuration = TLSClientConfiguration(
            authority: verifies ? file(GlobalOptions.tlsAuthority, "ca.pem") : nil,
            certificate: file(GlobalOptions.tlsCertificate, "cert.pem"), key: file(GlobalOptions.tlsKey, "key.pem"))
        configuration.verifiesServer = verifies
        return configuration
    }
}
