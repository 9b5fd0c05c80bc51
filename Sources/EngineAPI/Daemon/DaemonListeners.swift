import Diagnostics
import HTTP
import Linux

/// Where the API is served: the listeners of the settings' hosts.
struct DaemonListeners: Sendable {
    /// One place, and what accepts there.
    struct Place: Sendable {
        let name: String
        let listener: any ByteStreamListener
    }

    /// All places.
    private(set) var places: [Place] = []
    /// Those that speak TLS, for a new certificate.
    private(set) var secure: [TLSListener] = []
    /// Sockets that are removed afterwards.
    private(set) var paths: [String] = []

    /// Opens the listeners.
    ///
    /// Blocks.
    ///
    /// - Throws: `Diagnostic` for a place that cannot be had; the others are closed again.
    init(_ settings: DaemonSettings, standard: String, log: DaemonLog) throws {
        do {
            try open(settings, standard: standard, log: log)
        } catch {
            close()
            throw error
        }
    }

    private mutating func open(_ settings: DaemonSettings, standard: String, log: DaemonLog) throws {
        let hosts = try settings.hosts.map { text throws(Diagnostic) in
            try DaemonHost(text, isSecure: settings.isSecure)
        }
        let context = settings.isSecure ? try Self.context(settings, log) : nil
        let group = try SocketGroup.find(settings.group)
        let passed = try Systemd.takeSockets()
        // A socket unit that nobody spoke of is the place all the same.
        let chosen: [DaemonHost] = !hosts.isEmpty ? hosts : passed.isEmpty ? [.unix(standard)] : [.systemd(nil)]
        for host in chosen {
            switch host {
            case .unix(let path):
                let listener = try Self.opening(host) { () throws(SystemError) in
                    let listener = try SocketListener.unix(path, mode: 0o660)
                    if let group { try Files.chown(path, uid: .max, gid: group) }
                    return listener
                }
                paths.append(path)
                places.append(Place(name: host.description, listener: listener))
            case .tcp(let address, let port):
                let listener = try Self.opening(host) { () throws(SystemError) in
                    try SocketListener.tcp(address, port: port)
                }
                add(listener, host, context, log)
            case .systemd(let name): try add(passed, named: name, context)
            }
        }
    }

    private mutating func add(_ listener: SocketListener, _ host: DaemonHost, _ context: TLSContext?, _ log: DaemonLog)
    {
        guard let context else {
            log.write(.warn, "\(host) is served without TLS: whoever connects is root on this host")
            return places.append(Place(name: host.description, listener: listener))
        }
        let wrapped = TLSListener(over: listener, context: context) { error, client in
            log.write(.info, "TLS handshake failed", [("client", client ?? "unknown"), ("reason", "\(error)")])
        }
        secure.append(wrapped)
        places.append(Place(name: host.description, listener: wrapped))
    }

    /// The sockets that the service manager opened.
    private mutating func add(
        _ passed: [(name: String, descriptor: SharedDescriptor)], named name: String?, _ context: TLSContext?
    ) throws {
        let wanted = passed.filter { name == nil || $0.name == name }
        guard !wanted.isEmpty else {
            throw Diagnostic(
                code: "SC5016", summary: "no sockets were passed for \(DaemonHost.systemd(name))",
                detail: "fd:// is for a daemon that systemd starts for its socket unit.",
                hint: "systemctl enable --now stackctl.socket, or name another place with --host")
        }
        for socket in wanted {
            let listener = try SocketListener(listening: try socket.descriptor.duplicate())
            let label = "fd://\(socket.name)"
            if let context, (try? listener.localPort()) != nil {
                let wrapped = TLSListener(over: listener, context: context)
                secure.append(wrapped)
                places.append(Place(name: label, listener: wrapped))
            } else {
                places.append(Place(name: label, listener: listener))
            }
        }
    }

    /// The certificate and key of the settings.
    ///
    /// Blocks.
    static func context(_ settings: DaemonSettings, _ log: DaemonLog) throws -> TLSContext {
        var configuration = TLSServerConfiguration(
            certificate: settings.tlsCertificate ?? "", key: settings.tlsKey ?? "")
        if settings.verifiesClients { configuration.clientAuthority = settings.tlsAuthority }
        do {
            let context = try TLSContext(server: configuration)
            for warning in context.warnings { log.write(.warn, "\(warning)") }
            return context
        } catch {
            throw Diagnostic(code: "SC5017", summary: "TLS cannot be set up", detail: "\(error)")
        }
    }

    private static func opening(
        _ host: DaemonHost, _ body: () throws(SystemError) -> SocketListener
    ) throws(Diagnostic) -> SocketListener {
        do throws(SystemError) {
            return try body()
        } catch {
            throw Diagnostic(
                code: "SC5004", summary: "the socket \(host) cannot be opened", detail: "\(error)",
                hint: "choose another with --host, or end whoever has it")
        }
    }

    /// Stops accepting everywhere.
    func close() { for place in places { place.listener.close() } }

    /// Removes the sockets of this daemon.
    func removePaths() { for path in paths { _ = try? Files.unlinkIfPresent(path) } }
}

/// The group whose members may use the daemon's sockets.
enum SocketGroup {
    /// Groups that are taken where they exist and none is named.
    private static let usual = ["stackctl", "docker"]

    /// The number of a group; nil for root's own.
    ///
    /// Blocks.
    ///
    /// - Throws: `Diagnostic` for a named group that is not there.
    static func find(_ name: String?) throws(Diagnostic) -> UInt32? {
        let lines = ((try? Files.readText("/etc/group", limit: 4 << 20)) ?? "").split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false)
        }
        func number(_ name: String) -> UInt32? {
            lines.first { $0.count >= 3 && $0[0] == name }.flatMap { UInt32($0[2]) }
        }
        guard let name, !name.isEmpty else { return usual.lazy.compactMap(number).first }
        if let found = number(name) ?? UInt32(name) { return found }
        throw Diagnostic(
            code: "SC5018", summary: "the group `\(name)` does not exist",
            hint: "make it with `groupadd --system \(name)`, or name another with --group")
    }
}
