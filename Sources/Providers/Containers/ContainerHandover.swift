import Apply
import Diagnostics
import Engine
import JSONText
import Linux
import StackModel
import StateStore

/// A container takes another one's place while that still runs: it is made under another name and without published
/// ports, and gets both once it is well.
///
/// What the old one gives away is written down first, so that it gets it back whenever the new one fails.
struct ContainerHandover {
    let engine: HostEngine
    let old: Container
    let new: Container
    let name: String
    let address: ResourceAddress
    let attributes: JSONObject
    let progress: ProgressSink

    /// The name of a new container until it has come as far.
    static func temporaryName(_ name: String, id: String) -> String { "\(name)-new-\(id.prefix(12))" }

    private static func note(_ id: String, _ engine: HostEngine) -> StoredNote {
        StoredNote(database: engine.database, key: "container-handover.\(id)")
    }

    /// Waits until the new one is well, then gives it ports and name.
    func carryOut() async throws {
        if attributes["running"] != false { try await waitUntilWell() }
        let given = GivenAway(id: old.id, name: old.name, ports: old.specification.ports)
        if try await GivenAway.of(new.id, engine) == nil { try await given.write(for: new.id, engine) }
        let wanted = ContainerSpecification(attributes: attributes).ports
        if Set(new.specification.ports) != Set(wanted) {
            progress(ProgressUpdate(address: address, message: "handing its ports over"))
            let kept = old.specification.ports.filter { port in !wanted.contains { $0.sharesHostPort(with: port) } }
            try await engine.movePorts(from: old, keeping: kept, to: new, ports: wanted)
        }
        guard new.name != name else { return }
        if old.name == name { try await engine.rename(old, to: "\(name)-old-\(old.id.prefix(12))") }
        try await engine.rename(new, to: name)
    }

    private func waitUntilWell() async throws {
        let wait = ContainerWait(engine: engine, container: new, address: address)
        let limit = attributes["update"]?["healthyWithin"]?.intValue.map { Duration.nanoseconds($0) }
        guard HealthPlan(new.specification.healthcheck) != nil else {
            progress(ProgressUpdate(address: address, message: "waiting whether it stays up"))
            if let limit { try await EventLoop.shared.sleep(for: limit) }
            return try await wait.wait(until: .started, progress)
        }
        guard let limit else { return try await wait.wait(until: .healthy, progress) }
        let (progress, name, address) = (progress, new.name, address)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await wait.wait(until: .healthy, progress) }
            group.addTask {
                try await EventLoop.shared.sleep(for: limit)
                throw Diagnostic(
                    code: "SC5149", summary: "\(name) was not healthy within \(limit)",
                    detail: "the container it was to replace goes on as before",
                    hint: "see what it said with: stackctl events, or give it more time", address: address.description)
            }
            defer { group.cancelAll() }
            _ = try await group.next()
        }
    }

    /// Gives the old container back what a new one that goes had of it.
    static func takeBack(from id: String, _ engine: HostEngine) async throws {
        guard let given = try await GivenAway.of(id, engine) else { return }
        if let old = engine.containers.container(id: given.id) {
            if Set(old.specification.ports) != Set(given.ports) {
                if let new = engine.containers.container(id: id) {
                    try await engine.movePorts(from: new, keeping: [], to: old, ports: given.ports)
                } else {
                    try await engine.setPorts(old, given.ports)
                }
            }
            if old.name != given.name {
                if let new = engine.containers.container(id: id), new.name == given.name {
                    try await engine.rename(new, to: temporaryName(given.name, id: id))
                }
                try await engine.rename(old, to: given.name)
            }
        }
        try await forget(id, engine)
    }

    /// The old one is gone for good, or the new one.
    static func forget(_ id: String, _ engine: HostEngine) async throws {
        try await note(id, engine).write(nil)
    }

    /// What an old container had.
    private struct GivenAway {
        var id: String
        var name: String
        var ports: [PortBinding]

        static func of(_ new: String, _ engine: HostEngine) async throws -> GivenAway? {
            guard let json = try await note(new, engine).read(), let id = json["id"]?.stringValue,
                let name = json["name"]?.stringValue
            else { return nil }
            let ports = (json["ports"]?.arrayValue ?? []).compactMap { PortBinding(attributes: $0) }
            return GivenAway(id: id, name: name, ports: ports)
        }

        func write(for new: String, _ engine: HostEngine) async throws {
            try await note(new, engine).write([
                "id": .string(id), "name": .string(name), "ports": .array(ports.map { .object($0.attributes) }),
            ])
        }
    }
}

extension PortBinding {
    /// Whether both may want one port of the host; addresses are not told apart.
    fileprivate func sharesHostPort(with other: PortBinding) -> Bool {
        guard container.transport == other.container.transport, hostPort != 0, other.hostPort != 0 else { return false }
        return hostPort <= max(other.lastHostPort, other.hostPort)
            && other.hostPort <= max(lastHostPort, hostPort)
    }
}
