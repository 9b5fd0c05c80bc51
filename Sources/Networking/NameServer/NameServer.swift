import Diagnostics
import Linux

/// The daemon's end of the name server, a process of its own (`stack-init dns`) that lives on when the daemon does not.
///
/// It is found again by its socket. Whoever serves containers calls `ensureRunning` when the daemon starts and from time
/// to time; when that says the process is new, every running container is attached to it again.
package actor NameServer {
    private let initBinary: String
    private let socketPath: String
    private let host: HostNamespace
    /// How long an answer may take; the process does nothing that takes time.
    private let patience: Duration
    private var connection: AsyncSocket?
    /// The process that did not answer in time.
    private var silent: ProcessHandle?
    /// Whether the process was seen to be of this `stack-init`.
    private var isCurrent = false
    /// One message at a time is under way, since replies carry no number.
    private let calls = TaskLine()
    /// One task at a time looks whether the process is there.
    private let starts = TaskLine()

    /// A name server at `socketPath`, started from `initBinary` when there is none.
    ///
    /// - Parameters:
    ///   - hostNamespace: the network namespace whose resolvers are asked; nil is the daemon's own.
    ///   - patience: how long it may take to answer.
    package init(
        initBinary: String, socketPath: String, hostNamespace: SharedDescriptor? = nil,
        patience: Duration = .seconds(30)
    ) {
        self.patience = patience
        self.initBinary = initBinary
        self.socketPath = socketPath
        host = HostNamespace(descriptor: hostNamespace)
    }

    /// Starts the process if it is not there, or does not answer, and tells it the host's resolvers.
    ///
    /// - Returns: true if it was started, and so knows no container.
    @discardableResult
    package func ensureRunning() async throws -> Bool {
        await starts.enter()
        defer { starts.leave() }
        let isNew: Bool
        do {
            _ = try await call(.list(after: []))
            isNew = try await !endOutdated()
        } catch is SystemError {
            if let silent { await end(silent, 9) }
            silent = nil
            isNew = true
        }
        if isNew { try await start() }
        isCurrent = true
        let resolvers = (try? Files.readText("/etc/resolv.conf")).map(ContainerFiles.resolvers(inResolvConf:)) ?? []
        try await setUpstreams(resolvers)
        return isNew
    }

    /// Serves a container: opens 127.0.0.11:53 in its network namespace and hands it over.
    ///
    /// The name server's sockets hold the namespace until `remove`.
    ///
    /// - Parameters:
    ///   - networks: the networks whose names it may ask for.
    ///   - forwards: whether other names are asked from the host's resolvers; false for internal networks.
    package func attach(
        containerID: String, netns: SharedDescriptor, networks: [String], forwards: Bool
    ) async throws {
        let sockets = try await BlockingExecutor.shared.run {
            try HostNamespace.run(in: netns) {
                let address = IPAddress(.resolver)
                return [
                    try BoundSocket.datagrams(at: address, port: 53).shared(),
                    try BoundSocket.streams(at: address, port: 53).shared(),
                ]
            }
        }
        let message = NameServiceMessage.attach(
            container: Array(containerID.utf8), forwards: forwards, networks: networks.map { Array($0.utf8) })
        try await call(message, sockets)
    }

    /// Sets the networks whose names a container may ask for.
    package func setNetworks(containerID: String, networks: [String], forwards: Bool) async throws {
        try await call(
            .networks(
                container: Array(containerID.utf8), forwards: forwards, networks: networks.map { Array($0.utf8) }))
    }

    /// Sets the names by which a network's containers find a container.
    ///
    /// The first one answers questions for its address.
    package func setNames(
        containerID: String, networkID: String, address: IPv4Address, address6: IPAddress? = nil, names: [String]
    ) async throws {
        try await call(
            .names(
                container: Array(containerID.utf8), network: Array(networkID.utf8), address: address.rawValue,
                address6: address6?.bytes ?? [], names: try Self.valid(names)))
    }

    /// Sets the names that a container alone has for others in its networks.
    package func setLinks(containerID: String, _ links: [(alias: String, name: String)]) async throws {
        let names = try Self.valid(links.flatMap { [$0.alias, $0.name] })
        try await call(.links(container: Array(containerID.utf8), names: names))
    }

    /// Sets the resolvers that a container's names outside are asked from; none are the host's.
    package func setServers(containerID: String, _ resolvers: [String]) async throws {
        try await call(
            .servers(container: Array(containerID.utf8), resolvers: resolvers.map { Array($0.utf8) }))
    }

    /// Passes connections on to a container, in place of those that were before.
    ///
    /// - Throws: `SystemError` where a socket cannot be had, such as `EADDRINUSE`.
    package func setRelays(containerID: String, _ relays: [PortRelay]) async throws {
        try await call(.unrelay(container: Array(containerID.utf8)))
        let host = host
        for relay in relays {
            let socket = try await BlockingExecutor.shared.run {
                try host.run { try BoundSocket.streams(at: relay.address, port: relay.port).shared() }
            }
            try await call(
                .relay(
                    container: Array(containerID.utf8), target: Array(relay.target.description.utf8),
                    port: relay.targetPort), [socket])
        }
    }

    private static func valid(_ names: [String]) throws(Diagnostic) -> [DNSName] {
        try names.map { text throws(Diagnostic) in
            guard let name = DNSName(text: Array(text.utf8)) else {
                throw Diagnostic(
                    code: "SC6030", summary: "\"\(text)\" cannot be a name in a network",
                    detail: "expected labels of 1 to 63 bytes parted by dots, at most 253 bytes in all")
            }
            return name
        }
    }

    /// Forgets a container's names in a network.
    package func removeNames(containerID: String, networkID: String) async throws {
        try await call(.unname(container: Array(containerID.utf8), network: Array(networkID.utf8)))
    }

    /// Forgets a container, and lets its network namespace go.
    package func remove(containerID: String) async throws {
        try await call(.remove(container: Array(containerID.utf8)))
    }

    /// Forgets every container but these.
    package func keepOnly(_ containerIDs: Set<String>) async throws {
        for containerID in try await attached() where !containerIDs.contains(containerID) {
            try await remove(containerID: containerID)
        }
    }

    /// The containers it serves.
    package func attached() async throws -> [String] {
        var found: [String] = []
        while true {
            let page = try await call(.list(after: Array((found.last ?? "").utf8)))
            found += page.map { String(decoding: $0, as: UTF8.self) }
            if page.count < NameServiceMessage.pageLength { return found }
        }
    }

    /// Sets the addresses of the resolvers that other names are asked from.
    package func setUpstreams(_ resolvers: [String]) async throws {
        try await call(.upstreams(resolvers.map { Array($0.utf8) }))
    }

    /// Lets the process end if it serves nobody.
    ///
    /// One that is not there is fine.
    package func shutdownIfIdle() async throws {
        do {
            try await call(.shutdown)
        } catch is SystemError {
            return
        } catch is NameServerRefusal {
            return
        }
        connection?.close()
        connection = nil
    }
}

/// The name server has refused what it was asked.
struct NameServerRefusal: Error, CustomStringConvertible {
    /// Its own words.
    let description: String
}

extension NameServer {
    /// How long a process may take to listen, and one that was told to end to be gone.
    private static let startTime = Duration.seconds(30)
    /// The process's exit code where another serves this socket already.
    private static let otherServes: Int32 = 3

    private func start() async throws {
        let end = Clock.monotonic() + Self.startTime.wholeNanoseconds
        var child = try await spawn()
        while Clock.monotonic() < end {
            if (try? await connect()) != nil {
                // One that would listen only when the other has ended is not to be left behind.
                if try connection?.peerCredentials().pid != child.pid {
                    try? child.send(9)
                    _ = try await child.exitStatus()
                }
                return
            }
            if let status = try child.currentStatus() {
                guard status.code == Self.otherServes else {
                    throw Diagnostic(
                        code: "SC6031", summary: "the name server did not start",
                        detail: "\(initBinary) dns --socket \(socketPath) ended with code \(status.code)",
                        hint: "check that the folder of the socket is there and writable")
                }
                // Another daemon's was faster, and is about to listen; or one is about to end.
                try await EventLoop.shared.sleep(for: .milliseconds(50))
                child = try await spawn()
            }
            try await EventLoop.shared.sleep(for: .milliseconds(1))
        }
        try? child.send(9)
        throw Diagnostic(
            code: "SC6031", summary: "the name server did not start", detail: "nobody listens on \(socketPath)")
    }

    private func spawn() async throws -> ChildProcess {
        let request = SpawnRequest(
            executable: .path(initBinary), arguments: ["stack-init", "dns", "--socket", socketPath], newSession: true)
        let host = host
        return try await BlockingExecutor.shared.run { try host.run { try Spawn.start(request) } }
    }

    /// Ends a process of another `stack-init` than is installed now, which may not know all that it would be told.
    ///
    /// - Returns: whether the process is the right one.
    private func endOutdated() async throws -> Bool {
        guard !isCurrent, let connection else { return true }
        let pid = try connection.peerCredentials().pid
        let installed = try Files.status(initBinary)
        guard let running = try? Files.status("/proc/\(pid)/exe"),
            (running.device, running.inode) != (installed.device, installed.inode)
        else { return true }
        connection.close()
        self.connection = nil
        if let process = try? ProcessHandle.open(pid) { await end(process, 15) }
        return false
    }

    /// Ends a process, and waits until its lock and its socket are free.
    private func end(_ process: ProcessHandle, _ signal: Int32) async {
        try? process.send(signal)
        try? await withTimeout(Self.startTime) { try await process.waitForExit() }
    }

    private func connect() async throws {
        connection?.close()
        connection = nil
        connection = try await AsyncSocket.connect(unixPackets: socketPath)
    }

    /// Sends a message behind those that are under way, and gives the reply's fields.
    @discardableResult
    private func call(
        _ message: NameServiceMessage, _ descriptors: [SharedDescriptor] = []
    ) async throws -> [[UInt8]] {
        await calls.enter()
        defer { calls.leave() }
        do {
            let answer = try await withTimeout(patience) { try await self.exchange(message, descriptors) }
            silent = nil
            return answer
        } catch is TimeoutError {
            silent = (try? connection?.peerCredentials().pid).flatMap { try? ProcessHandle.open($0) }
            connection?.close()
            connection = nil
            throw SystemError(call: "recv", errno: .ETIMEDOUT, subject: "name server at \(socketPath)")
        }
    }

    private func exchange(_ message: NameServiceMessage, _ descriptors: [SharedDescriptor]) async throws -> [[UInt8]] {
        var isSecond = false
        while true {
            let isFresh = connection == nil
            if isFresh { try await connect() }
            guard let connection else { throw SystemError(call: "connect", errno: .ENOTCONN, subject: socketPath) }
            do {
                try await connection.sendDescriptors(descriptors.map(\.raw), with: message.encoded())
                let packet = try await connection.read(upTo: 1 << 17)
                guard !packet.isEmpty else { throw SystemError(call: "recv", errno: .ECONNRESET, subject: socketPath) }
                guard let reply = NameServiceReply(decoding: packet) else {
                    throw NameServerRefusal(description: "the name server at \(socketPath) speaks another language")
                }
                switch reply {
                case .ok(let fields): return fields
                case .error(let reason):
                    throw NameServerRefusal(
                        description: "the name server says: " + String(decoding: reason, as: UTF8.self))
                }
            } catch let error as SystemError {
                connection.close()
                self.connection = nil
                // A connection of an earlier process: there may be a new one at the same place.
                if isFresh || isSecond { throw error }
                isSecond = true
            }
        }
    }
}
