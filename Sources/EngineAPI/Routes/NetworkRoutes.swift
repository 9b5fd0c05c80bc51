import Engine
import JSONText
import Linux
import Networking

/// `/networks/…`.
struct NetworkRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/networks") { request in
            let filter = try request.filters(["dangling", "driver", "id", "label", "label!", "name", "scope", "type"])
            try await request.respond(try await engine.networkList(filter))
        }
        router.on("GET", "/networks/{id}") { request in
            let name = request.variable("id")
            if name == "host" || name == "none" {
                let found = try await engine.networkList(FilterSet()).first { $0["Name"]?.stringValue == name }
                return try await request.respond(.object(found ?? JSONObject()))
            }
            try await request.respond(.object(try await engine.inspection(try await engine.network(named: name))))
        }
        router.on("POST", "/networks/create", createNetwork)
        router.on("DELETE", "/networks/{id}") { request in
            try await engine.removeNetwork(request.variable("id"))
            try await request.respond(status: 204)
        }
        router.on("POST", "/networks/{id}/connect") { request in
            let network = try await engine.network(named: request.variable("id"))
            let wanted = try Self.connection(try await request.json(), to: network.id)
            try await engine.connect(try engine.containers.find(wanted.container), to: network, wanted.settings)
            try await request.respond(status: 200)
        }
        router.on("POST", "/networks/{id}/disconnect") { request in
            let network = try await engine.network(named: request.variable("id"))
            let wanted = try Self.connection(try await request.json(), to: network.id)
            try await engine.disconnect(try engine.containers.find(wanted.container), from: network)
            try await request.respond(status: 200)
        }
    }

    /// The bodies of connect and disconnect.
    private static func connection(
        _ json: JSONValue, to network: String
    ) throws(EngineError) -> (container: String, settings: EndpointSettings) {
        let body = try FieldReader(json)
        return (
            try body.text("Container"), try EndpointSettings(network: network, try body.reader("EndpointConfig"))
        )
    }

    private func createNetwork(_ request: APIRequest) async throws {
        let wanted = try Self.network(try await request.json(), id: try Random.hexID())
        let network = try await engine.createNetwork(wanted)
        try await request.respond(["Id": .string(network.id), "Warning": ""], status: 201)
    }

    /// The body of `POST /networks/create`.
    private static func network(_ json: JSONValue, id: String) throws(EngineError) -> NetworkRequest {
        let body = try FieldReader(json)
        let driver = try body.text("Driver")
        guard driver.isEmpty || driver == "bridge" || driver == "default" else {
            throw EngineError(.notFound, "could not find plugin \(driver) in v1 plugin registry: plugin not found")
        }
        var subnet: Subnet?
        var gateway: IPv4Address?
        if let config = try body.reader("IPAM")?.objects("Config").first {
            if let text = try config.string("Subnet"), !text.isEmpty {
                guard let parsed = Subnet(text) else {
                    throw EngineError(.invalid, "invalid subnet \(text): invalid CIDR block notation")
                }
                subnet = parsed
            }
            if let text = try config.string("Gateway"), !text.isEmpty {
                guard let parsed = IPv4Address(text) else { throw EngineError(.invalid, "invalid gateway \(text)") }
                gateway = parsed
            }
        }
        return NetworkRequest(
            id: id, name: try body.text("Name"), subnet: subnet, gateway: gateway,
            isInternal: try body.flag("Internal"), labels: try body.dictionary("Labels"), mtu: nil)
    }
}
