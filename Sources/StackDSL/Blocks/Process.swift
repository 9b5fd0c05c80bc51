import JSONText

/// The command of a container, or the default one of an image; replaces the image's.
public struct Command: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A command as words, without a shell: `Command("nginx", "-g", "daemon off;")`.
    public init(_ words: String..., fileID: String = #fileID, line: Int = #line) {
        element = words.argumentElement("Command", "command", fileID, line)
    }

    /// A command as a list of words; an empty list takes the image's away.
    public init(_ words: [String], fileID: String = #fileID, line: Int = #line) {
        element = words.argumentElement("Command", "command", canBeEmpty: true, fileID, line)
    }
}

/// The program that gets the command as arguments; replaces the image's.
public struct Entrypoint: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// An entry point as words, without a shell.
    public init(_ words: String..., fileID: String = #fileID, line: Int = #line) {
        element = words.argumentElement("Entrypoint", "entrypoint", fileID, line)
    }

    /// An entry point as a list of words; an empty list takes the image's away.
    public init(_ words: [String], fileID: String = #fileID, line: Int = #line) {
        element = words.argumentElement("Entrypoint", "entrypoint", canBeEmpty: true, fileID, line)
    }
}

/// The user that the process runs as: a name, a number, or "user:group".
public struct User: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A user.
    public init(_ user: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("User", fileID, line, changes: [.set("user", .string(user))])
        let parts = user.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count > 2 || parts.contains(where: { $0.isEmpty || $0.contains(" ") }) {
            element.problem("SC1109", "\"\(user)\" is no user", hint: "write \"name\", \"1000\" or \"user:group\"")
        }
        self.element = element
    }
}

/// The directory that the process starts in.
public struct Workdir: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// An absolute directory of the container.
    public init(_ directory: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("Workdir", fileID, line, changes: [.set("workdir", .string(directory))])
        element.requireAbsolute(directory, "the working directory")
        self.element = element
    }
}

/// A variable of the process's environment.
public struct Env: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A variable; the value may hold references: `Env("HOST", "\(db.host)")`.
    public init(_ name: String, _ value: Text, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement(
            "Env", fileID, line, changes: [.insert(map: "env", key: name, value.json)])
        element.edges = value.edges
        element.problems = value.problems
        if !isEnvironmentName(name) {
            element.problem(
                "SC1110", "\"\(name)\" is no name of an environment variable",
                hint: "use letters, digits and '_'; '=' and spaces cannot be in it")
        }
        self.element = element
    }

    /// A variable with a reference as its value.
    public init(_ name: String, _ value: Reference, fileID: String = #fileID, line: Int = #line) {
        self.init(name, Text(value), fileID: fileID, line: line)
    }

    /// A variable with a plain string as its value.
    @_disfavoredOverload
    public init(_ name: String, _ value: some StringProtocol, fileID: String = #fileID, line: Int = #line) {
        self.init(name, Text(String(value)), fileID: fileID, line: line)
    }
}

/// Variables of the image that the process does not get.
public struct UnsetEnv: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// The variables' names.
    public init(_ names: String..., fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement.words("UnsetEnv", "unsetEnv", names, fileID, line)
        for name in names where !isEnvironmentName(name) {
            element.problem(
                "SC1110", "\"\(name)\" is no name of an environment variable",
                hint: "use letters, digits and '_'; '=' and spaces cannot be in it")
        }
        self.element = element
    }
}

/// The host name that the process sees; the container's name unless set.
public struct Hostname: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A host name.
    public init(_ name: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("Hostname", fileID, line, changes: [.set("hostname", .string(name))])
        if !isHostName(name) {
            element.problem("SC1109", "\"\(name)\" is no host name", hint: "use letters, digits and '-', at most 63")
        }
        self.element = element
    }
}

/// How the process is asked to end.
public struct Stop: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// The signal to send, and how long to wait before the process is killed.
    public init(signal: String? = nil, timeout: Duration? = nil, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("Stop", fileID, line)
        if let signal {
            element.changes.append(.set("stopSignal", .string(signal)))
            if !isSignal(signal) {
                element.problem("SC1124", "\"\(signal)\" is no signal", hint: "write a name such as \"SIGTERM\"")
            }
        }
        if let timeout {
            element.changes.append(.set("stopTimeout", .int(timeout.components.seconds)))
            if timeout < .zero || timeout > .hours(24) {
                element.problem("SC1105", "the stop timeout \(timeout) is not between 0 and 24 hours")
            } else if timeout.components.attoseconds != 0 {
                element.problem("SC1105", "the stop timeout \(timeout) is not in whole seconds")
            }
        }
        self.element = element
    }
}

/// Makes the container's root file system read-only; volumes and tmpfs mounts stay writable.
public struct ReadOnlyRoot: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A read-only root.
    public init(fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("ReadOnlyRoot", fileID, line, changes: [.set("readOnlyRoot", true)])
    }
}

/// Says that the container does a job and ends; having ended with exit code 0 is then its good state.
public struct OneShot: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A container that is meant to end.
    public init(fileID: String = #fileID, line: Int = #line) {
        element = BlockElement("OneShot", fileID, line, changes: [.set("oneShot", true)])
    }
}

extension [String] {
    fileprivate func argumentElement(
        _ name: String, _ key: String, canBeEmpty: Bool = false, _ fileID: String, _ line: Int
    ) -> BlockElement {
        var element = BlockElement(name, fileID, line, changes: [.set(key, .array(map { .string($0) }))])
        if contains(where: { $0.utf8.contains(0) }) {
            element.problem("SC1119", "\(name) has a word with a NUL byte")
        } else if first?.isEmpty ?? !canBeEmpty {
            element.problem("SC1119", "\(name) has no program", hint: "write \(name)(\"program\", \"argument\")")
        }
        return element
    }
}
