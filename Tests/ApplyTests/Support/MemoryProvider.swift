import Apply
import Diagnostics
import JSONText
import StackModel

/// One kind of resource on a `MemoryHost`.
struct MemoryProvider: ResourceProvider {
    let kind: ResourceKind
    let host: MemoryHost

    static func all(_ host: MemoryHost) -> [any ResourceProvider] {
        ResourceKind.allCases.map { MemoryProvider(kind: $0, host: host) }
    }

    func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        if attributes["invalid"] != nil {
            throw DiagnosticList(Diagnostic(code: "TEST5", summary: "there is no attribute named invalid"))
        }
        return attributes
    }

    func changeClass(path: String, from: JSONValue?, to: JSONValue?) -> ChangeClass {
        if path == "comment" || path.hasPrefix("update.") { return .none }
        if path.hasPrefix("labels.") { return .live }
        switch kind {
        case .volume: return .dataLoss
        case .image, .network: return .recreate
        case .container:
            if path.hasPrefix("limits.") || path == "port" { return .live }
            if path == "stopSignal" { return .restart }
            return .recreate
        }
    }

    func createsBeforeDeleting(_ attributes: JSONObject) -> Bool {
        kind == .image || attributes["update"]?["order"] == "startFirst"
    }

    func rollout(_ attributes: JSONObject) -> Rollout? { attributes["update"].map { Rollout(update: $0) } }

    func claims(_ attributes: JSONObject) -> Set<String> {
        attributes["port"]?.intValue.map { ["port \($0)"] } ?? []
    }

    func releasing(_ claims: Set<String>, of attributes: JSONObject) -> JSONObject {
        var attributes = attributes
        if !self.claims(attributes).isDisjoint(with: claims) { attributes["port"] = nil }
        return attributes
    }

    func predictedOutputs(
        stack: String, address: ResourceAddress, attributes: JSONObject, prior: RecordedObject?, change: ChangeClass
    ) -> JSONObject {
        if let prior, change <= .restart { return prior.outputs }
        switch kind {
        case .container: return ["host": .string(address.name)]
        case .volume: return ["id": .string("\(stack)_\(address.name)"), "name": .string(address.name)]
        case .image, .network: return [:]
        }
    }

    func preflight(_ desired: [PlannedResource]) async -> [Diagnostic] {
        desired.filter { $0.attributes["port"] == .int(22) }.map {
            Diagnostic(
                code: "TEST6", summary: "port 22 is in use", address: $0.address.description,
                location: $0.locations["port"] ?? $0.location)
        }
    }

    func observe(stack: String, recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject] {
        try host.withState { state in
            if state.isDead { throw SimulatedCrash() }
            var found: [ResourceAddress: ObservedObject] = [:]
            for record in recorded {
                guard let object = state.objects[record.objectID] else { continue }
                let condition: ObjectCondition =
                    if !object.isWhole { .damaged("is half made") } else if let text = object.damaged {
                        .damaged(text)
                    } else if let text = object.stopped { .stopped(text) } else { .ok }
                found[record.address] = ObservedObject(
                    id: object.id, attributes: object.attributes, outputs: object.outputs,
                    fingerprint: "\(object.id)@\(object.revision)", condition: condition, data: object.data)
            }
            return found
        }
    }

    func identify(stack: String, address: ResourceAddress, attributes: JSONObject) async throws -> ObjectIdentity {
        try host.stroke { state in
            state.nextID += 1
            return ObjectIdentity(id: "\(address.kind.rawValue)-\(state.nextID)", reserved: ["n": 1])
        }
    }

    func create(
        stack: String, address: ResourceAddress, identity: ObjectIdentity, attributes: JSONObject,
        progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        try await host.counted("create \(kind.rawValue)") {
            try await make(stack, address, identity, attributes, progress)
        }
    }

    private func make(
        _ stack: String, _ address: ResourceAddress, _ identity: ObjectIdentity, _ attributes: JSONObject,
        _ progress: ProgressSink
    ) async throws -> JSONObject {
        try host.begin("create \(address)")
        let new = MemoryHost.Object(
            id: identity.id, stack: stack, address: address, attributes: attributes,
            outputs: outputs(stack, address, identity.id, attributes), isWhole: false)
        try host.stroke { state in
            if let there = state.objects[identity.id], there.isWhole { return }
            try state.checkRoom(for: new)
            try state.checkReferences(of: new)
            state.objects[identity.id] = new
        }
        progress(ProgressUpdate(address: address, message: "half way", current: 1, total: 2))
        await Task.yield()
        return try host.stroke { state in
            guard state.objects[identity.id]?.isWhole == false else { return new.outputs }
            state.objects[identity.id]?.isWhole = true
            state.made[address.description, default: 0] += 1
            return new.outputs
        }
    }

    private func outputs(
        _ stack: String, _ address: ResourceAddress, _ id: String, _ attributes: JSONObject
    ) -> JSONObject {
        switch kind {
        case .image:
            var content = attributes
            content["comment"] = nil
            content["spelling"] = nil
            return ["id": .string("sha256:" + JSONValue.object(content).serialized(.canonical))]
        case .network: return ["id": .string(id)]
        case .volume: return ["id": .string("\(stack)_\(address.name)"), "name": .string(address.name)]
        case .container:
            return ["id": .string(id), "host": .string(address.name), "image": attributes["image"] ?? .null]
        }
    }

    func update(
        stack: String, address: ResourceAddress, objectID: String, from: JSONObject, to: JSONObject,
        changes: [AttributeChange], class: ChangeClass, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        try host.begin("update \(address)")
        // One stroke for each attribute: a crash leaves some changed and some not.
        for change in changes {
            try host.stroke { state in
                guard var object = state.objects[objectID] else {
                    throw Diagnostic(code: "TEST7", summary: "\(address) is not there")
                }
                object.attributes.set(change.to, at: change.path.split(separator: ".").map(String.init)[...])
                object.revision += 1
                if change.path == "port" { try state.checkRoom(for: object) }
                state.objects[objectID] = object
            }
        }
        return try host.stroke { state in state.objects[objectID]?.outputs ?? [:] }
    }

    func delete(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject, isReplaced: Bool,
        progress: @escaping ProgressSink
    ) async throws {
        try host.begin("delete \(address)")
        try host.stroke { state in
            guard let object = state.objects[objectID] else { return }
            if let user = state.users(of: object).first, object.isWhole, kind != .container {
                let twin = state.objects.values.contains {
                    $0.id != object.id && $0.outputs["id"] == object.outputs["id"]
                }
                if !twin { throw Diagnostic(code: "TEST8", summary: "\(address) is used by \(user.address)") }
            }
            state.objects[objectID]?.isWhole = false
        }
        try await host.counted("delete \(kind.rawValue)") { try await stop() }
        try host.stroke { state in state.objects[objectID] = nil }
    }

    private func stop() async throws {
        await Task.yield()
        guard kind == .container else { return }
        let deadline = ContinuousClock.now + .seconds(120)
        while host.withState({ ($0.mostPresent["delete container"] ?? 0) < $0.stopsTogether }),
            ContinuousClock.now < deadline
        {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func repair(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject,
        condition: ObjectCondition, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        try host.begin("repair \(address)")
        return try host.stroke { state in
            guard var object = state.objects[objectID] else {
                throw Diagnostic(code: "TEST7", summary: "\(address) is not there")
            }
            object.stopped = nil
            object.damaged = nil
            object.isWhole = true
            object.revision += 1
            state.objects[objectID] = object
            return object.outputs
        }
    }

    func wait(
        stack: String, address: ResourceAddress, objectID: String, until: DependencyCondition,
        progress: @escaping ProgressSink
    ) async throws {
        try host.begin("wait \(address)")
        try host.stroke { state in
            guard let object = state.objects[objectID], object.isWhole, object.stopped == nil else {
                throw Diagnostic(code: "TEST9", summary: "\(address) did not become \(until.rawValue)")
            }
        }
    }
}

extension JSONObject {
    mutating func set(_ value: JSONValue?, at path: ArraySlice<String>) {
        guard let first = path.first else { return }
        guard path.count > 1 else {
            self[first] = value
            return
        }
        var inner = self[first]?.objectValue ?? JSONObject()
        inner.set(value, at: path.dropFirst())
        self[first] = .object(inner)
    }
}
