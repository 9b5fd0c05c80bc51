import JSONText

/// Where the container's output goes.
public struct Logging: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A driver and its options, such as `Logging(driver: "json-file", options: ["max-size": "10m"])`.
    public init(
        driver: String? = nil, options: [String: String] = [:], fileID: String = #fileID, line: Int = #line
    ) {
        var logging = JSONObject()
        if let driver { logging["driver"] = .string(driver) }
        if !options.isEmpty { logging["options"] = .object(sorted(options)) }
        var element = BlockElement("Logging", fileID, line, changes: [.set("logging", .object(logging))])
        if driver?.isEmpty == true { element.problem("SC1119", "Logging has no driver") }
        self.element = element
    }
}

/// A command that runs in the container once it has started.
public struct PostStart: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A command as words.
    ///
    /// - Parameters:
    ///   - words: the program and its arguments.
    ///   - user: who runs it; the container's when nil.
    ///   - isPrivileged: whether it has what `Privileged()` gives.
    ///   - workdir: the directory it starts in; the container's when nil.
    ///   - environment: variables beside those of the container.
    ///   - unset: variables of the container that the command does not get.
    public init(
        _ words: String..., user: String? = nil, privileged isPrivileged: Bool? = nil, workdir: String? = nil,
        environment: [String: String] = [:], unset: [String] = [], fileID: String = #fileID, line: Int = #line
    ) {
        element = .hook("PostStart", "postStart", words, user, isPrivileged, workdir, environment, unset, fileID, line)
    }
}

/// A command that runs in the container before it is stopped.
public struct PreStop: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A command as words; the rest is as that of `PostStart`.
    public init(
        _ words: String..., user: String? = nil, privileged isPrivileged: Bool? = nil, workdir: String? = nil,
        environment: [String: String] = [:], unset: [String] = [], fileID: String = #fileID, line: Int = #line
    ) {
        element = .hook("PreStop", "preStop", words, user, isPrivileged, workdir, environment, unset, fileID, line)
    }
}

/// The order in which a container is replaced.
public enum UpdateOrder: String, Sendable {
    /// The new one is started before the old one is stopped.
    case startFirst
    /// The old one is stopped before the new one is started.
    case stopFirst
}

/// What happens when the new container of an update does not become healthy.
public enum UpdateFailure: String, Sendable {
    /// The old one comes back.
    case rollBack
    /// The update stops there.
    case pause
    /// The update goes on.
    case `continue`
}

/// How a container is replaced by one with other settings.
public struct Update: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// What is left out is as without it.
    ///
    /// - Parameters:
    ///   - order: which one is started or stopped first.
    ///   - healthyWithin: how long the new one must run, or has to become healthy.
    ///   - onFailure: what happens when it does not.
    ///   - delay: the time between one replica and the next.
    ///   - parallelism: how many replicas at once; 0 is all.
    public init(
        _ order: UpdateOrder? = nil, healthyWithin: Duration? = nil, onFailure: UpdateFailure? = nil,
        delay: Duration? = nil, parallelism: Int? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var element = BlockElement("Update", fileID, line)
        if let order { element.changes.append(.insert(map: "update", key: "order", .string(order.rawValue))) }
        for (key, time) in [("healthyWithin", healthyWithin), ("delay", delay)] {
            guard let time else { continue }
            element.changes.append(.insert(map: "update", key: key, .int(time.nanoseconds ?? 0)))
            if time < .zero || time > .hours(24 * 365) {
                element.problem("SC1105", "\(key): \(time) is no usable time", hint: "use .zero or more")
            }
        }
        if let onFailure {
            element.changes.append(.insert(map: "update", key: "onFailure", .string(onFailure.rawValue)))
        }
        if let parallelism {
            element.changes.append(.insert(map: "update", key: "parallelism", .int(Int64(parallelism))))
            if parallelism < 0 { element.problem("SC1106", "\(parallelism) is no number of replicas") }
        }
        self.element = element
    }
}

extension BlockElement {
    fileprivate static func hook(
        _ name: String, _ list: String, _ words: [String], _ user: String?, _ isPrivileged: Bool?,
        _ workdir: String?, _ environment: [String: String], _ unset: [String], _ fileID: String, _ line: Int
    ) -> BlockElement {
        var hook: JSONObject = ["command": .array(words.map { .string($0) })]
        if let user { hook["user"] = .string(user) }
        if let isPrivileged { hook["privileged"] = .bool(isPrivileged) }
        if let workdir { hook["workdir"] = .string(workdir) }
        if !environment.isEmpty { hook["env"] = .object(sorted(environment)) }
        if !unset.isEmpty { hook["unsetEnv"] = .array(unset.map { .string($0) }) }
        var element = BlockElement(
            name, fileID, line, changes: [.extend(map: "hooks", list: list, .object(hook))])
        if words.first?.isEmpty ?? true {
            element.problem("SC1119", "\(name) has no program", hint: "write \(name)(\"program\", \"argument\")")
        }
        if let workdir { element.requireAbsolute(workdir, "the working directory") }
        for variable in environment.keys.sorted() + unset where !isEnvironmentName(variable) {
            element.problem("SC1110", "\"\(variable)\" is no name of an environment variable")
        }
        return element
    }
}
