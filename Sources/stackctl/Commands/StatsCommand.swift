import Diagnostics
import JSONText
import Linux

/// `stackctl stats`: what containers use.
enum StatsCommand {
    static let all = OptionDeclaration.flag("all", "a", "Also those that do not run")
    static let once = OptionDeclaration.flag("no-stream", nil, "Print once and leave")
    static let long = OptionDeclaration.flag("no-trunc", nil, "Whole identifiers")

    static let declaration = CommandDeclaration(
        "stats", summary: "Show what containers use of the host",
        operands: [
            OperandDeclaration(
                "CONTAINER", .any, "Names or identifiers (default: all that run)", completion: .names(.running))
        ],
        options: [all, ListFormat.option, once, long, SharedOptions.json]
    ) { invocation in
        try await run(invocation) {
            if !invocation.arguments.operands.isEmpty { return invocation.arguments.operands }
            let target = Target("containers", "json").with("all", invocation.arguments.isSet(all))
            return (try await invocation.daemon().get(target.text).arrayValue ?? []).compactMap {
                $0["Id"]?.stringValue
            }
        }
    }

    private static let fields = [
        ListFormat.Field("Container", "CONTAINER"), .init("ID", "CONTAINER ID"), .init("Name", "NAME"),
        .init("CPUPerc", "CPU %"), .init("MemUsage", "MEM USAGE / LIMIT"), .init("MemPerc", "MEM %"),
        .init("NetIO", "NET I/O"), .init("BlockIO", "BLOCK I/O"), .init("PIDs", "PIDS"),
    ]

    /// One container at one moment.
    struct Sample: Sendable, Equatable {
        var id = ""
        var name = ""
        /// What the user called it.
        var asked = ""
        var cpuNanoseconds: Int64 = 0
        var takenAt: Int64 = 0
        var memory: Int64 = 0
        var memoryLimit: Int64 = 0
        var received: Int64 = 0
        var sent: Int64 = 0
        var read: Int64 = 0
        var written: Int64 = 0
        var pids: Int64 = 0

        /// Percent of one CPU used since `earlier`.
        func cpuPercent(since earlier: Sample?) -> Double {
            guard let earlier, takenAt > earlier.takenAt, cpuNanoseconds >= earlier.cpuNanoseconds else { return 0 }
            return Double(cpuNanoseconds - earlier.cpuNanoseconds) / Double(takenAt - earlier.takenAt) * 100
        }
    }

    /// Shows what containers use, again and again unless once is asked for.
    ///
    /// - Parameter names: asked each time which containers there are.
    static func run(_ invocation: Invocation, of names: () async throws -> [String]) async throws -> ExitCode {
        let arguments = invocation.arguments
        let format = try ListFormat(
            arguments.value(of: ListFormat.option) ?? UserFiles.format("statsFormat"), fields: fields,
            columns: "{{.ID}}\\t{{.Name}}\\t{{.CPUPerc}}\\t{{.MemUsage}}\\t{{.MemPerc}}\\t{{.NetIO}}\\t{{.BlockIO}}"
                + "\\t{{.PIDs}}")
        let daemon = try await invocation.daemon()
        let isOnce = arguments.isSet(once)
        var before: [String: Sample] = [:]
        var rounds = 0
        while true {
            let samples = try await sample(daemon, try await names(), strict: !arguments.operands.isEmpty)
            if rounds > 0 { try show(samples, before: before, invocation, format, clears: !isOnce) }
            if isOnce, rounds == 1 { return .success }
            before = Dictionary(samples.map { ($0.id, $0) }) { $1 }
            rounds += 1
            try await EventLoop.shared.sleep(for: isOnce || rounds == 1 ? .milliseconds(250) : .seconds(1))
        }
    }

    /// A container that is gone meanwhile is left out, unless the user named it.
    private static func sample(_ daemon: DaemonClient, _ names: [String], strict: Bool) async throws -> [Sample] {
        try await withThrowingTaskGroup(of: (Int, Sample?).self) { group in
            for (index, name) in names.enumerated() {
                group.addTask {
                    let target = Target("containers", name, "stats").with("stream", "0").with("one-shot", "1")
                    do {
                        var sample = read(try await daemon.get(target.text), now: Clock.monotonic())
                        sample.asked = name
                        return (index, sample)
                    } catch let failure as StatusFailure where !strict && failure.status == 404 {
                        return (index, nil)
                    }
                }
            }
            var samples: [(Int, Sample)] = []
            for try await case (let index, let sample?) in group { samples.append((index, sample)) }
            return samples.sorted { $0.0 < $1.0 }.map(\.1)
        }
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
        for entry in value["blkio_stats"]?["io_service_bytes_recursive"]?.arrayValue ?? [] {
            switch entry["op"]?.stringValue?.lowercased() {
            case "read": sample.read += entry["value"]?.intValue ?? 0
            case "write": sample.written += entry["value"]?.intValue ?? 0
            default: break
            }
        }
        sample.pids = value["pids_stats"]?["current"]?.intValue ?? 0
        return sample
    }

    private static func show(
        _ samples: [Sample], before: [String: Sample], _ invocation: Invocation, _ format: ListFormat, clears: Bool
    ) throws {
        if invocation.arguments.isSet(SharedOptions.json) {
            let values = samples.map { json($0, before: before[$0.id]) }
            invocation.output.print(jsonLine: .array(values))
            return
        }
        let whole = invocation.arguments.isSet(long)
        let rows = samples.map { row($0, before: before[$0.id], whole: whole) }
        let home = clears && invocation.output.style.isTerminal ? "\u{1B}[H\u{1B}[J" : ""
        invocation.output.write(home + (try format.render(rows)))
    }

    static func row(_ sample: Sample, before: Sample?, whole: Bool) -> JSONObject {
        let share = sample.memoryLimit > 0 ? Double(sample.memory) / Double(sample.memoryLimit) * 100 : 0
        return [
            "Container": .string(shortID(sample.asked, whole: whole || sample.asked.count < 64)),
            "ID": .string(shortID(sample.id, whole: whole)),
            "Name": .string(sample.name.isEmpty ? "--" : sample.name),
            "CPUPerc": .string(HumanText.fixed(sample.cpuPercent(since: before), 2) + "%"),
            "MemUsage": .string("\(HumanText.memory(sample.memory)) / \(HumanText.memory(sample.memoryLimit))"),
            "MemPerc": .string(HumanText.fixed(share, 2) + "%"),
            "NetIO": .string("\(HumanText.size(sample.received)) / \(HumanText.size(sample.sent))"),
            "BlockIO": .string("\(HumanText.size(sample.read)) / \(HumanText.size(sample.written))"),
            "PIDs": .string("\(sample.pids)"),
        ]
    }

    private static func json(_ sample: Sample, before: Sample?) -> JSONValue {
        [
            "id": .string(sample.id), "name": .string(sample.name),
            "cpuPercent": .double(sample.cpuPercent(since: before)), "memoryBytes": .int(sample.memory),
            "memoryLimitBytes": .int(sample.memoryLimit), "receivedBytes": .int(sample.received),
            "sentBytes": .int(sample.sent), "readBytes": .int(sample.read), "writtenBytes": .int(sample.written),
            "pids": .int(sample.pids),
        ]
    }
}
