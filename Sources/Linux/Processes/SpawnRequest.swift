/// A program to start.
package struct SpawnRequest: Sendable {
    /// Where the program is.
    package enum Executable: Sendable, Hashable {
        /// A path; it is not searched in `PATH`.
        case path(String)
        /// An open program, such as a sealed copy in memory.
        case descriptor(Int32)
    }

    package var executable: Executable
    /// All of `argv`, the program's own name first.
    package var arguments: [String]
    /// `NAME=value` lines.
    ///
    /// Empty by default: nothing is inherited.
    package var environment: [String]
    /// What the child's descriptors are: its number → ours.
    ///
    /// 0, 1 and 2 are `/dev/null` when absent; nothing else is inherited.
    package var descriptors: [Int32: Int32]
    /// Where it starts; nil is our own.
    package var workingDirectory: String?
    /// Whether it leads a session (and process group) of its own.
    package var newSession: Bool
    /// Whether it leads a process group of its own.
    package var newProcessGroup: Bool

    /// A program with its arguments; `argv[0]` is given too.
    package init(
        executable: Executable, arguments: [String], environment: [String] = [], descriptors: [Int32: Int32] = [:],
        workingDirectory: String? = nil, newSession: Bool = false, newProcessGroup: Bool = false
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.descriptors = descriptors
        self.workingDirectory = workingDirectory
        self.newSession = newSession
        self.newProcessGroup = newProcessGroup
    }

    /// A program by path, with the arguments after its name, in our own environment.
    package init(_ path: String, _ arguments: [String] = []) {
        self.init(executable: .path(path), arguments: [path] + arguments, environment: Environment.lines)
    }

    /// The program for people.
    package var displayName: String {
        switch executable {
        case .path(let path): return path
        case .descriptor: return arguments.first ?? "program"
        }
    }
}
