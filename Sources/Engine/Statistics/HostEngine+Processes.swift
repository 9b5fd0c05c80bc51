import JSONText
import Linux
import Runtime

extension HostEngine {
    /// Docker's `top`: the processes of a container as the host's `ps` shows them.
    ///
    /// - Parameter arguments: options of ps(1), separated by spaces.
    /// - Throws: Docker's texts where the container does not run, or the output does not name the processes.
    package func processes(_ container: Container, arguments: String = "-ef") async throws -> JSONObject {
        switch container.state.phase {
        case .running, .paused: break
        case .restarting:
            throw EngineError(
                .conflict, "Container \(container.id) is restarting, wait until the container is running")
        default: throw EngineError.notRunning(container.id)
        }
        let cgroup = try cgroup(of: container)
        let members = try await BlockingExecutor.shared.run { try cgroup.processes() }
        let table = try await Self.table(of: members, arguments)
        await publish("top", container)
        return [
            "Titles": .strings(table.titles), "Processes": .array(table.rows.map { .strings($0) }),
        ]
    }

    private static func table(of members: [Int32], _ arguments: String) async throws -> ProcessTable {
        guard let program = ["/bin/ps", "/usr/bin/ps"].first(where: { Files.exists($0) }) else {
            guard arguments == "-ef" else {
                throw EngineError(.failed, "ps is not installed on this host: only the default columns can be shown")
            }
            return await BlockingExecutor.shared.run {
                ProcessTable(
                    titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
                    rows: members.compactMap { ProcessLine(pid: $0)?.columns })
            }
        }
        let request = SpawnRequest(
            executable: .path(program), arguments: ["ps"] + arguments.split(separator: " ").map(String.init),
            environment: ["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "COLUMNS=4096"])
        let result = try await Spawn.run(request, timeout: .seconds(30), outputLimit: 16 << 20)
        guard result.status.code == 0 || !result.standardOutput.isEmpty else {
            let reason = result.errorText.split(separator: "\n").first.map(String.init) ?? "no output"
            throw EngineError(.failed, "ps: exit status \(result.status.code): \(reason)")
        }
        return try ProcessTable(output: result.outputText, members: Set(members))
    }
}

/// What `ps` printed, of some processes.
package struct ProcessTable: Sendable, Hashable {
    package var titles: [String]
    package var rows: [[String]]

    init(titles: [String], rows: [[String]]) {
        self.titles = titles
        self.rows = rows
    }

    /// Picks the lines of some processes out of an output; their threads' lines come with them.
    ///
    /// - Throws: Docker's text for an output without a column `PID`.
    package init(output: String, members: Set<Int32>) throws(EngineError) {
        func fields(_ line: Substring) -> [String] { line.split(whereSeparator: \.isWhitespace).map(String.init) }
        var lines = output.split(separator: "\n")[...]
        titles = lines.popFirst().map(fields) ?? []
        rows = []
        guard let column = titles.firstIndex(of: "PID") else {
            throw EngineError(.failed, "Couldn't find PID field in ps output")
        }
        var isMember = false
        for line in lines {
            let words = fields(line)
            guard words.indices.contains(column) else { continue }
            if words[column] != "-" { isMember = Int32(words[column]).map { members.contains($0) } ?? false }
            guard isMember, words.count >= titles.count else { continue }
            // Only the last column may have spaces.
            rows.append(
                Array(words[..<(titles.count - 1)]) + [words[(titles.count - 1)...].joined(separator: " ")])
        }
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
