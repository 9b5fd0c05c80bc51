import Apply
import Diagnostics
import Engine
import ImageStore
import JSONText
import Linux
import Networking
import OCI
import StackModel

/// Containers of a stack.
struct ContainerProvider: ResourceProvider {
    let engine: HostEngine
    /// What the kernel can hold of a limit; `nil` where no controller is mounted.
    let hierarchy = try? CgroupHierarchy.detect()

    var kind: ResourceKind { .container }

    func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        try ContainerAttributes.normalize(attributes, norms)
    }

    private var norms: ContainerNorms {
        let sealed = engine.sealedTexts
        return ContainerNorms(hierarchy: hierarchy) { path in
            (try? HostEngine.readSource(path)).flatMap { try? sealed.digest(of: $0) }
        }
    }

    func matched(_ observed: JSONObject, to wanted: JSONObject) -> JSONObject {
        ContainerAttributes.matched(observed, to: wanted)
    }

    func words(path: String, from: JSONValue?, to: JSONValue?) -> String? {
        path == "files" ? FileReasons.words(from: from, to: to) : nil
    }

    func changeClass(path: String, from: JSONValue?, to: JSONValue?) -> ChangeClass {
        ContainerAttributes.changeClass(path: path, from: from, to: to)
    }

    /// Two containers cannot have one address at a time: such a one is replaced as any other.
    func createsBeforeDeleting(_ attributes: JSONObject) -> Bool {
        let hasAddress = (attributes["networks"]?.arrayValue ?? []).contains { network in
            network["address"] != nil || network["address6"] != nil
        }
        return attributes["update"]?["order"] == "startFirst" && !hasAddress
    }

    func rollout(_ attributes: JSONObject) -> Rollout? { attributes["update"].map { Rollout(update: $0) } }

    func keepsData(_ attributes: JSONObject) -> Bool { attributes["anonymousVolumes"] == "keep" }

    /// A port without its host address: the order of changes may be kept where it need not.
    func claims(_ attributes: JSONObject) -> Set<String> {
        Set((attributes["ports"]?.arrayValue ?? []).compactMap(Self.claim))
    }

    func releasing(_ claims: Set<String>, of attributes: JSONObject) -> JSONObject {
        guard let ports = attributes["ports"]?.arrayValue else { return attributes }
        var attributes = attributes
        attributes["ports"] = .array(ports.filter { port in Self.claim(port).map { !claims.contains($0) } ?? true })
        return attributes
    }

    private static func claim(_ port: JSONValue) -> String? {
        guard let number = port["published"]?.intValue, number != 0, port["publishedLast"] == nil else { return nil }
        return "\(port["protocol"]?.stringValue ?? "tcp")/\(number)"
    }

    func predictedOutputs(
        stack: String, address: ResourceAddress, attributes: JSONObject, prior: RecordedObject?, change: ChangeClass
    ) -> JSONObject {
        let name = JSONValue.string(HostNames.container(stack: stack, address, attributes))
        if let prior, change <= .restart {
            var outputs = prior.outputs
            // Nobody but us takes the name away that was asked for.
            if attributes["name"] != nil || prior.attributes["name"] != nil { outputs["name"] = name }
            return outputs
        }
        return [
            "name": name, "host": .string(HostNames.host(address)),
        ]
    }

    func preflight(_ desired: [PlannedResource]) async -> [Diagnostic] {
        await ContainerPreflight(engine: engine, desired: desired).diagnostics()
    }

    func observe(stack: String, recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject] {
        try await ContainerObserver(engine: engine).observe(recorded)
    }

    func standIn(stack: String, address: ResourceAddress, attributes: JSONObject) -> ObservedObject? {
        guard let other = ContainerAdoption(stack, attributes).replaced(of: engine).first else { return nil }
        return ObservedObject(
            id: other.id, attributes: JSONObject(), outputs: ContainerObserver.outputs(other, address, []),
            fingerprint: other.id)
    }

    func identify(stack: String, address: ResourceAddress, attributes: JSONObject) async throws -> ObjectIdentity {
        ObjectIdentity(id: try Random.hexID())
    }

    func missing(for desired: [PlannedResource]) async throws -> [Fetch] {
        try await ImageSupply(engine: engine).missing(for: desired)
    }

    func create(
        stack: String, address: ResourceAddress, identity: ObjectIdentity, attributes: JSONObject,
        progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        progress(ProgressUpdate(address: address, message: "creating"))
        let others = ContainerAdoption(stack, attributes).replaced(of: engine)
        let replaced = ReplacedContainers(engine: engine, stack: stack, address: address, successor: identity.id)
        let old = predecessor(stack, address, identity.id)
        try await replaced.giveWay(others, to: HostNames.container(stack: stack, address, attributes))
        let container: Container
        do {
            container = try await made(stack, address, identity, attributes, replacing: old, others)
        } catch {
            try? await replaced.putBack()
            throw error
        }
        do {
            try await replaced.end(others, progress)
            if attributes["running"] != false {
                progress(ProgressUpdate(address: address, message: "starting"))
                try await start(container, address, attributes, progress)
            }
            if let old {
                try await ContainerHandover(
                    engine: engine, old: old, new: container,
                    name: HostNames.container(stack: stack, address, attributes), address: address,
                    attributes: attributes, progress: progress
                ).carryOut()
            }
        } catch {
            try? await ContainerHandover.takeBack(from: container.id, engine)
            // One that cannot start is not left behind; the next apply makes it anew, with the data it was handed.
            let keeps = attributes["anonymousVolumes"] == "keep"
            if keeps { try await CarriedVolumes(engine: engine, stack: stack, address: address).keep(of: container) }
            try? await engine.remove(container, force: true, volumes: !keeps)
            try? await replaced.putBack()
            throw error
        }
        if !others.isEmpty { await replaced.remove(others, progress) }
        return try await outputs(container, address)
    }

    /// The container that is still there when its successor is made; the newest, where others could not be removed.
    private func predecessor(_ stack: String, _ address: ResourceAddress, _ id: String) -> Container? {
        engine.containers.unordered.filter { container in
            let facts = container.snapshot
            return container.id != id && facts.stack == stack && facts.address == address.description
                && ![.removing, .dead].contains(facts.state.phase)
        }.max { $0.snapshot.created < $1.snapshot.created }
    }

    private func made(
        _ stack: String, _ address: ResourceAddress, _ identity: ObjectIdentity, _ attributes: JSONObject,
        replacing old: Container?, _ others: [Container]
    ) async throws -> Container {
        let carried = CarriedVolumes(engine: engine, stack: stack, address: address)
        var name = HostNames.container(stack: stack, address, attributes)
        var specification = try await specification(stack, address, attributes)
        if attributes["anonymousVolumes"] == "keep" {
            try await carried.hand(to: &specification, predecessors: old.map { [$0] } ?? others)
        }
        if old != nil {
            name = ContainerHandover.temporaryName(name, id: identity.id)
            specification.ports = []
        }
        let container = try await engine.createContainer(
            ContainerRequest(
                name: name, id: identity.id, specification: specification, stack: stack,
                address: address.description))
        try await carried.settle()
        return container
    }

    private func specification(
        _ stack: String, _ address: ResourceAddress, _ attributes: JSONObject
    ) async throws -> ContainerSpecification {
        var specification = ContainerSpecification(stack: stack, address: address, attributes: attributes)
        if specification.labels[ProjectLabels.project] != nil {
            let image = try await engine.images.identify(specification.image)?.id.description
            specification.labels[ProjectLabels.image] = image
        }
        return specification
    }

    func update(
        stack: String, address: ResourceAddress, objectID: String, from: JSONObject, to: JSONObject,
        changes: [AttributeChange], class: ChangeClass, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        let container = try found(objectID)
        try await ContainerSettings(
            engine: engine, stack: stack, address: address, from: from, to: to, changes: changes
        ).apply(to: container)
        if to["running"] != false, changes.contains(where: { $0.path == "running" }) {
            progress(ProgressUpdate(address: address, message: "starting"))
            try await start(container, address, to, progress)
        } else if `class` == .restart, to["running"] != false || container.state.isActive {
            progress(ProgressUpdate(address: address, message: "restarting"))
            try await restart(container, address, to, progress)
        }
        return try await outputs(container, address)
    }

    func delete(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject, isReplaced: Bool,
        progress: @escaping ProgressSink
    ) async throws {
        let carried = CarriedVolumes(engine: engine, stack: stack, address: address)
        let replaced = ReplacedContainers(engine: engine, stack: stack, address: address, successor: objectID)
        if !isReplaced { try await ContainerHandover.takeBack(from: objectID, engine) }
        if let container = engine.containers.container(id: objectID) {
            if container.state.isActive { progress(ProgressUpdate(address: address, message: "stopping")) }
            if container.state.isActive {
                await ContainerHooks(engine, container, address, attributes, progress).preStop()
            }
            try await end(container, isLast: true)
            progress(ProgressUpdate(address: address, message: "removing"))
            if isReplaced { try await carried.keep(of: container) }
            // What was handed to a creation that failed is noted for the next one.
            let hasNotes = try await carried.hasNotes
            try await engine.remove(container, force: true, volumes: !isReplaced && !hasNotes)
        } else if !isReplaced {
            // A creation that failed has noted what the next one is handed, and whom it was to replace.
            return try await replaced.putBack()
        }
        if !isReplaced { try await replaced.putBack() }
        let other = predecessor(stack, address, objectID)
        // Its successor is there, and has what it takes over.
        if isReplaced, let other { try await ContainerHandover.forget(other.id, engine) }
        if isReplaced == (other != nil) { try await carried.settle() }
    }

    func repair(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject,
        condition: ObjectCondition, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        let container = try found(objectID)
        switch container.state.phase {
        case .paused: try await engine.unpause(container)
        case .running where container.snapshot.health?.status == .unhealthy:
            progress(ProgressUpdate(address: address, message: "restarting what its health check calls unhealthy"))
            try await restart(container, address, attributes, progress)
        case .running, .restarting:
            progress(ProgressUpdate(address: address, message: "repairing links"))
            try await engine.networks.repairContainer(
                containerID: container.id, netns: try engine.namespace(of: container))
        default:
            progress(ProgressUpdate(address: address, message: "starting"))
            try await start(container, address, attributes, progress)
        }
        return try await outputs(container, address)
    }

    func wait(
        stack: String, address: ResourceAddress, objectID: String, until: DependencyCondition,
        progress: @escaping ProgressSink
    ) async throws {
        let container = try found(objectID)
        try await ContainerWait(engine: engine, container: container, address: address).wait(until: until, progress)
    }

    private func end(_ container: Container, isLast: Bool = false) async throws {
        guard container.state.isActive else { return }
        do {
            try await engine.stop(container, isLast: isLast)
        } catch let error as EngineError where error.kind == .notModified {}
    }

    /// Starts a container that does not run, and what follows its start.
    private func start(
        _ container: Container, _ address: ResourceAddress, _ attributes: JSONObject,
        _ progress: @escaping ProgressSink
    ) async throws {
        do {
            try await engine.start(container)
        } catch let error as EngineError where error.kind == .notModified { return }
        try await ContainerHooks(engine, container, address, attributes, progress).postStart()
    }

    private func restart(
        _ container: Container, _ address: ResourceAddress, _ attributes: JSONObject,
        _ progress: @escaping ProgressSink
    ) async throws {
        let hooks = ContainerHooks(engine, container, address, attributes, progress)
        await hooks.preStop()
        try await engine.restart(container)
        try await hooks.postStart()
    }

    private func found(_ id: String) throws(EngineError) -> Container {
        guard let container = engine.containers.container(id: id) else { throw EngineError.noContainer(id) }
        return container
    }

    private func outputs(_ container: Container, _ address: ResourceAddress) async throws -> JSONObject {
        let places = try await engine.networks.places(containerIDs: [container.id])
        return ContainerObserver.outputs(container, address, places[container.id] ?? [])
    }
}
