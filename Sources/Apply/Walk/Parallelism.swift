import Linux

/// How many steps may run at a time.
enum Parallelism {
    /// Steps that wait for processes to end: they cost next to nothing until those have ended.
    static let ofStops = 128

    /// Steps that act: two for each processor this process may use: steps wait for disks and the kernel as much as they compute.
    static let byProcessors = 2 * processors

    /// Counts `Cpus_allowed_list` of proc_pid_status(5), "0-3,8".
    private static var processors: Int {
        guard let status = try? Files.readText("/proc/self/status") else { return 2 }
        for line in status.split(separator: "\n") where line.hasPrefix("Cpus_allowed_list:") {
            return max(1, HostProcessors.numbers(inList: line.split(separator: ":").last ?? "").count)
        }
        return 2
    }
}
