import Linux
import Testing

@testable import Networking
@testable import StateStore

/// A host made of network namespaces: the "host" with an uplink, and a neighbour on its LAN.
///
/// Nothing of it touches the machine the tests run on, and all of it goes with the descriptors.
final class PrivateHost: Sendable {
    let host: SharedDescriptor
    let neighbour: SharedDescriptor
    let folder: String
    let database: StateDatabase
    let networks: NetworkController

    static let hostAddress = "192.0.2.1"
    static let neighbourAddress = "192.0.2.100"

    init() throws {
        // busybox may end before it has read what it is sent.
        Signals.ignoreBrokenPipe()
        host = try Namespaces.makeNetwork().shared()
        neighbour = try Namespaces.makeNetwork().shared()
        folder = try Files.temporaryDirectory(prefix: "stackctl-network-")
        database = try StateDatabase(path: folder + "/state.db")
        networks = NetworkController(root: folder, database: database, hostNamespace: host)
        let outside = try RouteSocket.open(in: neighbour.raw)
        let inside = try RouteSocket.open(in: host.raw)
        try inside.createVeth(
            VethEnd(name: "uplink", up: true), peer: VethEnd(name: "lan", namespace: neighbour.raw))
        try outside.setUp(outside.existingLink(named: "lan").index)
        for socket in [inside, outside] { try socket.setLoopbackUp() }
        try inside.addAddress(
            try #require(IPPrefix(Self.hostAddress + "/24")), to: try inside.existingLink(named: "uplink").index)
        try outside.addAddress(
            try #require(IPPrefix(Self.neighbourAddress + "/24")), to: try outside.existingLink(named: "lan").index)
        try Self.set(host, "/proc/sys/net/ipv4/ip_forward", "0")
    }

    deinit {
        try? Files.removeTree(folder)
    }

    /// A request with a random id.
    func request(_ name: String, subnet: String? = nil, isInternal: Bool = false) throws -> NetworkRequest {
        NetworkRequest(
            id: try Random.hexID(), name: name, subnet: subnet.flatMap { Subnet($0) }, isInternal: isInternal)
    }

    /// A container: an id and a namespace, connected to networks.
    func container(
        in networks: NetworkSpecification..., ports: [PublishedPort] = [], aliases: [String] = []
    ) async throws -> TestContainer {
        var container = TestContainer(id: try Random.hexID(), netns: try Namespaces.makeNetwork().shared())
        for network in networks {
            _ = try await self.networks.reserveEndpoint(
                EndpointRequest(containerID: container.id, networkID: network.id, aliases: aliases))
        }
        container.ports = try await self.networks.attach(
            containerID: container.id, netns: container.netns, ports: ports)
        container.endpoints = try await self.networks.endpoints(containerID: container.id)
        return container
    }

    /// What the kernel has that was not there at first: links of the host, its tables, its forwarding.
    func remains() throws -> [String] {
        let links = try RouteSocket.open(in: host.raw).links().map(\.name).filter { $0.hasPrefix("sc") }
        let tables = try HostNamespace.run(in: host) { try NftablesSession().tables() }
        let forwarding = try Self.get(host, "/proc/sys/net/ipv4/ip_forward")
        return links + tables + (forwarding == "0" ? [] : ["ip_forward"])
    }

    static func set(_ netns: SharedDescriptor, _ path: String, _ value: String) throws {
        try HostNamespace.run(in: netns) { try Files.writeExisting(path, value) }
    }

    static func get(_ netns: SharedDescriptor, _ path: String) throws -> String {
        try HostNamespace.run(in: netns) { String(try Files.readText(path).prefix { $0 != "\n" }) }
    }
}

/// A network namespace that stands for a container.
struct TestContainer: Sendable {
    let id: String
    let netns: SharedDescriptor
    var ports: [PublishedPort] = []
    var endpoints: [EndpointSpecification] = []

    var address: String { endpoints.first?.address.description ?? "" }
}

/// busybox in a namespace.
enum Busybox {
    static let path = "/bin/busybox"
    private static let nsenter = "/usr/bin/nsenter"

    static func request(in netns: SharedDescriptor, _ arguments: [String]) -> SpawnRequest {
        SpawnRequest(nsenter, ["--net=/proc/\(CurrentProcess.pid)/fd/\(netns.raw)", "--", path] + arguments)
    }

    static func run(in netns: SharedDescriptor, _ arguments: String...) async throws -> ProcessResult {
        try await Spawn.run(request(in: netns, arguments), timeout: .seconds(150))
    }

    /// The last line of `WebServer`'s page at an address; nil if there is no connection within so many seconds.
    static func fetch(
        _ address: String, _ port: UInt16 = 80, in netns: SharedDescriptor, within seconds: Int = 60
    ) async throws -> String? {
        let result = try await Spawn.run(
            request(in: netns, ["nc", "-w", "\(seconds)", address, "\(port)"]),
            input: Array("GET /cgi-bin/client HTTP/1.0\r\n\r\n".utf8), timeout: .seconds(150))
        guard result.outputText.hasPrefix("HTTP/1.1 200"),
            let last = result.outputText.split(whereSeparator: \.isNewline).last
        else {
            return nil
        }
        return String(last)
    }
}

/// A web server whose page `/cgi-bin/client` is the client's address.
final class WebServer: Sendable {
    private let process: ChildProcess
    private let folder: String

    init(in netns: SharedDescriptor, port: UInt16 = 80, address: String? = nil) async throws {
        folder = try Files.temporaryDirectory(prefix: "stackctl-web-")
        try Files.makeDirectories(folder + "/cgi-bin")
        let script =
            "#!\(Busybox.path) sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\na=${REMOTE_ADDR#[::ffff:}; echo \"${a%]}\"\n"
        try await ProgramFile.write(folder + "/cgi-bin/client", script)
        let place = address.map { "\($0):\(port)" } ?? "\(port)"
        process = try Spawn.start(Busybox.request(in: netns, ["httpd", "-f", "-p", place, "-h", folder]))
        for _ in 0..<12_000 {
            let listening = try HostNamespace.run(in: netns) { try ListeningPorts.read() }
            if listening.contains(where: { $0.port == port }) { return }
            try await EventLoop.shared.sleep(for: .milliseconds(5))
        }
        throw SystemError(call: "listen", errno: .ETIMEDOUT, subject: place)
    }

    func stop() async throws {
        try process.send(9)
        _ = try await process.exitStatus()
    }

    deinit {
        // A test that failed has not stopped it.
        try? process.send(9)
        try? Files.removeTree(folder)
    }
}

extension NetworkController {
    /// What is really there of one network.
    func observeNetwork(id: String) async throws -> NetworkObservation? { try await observe(networks: [id])[id] }

    /// What is really there of one container's places.
    func observeContainer(containerID: String, netns: SharedDescriptor) async throws -> [EndpointObservation] {
        let places = try await places(containerIDs: [containerID])
        return try await observe(containers: [containerID: netns], at: places)[containerID] ?? []
    }
}
