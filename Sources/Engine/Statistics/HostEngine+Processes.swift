import JSONText
import Linux
import Runtime

extension HostEngine {
    /// Docker's `top`: the processes of a container as `ps -ef` shows them.
    package func processes(_ container: Container) async throws -> JSONObject {
        guard container.state.isActive else { throw EngineError.notRunning(container.id) }
        let cgroup = try cgroup(of: container)
        let rows = try await BlockingExecutor.shared.run {
            try cgroup.processes().compactMap { ProcessLine(pid: $0)?.columns }
        }
        await publish("top", container)
        return [
            "Titles": .strings(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]),
            "Processes": .array(rows.map { .strings($0) }),
        ]
    }
}

/// One process as `ps` shows it.
struct ProcessLine {
    let columns: [String]

    /// Reads `/proc/<pid>`; `nil` where the process is gone.
    ///
    /// Blocks.
    init?(pid: Int32) {
        guard let stat = try? Files.readText("/proc/\(pid)/stat", limit: 65536),
            let status = try? Files.status("/proc/\(pid)"), let close = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let user = Int64(fields[11]), let system = Int64(fields[12]) else { return nil }
        let command = (try? Files.readAll("/proc/\(pid)/cmdline", limit: 1 << 20)) ?? []
        var text = String(decoding: command.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
        while text.hasSuffix(" ") { text.removeLast() }
        if text.isEmpty, let open = stat.firstIndex(of: "(") {
            text = "[\(stat[stat.index(after: open)..<close])]"
        }
        let seconds = (user + system) / 100
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60]
            .map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        columns = ["\(status.uid)", "\(pid)", String(fields[1]), "0", "-", "?", time, text]
    }
}
