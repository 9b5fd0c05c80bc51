import Diagnostics
import Engine
import JSONText
import Networking

/// What the daemon is told by its configuration file and its flags.
package struct DaemonSettings: Sendable {
    /// The configuration file that is read where it is there.
    package static let path = "/etc/stackctl/daemon.json"

    /// The data root.
    package var dataRoot: String?
    /// Where the API is served; empty for the socket below the data root.
    package var hosts: [String] = []
    /// The group that may use the unix sockets; nil for `stackctl` or else `docker`, where there is one.
    package var group: String?
    /// Whether TCP speaks TLS.
    package var usesTLS = false
    /// Whether clients need a certificate of `tlsAuthority`.
    package var verifiesClients = false
    /// Who signs clients' certificates, a file in PEM.
    package var tlsAuthority: String?
    /// Our certificate, a file in PEM.
    package var tlsCertificate: String?
    /// Its key, a file in PEM.
    package var tlsKey: String?
    /// Whether TCP without TLS is served to other hosts.
    package var allowsInsecureTCP = false
    /// What is logged.
    package var logLevel = DaemonLog.Level.info
    /// How it is logged.
    package var logFormat = DaemonLog.Format.text
    /// Labels of the daemon.
    package var labels: [String] = []
    /// Where Prometheus reads, `ADDRESS:PORT`.
    package var metricsAddress: String?
    /// Seconds that requests have to end when the daemon stops.
    package var shutdownSeconds = 15
    /// Whether containers go on without the daemon.
    package var keepsContainers = true
    /// As in `EngineConfiguration`.
    package var publishInterfaces: [String]?
    /// As in `EngineConfiguration`.
    package var addressPools: [AddressPool.Range]?
    /// Mirrors of Docker Hub.
    package var registryMirrors: [String] = []
    /// Registries of which plain HTTP and unverified certificates are taken.
    package var insecureRegistries: [String] = []
    /// What containers get that do not say.
    package var defaults = ContainerDefaults()
    /// Keys of the file that change nothing here.
    package var idleKeys: [String] = []
    /// Keys that were given.
    package private(set) var given: [String: JSONValue] = [:]

    /// The defaults.
    package init() {}

    /// Whether anything asks for TLS.
    package var isSecure: Bool {
        usesTLS || verifiesClients || tlsAuthority != nil || tlsCertificate != nil || tlsKey != nil
    }

    /// Reads a configuration file's text.
    ///
    /// - Throws: `DiagnosticList` with all that is wrong: unknown keys with the nearest, wrong types with what is expected.
    package init(json bytes: [UInt8], path: String) throws(DiagnosticList) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes, limits: JSONLimits(depth: 16, bytes: 1 << 20))
        } catch {
            throw DiagnosticList([
                Diagnostic(code: "SC5011", summary: "the configuration \(path) is not JSON", detail: "\(error)")
            ])
        }
        guard let object = value.objectValue else {
            throw DiagnosticList([
                Diagnostic(
                    code: "SC5011", summary: "the configuration \(path) must be an object, not \(value.kindDescription)"
                )
            ])
        }
        var problems: [Diagnostic] = []
        for (name, value) in object {
            do throws(Diagnostic) {
                try take(name, value, from: path)
            } catch {
                problems.append(error)
            }
        }
        problems += check(path)
        if !problems.isEmpty { throw DiagnosticList(problems) }
    }

    /// Takes one key over.
    ///
    /// - Throws: for an unknown key, a wrong type, a value that makes no sense.
    package mutating func take(_ name: String, _ value: JSONValue, from path: String) throws(Diagnostic) {
        guard let key = DaemonKey.all.first(where: { $0.name == name }) else {
            let hint = nearest(name, among: DaemonKey.all.map(\.name)).map { "did you mean `\($0)`?" }
            throw Diagnostic(code: "SC5012", summary: "\(path): unknown key `\(name)`", hint: hint)
        }
        given[name] = value
        do throws(DaemonKey.Refusal) {
            try key.apply(value, &self)
        } catch {
            throw Diagnostic(code: "SC5013", summary: "\(path): `\(name)` \(error.reason)")
        }
    }

    /// What does not go together.
    package func check(_ path: String) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        func problem(_ text: String, _ hint: String? = nil) {
            problems.append(Diagnostic(code: "SC5014", summary: "\(path): \(text)", hint: hint))
        }
        if isSecure {
            if tlsCertificate == nil || tlsKey == nil { problem("TLS needs `tlscert` and `tlskey`") }
            if verifiesClients, tlsAuthority == nil {
                problem("`tlsverify` needs `tlscacert`, the authority that signs clients' certificates")
            }
        }
        for text in hosts {
            do throws(Diagnostic) {
                let host = try DaemonHost(text, isSecure: isSecure)
                guard !host.isLocal, !allowsInsecureTCP, !(isSecure && verifiesClients) else { continue }
                problem(
                    "whoever reaches \(host) would be root on this host",
                    isSecure
                        ? "ask clients for certificates with `tlsverify` and `tlscacert`, or allow it with `allow-insecure-tcp`"
                        : "use TLS with `tlsverify`, `tlscacert`, `tlscert` and `tlskey`, or allow it with `allow-insecure-tcp`"
                )
            } catch {
                problems.append(error)
            }
        }
        return problems
    }

    /// The names of keys whose values differ and that only a new start of the daemon takes.
    package func keysForRestart(from old: DaemonSettings) -> [String] {
        DaemonKey.all.filter { key in
            !key.isReloadable && !key.isIdle && given[key.name] != old.given[key.name]
        }.map(\.name)
    }

    /// The file's keys over which a flag stands.
    package func conflicts(with flags: DaemonSettings) -> [String] {
        given.keys.filter { flags.given[$0] != nil }.sorted()
    }

    /// The settings with those of flags added; no key is in both.
    package func adding(_ flags: DaemonSettings) throws(DiagnosticList) -> DaemonSettings {
        var result = self
        var problems: [Diagnostic] = []
        for (name, value) in flags.given.sorted(by: { $0.key < $1.key }) {
            do throws(Diagnostic) { try result.take(name, value, from: "the flags") } catch { problems.append(error) }
        }
        problems += result.check("the settings")
        if !problems.isEmpty { throw DiagnosticList(problems) }
        return result
    }
}
