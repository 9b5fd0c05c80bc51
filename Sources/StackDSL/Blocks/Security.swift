import JSONText

/// Gives the container nearly all that a process of the host has: every capability and device.
public struct Privileged: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A privileged container.
    public init(fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("Privileged", fileID, line, changes: [.set("privileged", true)])
    }
}

/// Capabilities beyond or short of the usual ones.
public struct Capabilities: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// Names as "NET_ADMIN" or "CAP_NET_ADMIN"; "ALL" is all of them.
    public init(add: [String] = [], drop: [String] = [], fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("Capabilities", fileID, line)
        for (key, names) in [("capAdd", add), ("capDrop", drop)] where !names.isEmpty {
            element.changes.append(.set(key, .array(names.map { .string($0) })))
        }
        for name in add + drop
        where name.isEmpty || !name.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "_") }) {
            element.problem("SC1109", "\"\(name)\" is no capability", hint: "write a name such as \"NET_ADMIN\"")
        }
        self.element = element
    }
}

/// How the kernel guards the container.
public struct SecurityOptions: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// Options as Docker writes them: "no-new-privileges=false", "seccomp=unconfined", "apparmor=profile".
    public init(_ options: String..., fileID: String = #fileID, line: Int = #line) {
        element = .words("SecurityOptions", "securityOptions", options, fileID, line)
    }
}

/// Whose processes, memory or names a container sees.
public struct NamespaceMode: Sendable {
    let text: Text

    /// The host's.
    public static let host = NamespaceMode(text: "host")
    /// Its own.
    public static let `private` = NamespaceMode(text: "private")
    /// Its own, which other containers may join; of `ipc:`.
    public static let shareable = NamespaceMode(text: "shareable")
    /// Its own without /dev/shm; of `ipc:`.
    public static let none = NamespaceMode(text: "none")

    /// Those of another container of the stack; of one of several, `.container(db[1])`.
    public static func container(_ container: Container) -> NamespaceMode {
        NamespaceMode(text: "container:\(container.id)")
    }

    /// Those of a container outside the stack, by its name or id.
    @_disfavoredOverload
    public static func container(_ name: some StringProtocol) -> NamespaceMode {
        NamespaceMode(text: "container:\(String(name))")
    }
}

/// Namespaces that the container shares with the host or another container.
public struct Namespaces: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// What is left out is its own.
    ///
    /// - Parameters:
    ///   - pid: processes.
    ///   - ipc: shared memory and semaphores.
    ///   - uts: the host name.
    ///   - user: users; `.host` is the only one.
    ///   - cgroup: control groups.
    public init(
        pid: NamespaceMode? = nil, ipc: NamespaceMode? = nil, uts: NamespaceMode? = nil, user: NamespaceMode? = nil,
        cgroup: NamespaceMode? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var element = BlockElement("Namespaces", fileID, line)
        let modes = [
            ("pidMode", "pid:", pid, ["host", "private"]), ("utsMode", "uts:", uts, ["host", "private"]),
            ("ipcMode", "ipc:", ipc, ["host", "private", "shareable", "none"]), ("usernsMode", "user:", user, ["host"]),
            ("cgroupMode", "cgroup:", cgroup, ["host", "private"]),
        ]
        for (key, label, mode, allowed) in modes {
            guard let mode else { continue }
            element.changes.append(.set(key, mode.text.json))
            element.uses(mode.text)
            let joins = key == "pidMode" || key == "ipcMode"
            let isAllowed = mode.text.json.stringValue.map {
                allowed.contains($0) || (joins && $0.hasPrefix("container:"))
            }
            if !(isAllowed ?? joins) {
                let list = allowed.map { ".\($0)" } + (joins ? [".container(...)"] : [])
                element.problem(
                    "SC1132", "\(label) cannot be \(mode.text.json.stringValue ?? "that of a container")",
                    hint: "use \(list.joined(separator: ", "))")
            }
        }
        self.element = element
    }
}

/// A setting of the kernel for the container's own namespaces.
public struct Sysctl: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A setting by its name, such as `Sysctl("net.core.somaxconn", "1024")`.
    public init(_ name: String, _ value: String, fileID: String = #fileID, line: Int = #line) {
        element = .entry("Sysctl", "sysctls", name, value, fileID, line)
    }
}

/// The control group that the container's is below.
public struct CgroupParent: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A control group.
    public init(_ path: String, fileID: String = #fileID, line: Int = #line) {
        element = .word("CgroupParent", "cgroupParent", path, fileID, line)
    }
}

/// The OCI runtime that runs the container.
public struct Runtime: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A runtime by its name.
    public init(_ name: String, fileID: String = #fileID, line: Int = #line) {
        element = .word("Runtime", "runtime", name, fileID, line)
    }
}

/// How likely the kernel ends the process when memory runs out.
public struct OOMScore: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// An adjustment from -1000, never, to 1000, first.
    public init(_ adjustment: Int, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("OOMScore", fileID, line, changes: [.set("oomScoreAdj", .int(Int64(adjustment)))])
        if !(-1000...1000).contains(adjustment) {
            element.problem("SC1106", "\(adjustment) is no score for the end of memory", hint: "use -1000 to 1000")
        }
        self.element = element
    }
}

extension BlockElement {
    /// One text that is not empty.
    static func word(_ name: String, _ key: String, _ text: String, _ fileID: String, _ line: Int) -> BlockElement {
        var element = BlockElement(name, fileID, line, changes: [.set(key, .string(text))])
        if text.isEmpty || text.utf8.contains(0) { element.problem("SC1119", "\(name) is empty or has a NUL byte") }
        return element
    }
}
