import Apply
import Engine
import JSONText
import Linux
import OCI
import StackModel

/// A container read back into the normal form of its attributes.
struct ContainerObservation {
    let container: Container
    let facts: Container.Facts
    let recorded: RecordedObject
    /// The id of the image that has the name that was set; `nil` where none has.
    let namedImage: String?

    init(_ container: Container, _ recorded: RecordedObject, namedImage: String?) {
        self.container = container
        facts = container.snapshot
        self.recorded = recorded
        self.namedImage = namedImage
    }

    /// What is there, in the terms of what we set.
    ///
    /// `limits` are the kernel's where the container runs.
    func attributes(limits: CgroupLimits?) -> JSONObject {
        let specification = facts.specification
        var object = JSONObject()
        object["image"] = .string(image)
        object["command"] = specification.command.map { .array($0.map { .string($0) }) }
        object["entrypoint"] = specification.entrypoint.map { .array($0.map { .string($0) }) }
        object["env"] = Self.dictionary(specification.environment)
        object["labels"] = Self.dictionary(specification.labels)
        object["user"] = .string(specification.user)
        object["workdir"] = .string(specification.workingDirectory)
        object["hostname"] = .string(specification.hostname)
        object["networks"] = networks
        object["mounts"] = mounts
        object["ports"] = ports
        object["limits"] = .object((limits ?? specification.limits).attributes)
        object["healthcheck"] = healthcheck
        var policy: JSONObject = ["policy": .string(specification.restart.name.rawValue)]
        let count = specification.restart.maximumRetryCount
        if count > 0 { policy["maximumRetryCount"] = .int(Int64(count)) }
        object["restart"] = .object(policy)
        object["stopSignal"] = specification.stopSignal.map { .string(ContainerAttributes.signal($0) ?? $0) }
        object["stopTimeout"] = specification.stopTimeout.map { .int(Int64($0)) }
        object["init"] = .bool(specification.usesInit)
        object["readOnlyRoot"] = .bool(specification.readOnlyRoot)
        object["oneShot"] = recorded.attributes["oneShot"]
        return object
    }

    /// In the words it was asked for while those still lead to what it runs; else the image it runs.
    private var image: String {
        let asked = recorded.attributes["image"]?.stringValue ?? ""
        if asked.isEmpty { return facts.specification.image }
        return (namedImage ?? facts.imageID) == facts.imageID && !asked.hasPrefix("sha256:") ? asked : facts.imageID
    }

    private var networks: JSONValue {
        let own = Set(HostNames.aliases(recorded.address))
        let endpoints = facts.specification.endpoints.map { endpoint -> JSONValue in
            var object: JSONObject = ["network": .string(endpoint.network)]
            // Its own names need no asking; those that were asked for all the same are told.
            let aliases = Set(endpoint.aliases).subtracting(own.subtracting(askedAliases(endpoint.network))).sorted()
            if !aliases.isEmpty { object["aliases"] = .array(aliases.map { .string($0) }) }
            object["address"] = endpoint.address.map { .string($0) }
            return .object(object)
        }
        return ContainerAttributes.ordered(networks: .array(endpoints))
    }

    private func askedAliases(_ network: String) -> Set<String> {
        let asked = recorded.attributes["networks"]?.arrayValue?.first { $0["network"]?.stringValue == network }
        return Set(asked?["aliases"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }

    /// Anonymous volumes of the image are not the manifest's.
    private var mounts: JSONValue {
        .array(
            facts.specification.mounts.filter { !$0.isAnonymous }.map(\.attributes)
                .sorted { ($0["target"]?.stringValue ?? "") < ($1["target"]?.stringValue ?? "") }.map { .object($0) })
    }

    private var ports: JSONValue {
        .array(
            facts.specification.ports.map { binding in
                var object: JSONObject = [
                    "published": .int(Int64(binding.hostPort)), "target": .int(Int64(binding.container.number)),
                    "protocol": .string(binding.container.transport),
                ]
                if !binding.hostAddress.isEmpty { object["hostAddress"] = .string(binding.hostAddress) }
                return object
            }.sorted { ContainerAttributes.portOrder($0) < ContainerAttributes.portOrder($1) }.map { .object($0) })
    }

    private var healthcheck: JSONValue? {
        guard let check = facts.specification.healthcheck else { return nil }
        var object: JSONObject = ["test": .array(check.test.map { .string($0) })]
        let numbers = [
            ("interval", check.interval), ("timeout", check.timeout), ("startPeriod", check.startPeriod),
            ("retries", Int64(check.retries)),
        ]
        let asked = recorded.attributes["healthcheck"]
        for (key, value) in numbers where value > 0 || asked?[key] != nil { object[key] = .int(value) }
        return .object(object)
    }

    private static func dictionary(_ values: [String: String]) -> JSONValue {
        .object(JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    /// Whether it does what it is there for.
    ///
    /// `problems` are those of its links.
    func condition(problems: [String]) -> ObjectCondition {
        let state = facts.state
        switch state.phase {
        case .running, .restarting: break
        case .paused: return .stopped("it is paused")
        case .exited where recorded.attributes["oneShot"] == true && state.exitCode == 0: return .ok
        case .exited: return .stopped(ended)
        case .created: return .stopped(state.error.isEmpty ? "it was never started" : state.error)
        case .removing, .dead: return .damaged("it is being removed")
        }
        if !problems.isEmpty { return .damaged(problems.joined(separator: "; ")) }
        if facts.health?.status == .unhealthy { return .damaged("its health check fails") }
        return .ok
    }

    /// What a failing health check said last.
    var remark: String? {
        guard facts.state.phase == .running, facts.health?.status == .unhealthy else { return nil }
        let said = facts.health?.log.last?.output.trimmedLine ?? ""
        return said.isEmpty ? nil : said
    }

    /// The anonymous volumes, which are removed with the container.
    var data: String? {
        let targets = facts.specification.mounts.filter { $0.kind == .volume && $0.isAnonymous }.map(\.target).sorted()
        guard !targets.isEmpty else { return nil }
        return "its anonymous volume\(targets.count == 1 ? "" : "s") at \(targets.joined(separator: ", "))"
    }

    private var ended: String {
        let state = facts.state
        let time = state.finishedAt.map { " at \($0.rfc3339Seconds)" } ?? ""
        let memory = state.oomKilled ? " (killed for its memory)" : ""
        return "it exited with \(state.exitCode)\(memory)\(time)"
    }
}

extension String {
    /// The first line, at most 200 characters.
    var trimmedLine: String { String(split(separator: "\n").first?.prefix(200) ?? "") }
}
