import Linux

/// What the manifest's process is allowed.
package struct ManifestLimits: Sendable, Hashable {
    /// Address space in bytes.
    package var memoryBytes: UInt64
    /// Wall-clock time.
    package var time: Duration

    /// Limits; 512 MiB and 30 seconds unless said otherwise.
    package init(memoryBytes: UInt64 = 512 << 20, time: Duration = .seconds(30)) {
        self.memoryBytes = memoryBytes
        self.time = time
    }

    var milliseconds: Int64 {
        max(1, time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000)
    }
}

/// One run of a plugin: the loader, its arguments, and what it may see.
struct PluginRun: Sendable {
    var executable: String
    /// What follows its name.
    var arguments: [String]
    /// The inputs' JSON, on its standard input.
    var input: [UInt8]
    /// The files and directories it may read; nothing else is there.
    var readable: [String]
    var limits: ManifestLimits
}

/// What a run of a plugin left.
struct PluginOutcome: Sendable {
    /// The bytes of the result descriptor.
    var result: [UInt8]
    /// What the author's code printed.
    var output: String
    /// What the author's code, or the Swift runtime, wrote to standard error.
    var errors: String
    /// Its exit code.
    var exitCode: Int32
    /// The signal that ended it; nil when it exited.
    var signal: Int32?
    var timedOut: Bool
    /// What this kernel could not confine.
    var warnings: [String]
}
