import JSONText
import Linux

/// `stackctl stats`: what containers use.
enum StatsCommand {
    private static let once = OptionDeclaration.flag("no-stream", nil, "Print once and leave")

    static let declaration = CommandDeclaration(
        "stats", summary: "Show what containers use of the host",
        operands: [OperandDeclaration("CONTAINER", .any, "Names or identifiers (default: all that run)")],
        options: [once, SharedOptions.json], action: run)

    /// One container at one moment.
    struct Sample: Sendable, Equatable {
        var id = ""
        var name = ""
        var cpuNanoseconds: Int64 = 0
        var takenAt: Int64 = 0
        var memory: Int64 = 0
        var memoryLimit: Int64 = 0
        var received: Int64 = 0
        var sent: Int64 = 0
        var pids: Int64 = 0

        /// Percent of one CPU used since `earlier`.
        func cpuPercent(since earlier: Sample?) -> Double {
            guard let earlier, takenAt > earlier.takenAt, cpuNanoseconds >= earlier.cpuNanoseconds else { return 0 }
            return Double(cpuNanoseconds - earlier.cpuNanoseconds) / Double(takenAt - earlier.takenAt) * 100
        }
    }

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        let isOnce = invocation.arguments.isSet(once)
        var before: [String: Sample] = [:]
        var rounds = 0
        while true {
            let names = try await names(invocation, daemon)
            let samples = try await sample(daemon, names, strict: !invocation.arguments.operands.isEmpty)
            if rounds > 0 { show(samples, before: before, invocation, clears: !isOnce) }
            if isOnce, rounds == 1 { return .success }
            before = Dictionary(samples.map { ($0.id, $0) }) { $1 }
            rounds += 1
            try await EventLoop.shared.sleep(for: isOnce || rounds == 1 ? .milliseconds(250) : .seconds(1))
        }
    }

    private static func names(_ invocation: Invocation, _ daemon: DaemonClient) async throws -> [String] {
        if !invocation.arguments.operands.isEmpty { return invocation.arguments.operands }
        return (try await daemon.get("/containers/json").arrayValue ?? []).compactMap { $0["Id"]?.stringValue }
    }

    /// A container that is gone meanwhile is left out, unless the user named it.
    private static func sample(_ daemon: DaemonClient, _ names: [String], strict: Bool) async throws -> [Sample] {
        var samples: [Sample] = []
        for name in names {
            let target = Target("containers", name, "stats").with("stream", "0").with("one-shot", "1")
            do {
                samples.append(read(try await daemon.get(target.text), now: Clock.monotonic()))
            } catch let failure as StatusFailure where !strict && failure.status == 404 {
                continue
            }
        }
        return samples
    }

    /// Docker's numbers: memory without the page cache that can be dropped at once.
    static func read(_ value: JSONValue, now: Int64) -> Sample {
        let memory = value["memory_stats"]
        let cache =
            memory?["stats"]?["inactive_file"]?.intValue ?? memory?["stats"]?["total_inactive_file"]?.intValue ?? 0
        var sample = Sample()
        sample.id = value["id"]?.stringValue ?? ""
        sample.name = value["name"]?.stringValue ?? ""
        if sample.name.hasPrefix("/") { sample.name.removeFirst() }
        sample.cpuNanoseconds = value["cpu_stats"]?["cpu_usage"]?["total_usage"]?.intValue ?? 0
        sample.takenAt = now
        sample.memory = max(0, (memory?["usage"]?.intValue ?? 0) - cache)
        sample.memoryLimit = memory?["limit"]?.intValue ?? 0
        for (_, network) in value["networks"]?.objectValue ?? [:] {
            sample.received += network["rx_bytes"]?.intValue ?? 0
            sample.sent += network["tx_bytes"]?.intValue ?? 0
        }
        sample.pids = value["pids_stats"]?["current"]?.intValue ?? 0
        return sample
    }

    private static func show(_ samples: [Sample], before: [String: Sample], _ invocation: Invocation, clears: Bool) {
        if invocation.arguments.isSet(SharedOptions.json) {
            let values = samples.map { json($0, before: before[$0.id]) }
            invocation.output.print(jsonLine: .array(values))
            return
        }
        var table = TextTable(["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "PIDS"])
        for sample in samples {
            let share = sample.memoryLimit > 0 ? Double(sample.memory) / Double(sample.memoryLimit) * 100 : 0
            table.append([
                shortID(sample.id), sample.name,
                HumanText.fixed(sample.cpuPercent(since: before[sample.id]), 2) + "%",
                "\(HumanText.memory(sample.memory)) / \(HumanText.memory(sample.memoryLimit))",
                HumanText.fixed(share, 2) + "%", "\(HumanText.size(sample.received)) / \(HumanText.size(sample.sent))",
                "\(sample.pids)",
            ])
        }
        let home = clears && invocation.output.style.isTerminal ? "\u{1B}[H\u{1B}[J" : ""
        invocation.output.write(home + table.render())
    }

    private static func json(_ sample: Sample, before: Sample?) -> JSONValue {
        [
            "id": .string(sample.id), "name": .string(sample.name),
            "cpuPercent": .double(sample.cpuPercent(since: before)), "memoryBytes": .int(sample.memory),
            "memoryLimitBytes": .int(sample.memoryLimit), "receivedBytes": .int(sample.received),
            "sentBytes": .int(sample.sent), "pids": .int(sample.pids),
        ]
    }
}
