import JSONText

/// The container's name on the host, in place of the stack's name and its own.
public struct Named: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A name that no other container of the host has.
    public init(_ name: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("Named", fileID, line, changes: [.set("name", .string(name))])
        if !isHostObjectName(name) {
            element.problem(
                "SC1109", "\"\(name)\" is no name for a container", hint: "use letters, digits, '_', '.', '-'")
        }
        self.element = element
    }
}

/// The domain name that the process sees.
public struct Domainname: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A domain name.
    public init(_ name: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("Domainname", fileID, line, changes: [.set("domainname", .string(name))])
        if !isHostName(name) { element.problem("SC1109", "\"\(name)\" is no domain name") }
        self.element = element
    }
}

/// Gives the process a terminal.
public struct Terminal: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A terminal.
    public init(fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("Terminal", fileID, line, changes: [.set("tty", true)])
    }
}

/// Keeps standard input open, also when nobody writes to it.
public struct OpenInput: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// An open standard input.
    public init(fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("OpenInput", fileID, line, changes: [.set("openStdin", true)])
    }
}

/// Puts a small process in front that passes signals on and clears away what has ended.
public struct Init: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// Such a process, or none although the host has one by default.
    public init(_ isUsed: Bool = true, fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("Init", fileID, line, changes: [.set("init", .bool(isUsed))])
    }
}

/// More groups of the process's user.
public struct Groups: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// Groups by name of the container, or by number.
    public init(_ groups: String..., fileID: String = #fileID, line: Int = #line) {
        element = .words("Groups", "groups", groups, fileID, line)
    }
}

/// Free text for runtimes.
public struct Annotation: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// An annotation.
    public init(_ key: String, _ value: String, fileID: String = #fileID, line: Int = #line) {
        element = .entry("Annotation", "annotations", key, value, fileID, line)
    }
}

/// The platform that the image is taken for.
public struct PlatformChoice: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A platform, such as "linux/amd64".
    public init(_ platform: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("PlatformChoice", fileID, line, changes: [.set("platform", .string(platform))])
        if !isPlatform(platform) {
            element.problem(
                "SC1109", "\"\(platform)\" is no platform", hint: "write \"linux/amd64\" or \"linux/arm64\"")
        }
        self.element = element
    }
}

/// Which images a plan may pull.
public enum PullPolicy: String, Sendable {
    /// One that is not here.
    case missing
    /// Also one that is here: the client asks the registry before it plans.
    case always
    /// None.
    case never
    /// None: it is built.
    case build
}

/// Says when the container's image is pulled.
public struct Pull: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A policy.
    public init(_ policy: PullPolicy, fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("Pull", fileID, line, changes: [.set("pull", .string(policy.rawValue))])
    }
}

/// Whether the container runs once it is made.
public struct Running: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// `Running(false)` is made and not started.
    public init(_ isRunning: Bool, fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("Running", fileID, line, changes: [.set("running", .bool(isRunning))])
    }
}

/// Says that a container made anew gets the volumes without a name of the one before.
public struct KeepAnonymousVolumes: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// They are kept.
    public init(fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("KeepAnonymousVolumes", fileID, line, changes: [.set("anonymousVolumes", "keep")])
    }
}

/// Refuses every plan that would delete the container.
public struct Protect: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A container that is kept.
    public init(fileID: String = #fileID, line: Int = #line) { element = BlockElement("Protect", fileID, line) }
}

extension BlockElement {
    /// A list of words that are not empty.
    static func words(
        _ name: String, _ key: String, _ words: [String], _ fileID: String, _ line: Int
    ) -> BlockElement {
        var element = BlockElement(
            name, fileID, line, changes: [.set(key, .array(words.map { .string($0) }))])
        if words.contains(where: { $0.isEmpty || $0.utf8.contains(0) }) {
            element.problem("SC1119", "\(name) has a word that is empty or has a NUL byte")
        }
        return element
    }
}
