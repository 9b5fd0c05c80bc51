import Apply
import Diagnostics
import Engine
import JSONText
import Linux
import StackModel

/// Every attribute of a container, each of which is known in one place.
enum ContainerAttributes {
    static let all: [ContainerAttribute] =
        ProcessAttributes.all + IsolationAttributes.all + LifecycleAttributes.all + [LimitAttribute.limits]
        + StorageAttributes.all + NetworkAttributes.all

    private static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
    private static let names = all.map(\.name)
    private static let flags = all.filter(\.isFlag).map(\.name)
    /// Variables that each start sets, though no image and nobody else does.
    private static let variablesOfStarts: Set<String> = ["PATH", "HOSTNAME", "TERM"]

    /// The attribute that a path is, or is a part of.
    static func attribute(of path: String) -> ContainerAttribute? {
        path.split(separator: ".").first.flatMap { byName[String($0)] }
    }

    /// The normal form.
    static func normalize(_ attributes: JSONObject, _ norms: ContainerNorms) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        for attribute in all { attribute.read(&reader, norms) }
        let normal = try reader.finished(known: names)
        try judge(normal)
        return normal
    }

    /// `TERM`, `sigterm` and `15` are `SIGTERM`.
    @Sendable static func signal(_ text: String) -> String? {
        Signals.number(named: text).map { Signals.name($0) }
    }

    /// What a container has, in the words of what is wanted wherever the two come to the same.
    ///
    /// A flag that is off says no more than none. A variable that the container does not have need not be taken away
    /// from it: only its next one is told to.
    static func matched(_ observed: JSONObject, to wanted: JSONObject) -> JSONObject {
        var observed = observed
        for flag in flags where wanted[flag] == nil && observed[flag] == false { observed[flag] = nil }
        guard let names = wanted["unsetEnv"]?.arrayValue, observed["unsetEnv"] != wanted["unsetEnv"] else {
            return observed
        }
        let isTakenAway = Set((observed["unsetEnv"]?.arrayValue ?? []).compactMap(\.stringValue))
        let asked = Set(names.compactMap(\.stringValue))
        let isWithout = asked.allSatisfy { name in
            isTakenAway.contains(name) || observed["env"]?[name] == nil && !variablesOfStarts.contains(name)
        }
        if isWithout, isTakenAway.isSubset(of: asked) { observed["unsetEnv"] = wanted["unsetEnv"] }
        return observed
    }

    /// What a change of one attribute costs.
    static func changeClass(path: String, from: JSONValue?, to: JSONValue?) -> ChangeClass {
        guard let attribute = attribute(of: path) else { return .recreate }
        switch attribute.name {
        case "networks": return keepsFirstNetwork(from, to) ? .live : .recreate
        // What was only made is started; what runs goes on.
        case "running": return from == false ? .live : .none
        case "limits": return LimitAttribute.changeClass(path: path, to: to)
        default: return attribute.effect.changeClass
        }
    }

    /// The first network has the default route and the first interface: another one makes another container.
    private static func keepsFirstNetwork(_ from: JSONValue?, _ to: JSONValue?) -> Bool {
        guard let from = from?.arrayValue?.first, let to = to?.arrayValue?.first else { return false }
        return from == to && !AttributeReader.isUnknown(to)
    }

    /// Attributes whose values cannot contradict each other, nor be what the engine refuses.
    private static let harmless: Set<String> = [
        "image", "command", "entrypoint", "env", "labels", "user", "workdir", "hostname", "networks", "mounts", "ports",
        "healthcheck", "restart", "stopSignal", "stopTimeout", "init", "readOnlyRoot", "oneShot", "running", "pull",
        "platform", "anonymousVolumes", "hooks", "update", "name", "tty", "openStdin", "expose", "files",
        "unsetEnv",
    ]
    private static let plainLimits: Set<String> = ["memory", "nanoCPUs", "pids", "cpuShares"]

    /// Holds attributes to the rules of the engine's own API, so that a plan tells of what a creation would refuse.
    private static func judge(_ normal: JSONObject) throws(DiagnosticList) {
        let limits = normal["limits"]?.objectValue ?? JSONObject()
        guard
            normal.keys.contains(where: { $0 != "limits" && !harmless.contains($0) })
                || !Set(limits.keys).isSubset(of: plainLimits)
        else { return }
        var specification = ContainerSpecification(attributes: normal)
        // They were judged one by one, and may name what is known only after apply.
        specification.mounts = []
        specification.endpoints = []
        specification.healthcheck = nil
        do {
            try ContainerSpecification(json: specification.json).checkNetwork()
        } catch {
            throw DiagnosticList(Diagnostic(code: "SC5140", summary: error.message))
        }
    }
}

extension ContainerAttribute.Effect {
    var changeClass: ChangeClass {
        switch self {
        case .none: .none
        case .noted, .live: .live
        case .restart: .restart
        case .recreate: .recreate
        }
    }
}

extension LimitAttribute {
    /// What the kernel was once told of these cannot be taken back while the group is there.
    private static let lasting: Set<String> = ["memoryReservation", "cpuset", "cpusetMems", "blkioWeight"]

    static func changeClass(path: String, to: JSONValue?) -> ChangeClass {
        let name = path.split(separator: ".").dropFirst().first.map(String.init) ?? ""
        guard let limit = all.first(where: { $0.name == name }) else { return .live }
        if to == nil, lasting.contains(name) { return .restart }
        return limit.effect.changeClass
    }
}
