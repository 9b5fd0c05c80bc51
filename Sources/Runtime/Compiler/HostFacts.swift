import Linux

/// What a launch needs to know of the host beside the cgroup: as values.
package struct HostFacts: Sendable, Hashable {
    /// How many files a process may have open that asks for nothing else: the soft and the hard limit.
    package var openFiles: UInt64
    /// Paths of the kernel's that are hidden wherever Docker's are.
    package var maskedPaths: [String]

    /// Docker's limit of open files; `systemd` gives its services half of it.
    package static let dockerOpenFiles: UInt64 = 1_048_576

    package init(openFiles: UInt64 = dockerOpenFiles, maskedPaths: [String] = []) {
        self.openFiles = openFiles
        self.maskedPaths = maskedPaths
    }

    /// The facts of this host, for what this process starts.
    package static func current() -> HostFacts {
        let largest = (try? Files.readText("/proc/sys/fs/nr_open", limit: 64)).flatMap { number($0[...]) }
        return HostFacts(
            openFiles: openFiles(
                largest: largest,
                own: CurrentProcess.hasCapability(Capability.sysResource.rawValue)
                    ? nil : CurrentProcess.openFileLimit?.hard),
            maskedPaths: thermalPaths(
                possible: (try? Files.readText("/sys/devices/system/cpu/possible", limit: 4_096)) ?? ""
            ) { Files.exists($0) })
    }

    /// Docker's limit, as far as it can be set.
    ///
    /// - Parameters:
    ///   - largest: what the kernel allows at all (`fs.nr_open`).
    ///   - own: the hard limit of a process that may not go beyond it; nil: it may.
    static func openFiles(largest: UInt64?, own: UInt64?) -> UInt64 {
        min(dockerOpenFiles, largest ?? .max, own ?? .max)
    }

    /// The counters by which a container could watch what others do to the processor, as Docker hides them.
    ///
    /// - Parameters:
    ///   - possible: the processors there may ever be, as the kernel lists them: `0-3,8`.
    ///   - exists: whether a path is there; where no processor has the counters, none will.
    static func thermalPaths(possible: String, exists: (String) -> Bool) -> [String] {
        let paths = HostProcessors.numbers(inList: possible).map { "/sys/devices/system/cpu/cpu\($0)/thermal_throttle" }
        // Those of a processor that is off come with it.
        return paths.contains(where: exists) ? paths : []
    }

    private static func number(_ text: Substring) -> UInt64? { UInt64(text.filter { !$0.isWhitespace }) }
}
