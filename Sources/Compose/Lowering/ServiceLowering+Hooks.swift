import Diagnostics
import JSONText
import StackModel

/// Commands before, after and at the end.
extension ServiceLowering {
    mutating func lowerHooks() {
        for (attribute, key) in [("postStart", "post_start"), ("preStop", "pre_stop")] {
            let hooks = service.readers(key).compactMap { hook -> JSONValue? in
                let value = Self.hook(hook)
                hook.finish()
                return value
            }
            if !hooks.isEmpty { set("hooks.\(attribute)", .array(hooks), key) }
        }
    }

    private static func hook(_ hook: MemberReader) -> JSONValue? {
        var value = JSONObject()
        guard let command = hook.texts("command"), !command.isEmpty else {
            hook.refuse("command", "SC2401", "is missing")
            hook.skip("user", "privileged", "working_dir", "environment")
            return nil
        }
        value["command"] = .strings(command)
        value["user"] = hook.given("user").map { .string($0) }
        if hook.flag("privileged") == true { value["privileged"] = true }
        value["workdir"] = hook.given("working_dir").map { .string($0) }
        let env = hook.textMap("environment")
        if !env.isEmpty { value["env"] = .object(JSONObject(env.map { ($0.key, .string($0.value)) })) }
        let unset = hook.namesWithoutValue("environment").map(\.name)
        if !unset.isEmpty { value["unsetEnv"] = .strings(unset) }
        return .object(value)
    }

    /// The steps that end before a container of the service starts, in their order.
    ///
    /// Each is a container of its own: image, networks, mounts and environment are the service's.
    mutating func steps() -> [PreStartStep] {
        var steps: [PreStartStep] = []
        for (offset, hook) in service.readers("pre_start").enumerated() {
            let isPerReplica = hook.flag("per_replica") ?? false
            var draft = stepDraft()
            if let image = hook.given("image") {
                draft.set("image", context.image(image), at: hook.location("image"))
                if context.image(image).stringValue != nil { draft.set("pull", "missing", at: hook.location("image")) }
            }
            if let command = hook.texts("command") {
                draft.set("command", .strings(command), at: hook.location("command"))
            }
            if let user = hook.given("user") { draft.set("user", .string(user), at: hook.location("user")) }
            if let flag = hook.flag("privileged") { draft.set("privileged", .bool(flag), at: hook.location) }
            if let directory = hook.given("working_dir") {
                draft.set("workdir", .string(directory), at: hook.location("working_dir"))
            }
            for member in hook.textMap("environment") {
                draft.set("env.\(member.key)", .string(member.value), at: member.location)
                draft.remove(member.key, from: "unsetEnv")
            }
            for (name, location) in hook.namesWithoutValue("environment") {
                draft.remove(name, from: "env")
                draft.add(name, to: "unsetEnv", at: location)
            }
            hook.finish()
            let step = PreStartStep(name: "\(name)-pre_start-\(offset + 1)", isPerReplica: isPerReplica)
            steps.append(step.with(resources(of: step, draft, after: steps.last, at: hook.location)))
        }
        return steps
    }

    private func resources(
        of step: PreStartStep, _ draft: ResourceDraft, after previous: PreStartStep?, at location: SourceLocation
    ) -> [StackResource] {
        let count = step.isPerReplica ? replicas : min(replicas, 1)
        return (0..<count).map { offset in
            var draft = draft
            for label in ComposeLabels.ofContainer(offset + 1) {
                draft.set("labels.\(label.key)", .string(label.value), at: nil)
            }
            var edges = dependencies
            if let previous, !step.isPerReplica, previous.isPerReplica {
                edges += (0..<replicas).map {
                    StackDependency(address: previous.address(for: $0 + 1), until: .completed)
                }
            } else if let previous {
                edges.append(StackDependency(address: previous.address(for: offset + 1), until: .completed))
            }
            return StackResource(
                address: step.address(for: offset + 1), attributes: draft.attributes, dependencies: edges,
                location: location, locations: draft.locations)
        }
    }

    /// What a step has of its service.
    private func stepDraft() -> ResourceDraft {
        var step = draft
        for attribute in [
            "name", "hostname", "ports", "expose", "restart", "healthcheck", "hooks", "update", "links", "stopSignal",
            "stopTimeout", "tty", "openStdin", "macAddress",
        ] { step.remove(attribute) }
        step.set("oneShot", true, at: nil)
        step.set("labels.\(ComposeLabels.oneOff)", "True", at: nil)
        step.set("labels.\(ComposeLabels.hook)", "pre_start", at: nil)
        if let networks = draft.attributes["networks"]?.arrayValue {
            // The names and addresses are the service's own.
            step.set(
                "networks",
                .array(networks.map { ["network": $0["network"] ?? .null] }), at: service.location("networks"))
        }
        if !anonymousTargets.isEmpty, let mounts = draft.attributes["mounts"]?.arrayValue {
            let kept = mounts.filter { !anonymousTargets.contains($0["target"]?.stringValue ?? "") }
            step.remove("mounts")
            if !kept.isEmpty { step.set("mounts", .array(kept), at: service.location("volumes")) }
            service.warn(
                "pre_start", "SC2456", "pre_start and volumes without a name",
                "do not meet: each container has its own", hint: "give the volume a name")
        }
        return step
    }
}

/// A step of `pre_start`.
struct PreStartStep {
    let name: String
    /// Whether each container of the service has one of its own.
    let isPerReplica: Bool
    private(set) var resources: [StackResource] = []

    init(name: String, isPerReplica: Bool) {
        self.name = name
        self.isPerReplica = isPerReplica
    }

    func with(_ resources: [StackResource]) -> PreStartStep {
        var copy = self
        copy.resources = resources
        return copy
    }

    /// The step that a container of the service waits for.
    func address(for number: Int) -> ResourceAddress {
        ResourceAddress(kind: .container, name: name, index: isPerReplica ? number : 1)
    }
}
