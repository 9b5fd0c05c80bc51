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
            if let network = PredefinedNetwork(name) {
                return try await request.respond(.object(engine.inspection(network)))
            }
            try await request.respond(.object(try await engine.inspection(try await engine.network(named: name))))
        }
        router.on("POST", "/networks/create", createNetwork)
        router.on("DELETE", "/networks/{id}") { request in
            try await engine.removeNetwork(request.variable("id"))
            try await request.respond(status: 204)
        }
        router.on("POST", "/networks/{id}/connect") { request in
            let name = request.variable("id")
            try Self.refusePredefined(name)
            let network = try await engine.network(named: name)
            let wanted = try Self.connection(try await request.json(), to: network.id)
            try await engine.connect(try engine.containers.find(wanted.container), to: network, wanted.settings)
            try await request.respond(status: 200)
        }
        router.on("POST", "/networks/{id}/disconnect", disconnect)
    }

    private func disconnect(_ request: APIRequest) async throws {
        let name = request.variable("id")
        let json = try await request.json()
        if PredefinedNetwork(name) == PredefinedNetwork.none {
            // Every container may leave the network that is none.
            let container = try engine.containers.find(try FieldReader(json).text("Container"))
            guard container.specification.networkMode == "none" else {
                throw EngineError(.forbidden, "container \(container.id) is not connected to network none")
            }
            return try await request.respond(status: 200)
        }
        try Self.refusePredefined(name)
        let network = try await engine.network(named: name)
        let wanted = try Self.connection(json, to: network.id)
        do {
            try await engine.disconnect(try engine.containers.find(wanted.container), from: network)
        } catch let error as EngineError where wanted.isForced && error.kind == .notFound {
            // With force, what is gone counts as disconnected.
        }
        try await request.respond(status: 200)
    }

    private static func refusePredefined(_ name: String) throws(EngineError) {
        guard let network = PredefinedNetwork(name) else { return }
        throw EngineError(
            .invalid,
            network == .host
                ? "container cannot be disconnected from host network or connected to host network"
                : "container cannot be connected to multiple networks with one of the networks in private (none) mode")
    }

    /// The bodies of connect and disconnect.
    private static func connection(
        _ json: JSONValue, to network: String
    ) throws(EngineError) -> (container: String, settings: EndpointSettings, isForced: Bool) {
        let body = try FieldReader(json)
        return (
            try body.text("Container"), try EndpointSettings(network: network, try body.reader("EndpointConfig")),
            try body.flag("Force")
        )
    }

    private func createNetwork(_ request: APIRequest) async throws {
        let wanted = try NetworkRequest(body: try FieldReader(try await request.json()), id: try Random.hexID())
        let network = try await engine.createNetwork(wanted)
        try await request.respond(["Id": .string(network.id), "Warning": ""], status: 201)
    }
}
