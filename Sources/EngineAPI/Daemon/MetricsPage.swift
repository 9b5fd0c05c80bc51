import Engine
import HTTP
import Linux

/// `/metrics`, as Prometheus reads it.
///
/// The names are those that Docker has, where it has one. Source: Prometheus, "Text-based format"; moby, daemon/metrics.
struct MetricsPage: Sendable {
    let engine: HostEngine

    /// Answers whoever asks for metrics.
    func handle(_ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        guard ["GET", "HEAD"].contains(request.method), request.target.path == "/metrics" else {
            throw EngineError(.notFound, "page not found")
        }
        let text = await text()
        try await responder.respond(
            200, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"], body: Array(text.utf8))
    }

    private func text() async -> String {
        let facts = await BlockingExecutor.shared.run { HostFacts.read() }
        let process = await BlockingExecutor.shared.run { ProcessFacts.read() }
        let counted = engine.metrics.snapshot
        let phases = engine.containers.all.map(\.state.phase)
        var page = PrometheusText()
        page.family("engine_daemon_container_states_containers", "gauge", "The count of containers in various states")
        let states: [(String, Set<ContainerState.Phase>)] = [
            ("paused", [.paused]), ("running", [.running, .restarting]),
            ("stopped", [.created, .exited, .dead, .removing]),
        ]
        for (name, members) in states {
            page.value(phases.count { members.contains($0) }, [("state", name)])
        }
        page.family("engine_daemon_container_actions_seconds", "histogram", "The time each container action takes")
        for (action, durations) in counted.actions.sorted(by: { $0.key < $1.key }) { page.histogram(durations, action) }
        page.family("engine_daemon_events_total", "counter", "The number of events logged")
        page.value(counted.events)
        page.family("engine_daemon_events_subscribers_total", "gauge", "The number of current subscribers to events")
        page.value(await engine.events.subscriberCount)
        page.family("engine_daemon_health_checks_total", "counter", "The total number of health checks")
        page.value(counted.healthChecks)
        page.family("engine_daemon_health_checks_failed_total", "counter", "The total number of failed health checks")
        page.value(counted.failedHealthChecks)
        page.family("engine_daemon_engine_cpus_cpus", "gauge", "The number of CPUs of the host")
        page.value(facts.processors)
        page.family("engine_daemon_engine_memory_bytes", "gauge", "The memory of the host")
        page.value(facts.memory)
        page.family("engine_daemon_engine_info", "gauge", "Facts about the engine and its host")
        page.value(
            1,
            [
                ("architecture", HostFacts.machine), ("daemon_id", facts.machineID), ("graphdriver", "overlay2"),
                ("kernel", facts.kernel), ("os", facts.system), ("os_type", "linux"),
                ("version", engine.configuration.version),
            ])
        page.family("process_resident_memory_bytes", "gauge", "Resident memory of the daemon")
        page.value(process.residentBytes)
        page.family("process_open_fds", "gauge", "Open descriptors of the daemon")
        page.value(process.openDescriptors)
        page.family("process_max_fds", "gauge", "Descriptors that the daemon may have open")
        page.value(process.mostDescriptors)
        page.family("process_threads", "gauge", "Threads of the daemon")
        page.value(process.threads)
        page.family("process_cpu_seconds_total", "counter", "Processor time of the daemon")
        page.value(text: "\(process.cpuSeconds)")
        page.family("process_start_time_seconds", "gauge", "When the daemon started, in seconds since 1970")
        page.value(engine.startedAt.seconds)
        return page.text
    }
}

/// What the daemon takes of its host.
struct ProcessFacts: Sendable {
    var residentBytes: Int64 = 0
    var openDescriptors = 0
    var mostDescriptors: UInt64 = 0
    var threads: Int64 = 0
    var cpuSeconds = 0.0

    /// Reads them from proc(5).
    ///
    /// Blocks.
    static func read() -> ProcessFacts {
        var facts = ProcessFacts()
        facts.openDescriptors = (try? Files.list("/proc/self/fd").count) ?? 0
        facts.mostDescriptors = CurrentProcess.openFileLimit?.soft ?? 0
        let status = (try? Files.readText("/proc/self/status", limit: 65536)) ?? ""
        func number(_ name: String) -> Int64 {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
            return line.dropFirst(name.count + 1).split { $0 == "\t" || $0 == " " }.first.flatMap { Int64($0) } ?? 0
        }
        facts.residentBytes = number("VmRSS") * 1024
        facts.threads = number("Threads")
        let stat = (try? Files.readText("/proc/self/stat", limit: 4096)) ?? ""
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        if fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) {
            facts.cpuSeconds = (user + system) / 100
        }
        return facts
    }
}

/// Prometheus' text format.
struct PrometheusText {
    private(set) var text = ""
    private var name = ""

    /// Begins a family of values.
    mutating func family(_ name: String, _ type: String, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    /// A value of the family.
    mutating func value(_ value: some BinaryInteger, _ labels: [(String, String)] = []) {
        self.value(text: "\(value)", labels)
    }

    /// A value of the family, written already.
    mutating func value(text value: String, _ labels: [(String, String)] = [], suffix: String = "") {
        let list = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        text += "\(name)\(suffix)\(list.isEmpty ? "" : "{\(list)}") \(value)\n"
    }

    /// The values of an action's durations.
    mutating func histogram(_ durations: EngineMetrics.Durations, _ action: String) {
        for (bound, count) in zip(EngineMetrics.Durations.bounds, durations.counts) {
            value(text: "\(count)", [("action", action), ("le", "\(bound)")], suffix: "_bucket")
        }
        value(text: "\(durations.count)", [("action", action), ("le", "+Inf")], suffix: "_bucket")
        value(text: "\(durations.sum)", [("action", action)], suffix: "_sum")
        value(text: "\(durations.count)", [("action", action)], suffix: "_count")
    }

    private static func escaped(_ text: String) -> String {
        text.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0.isNewline ? "\\n" : String($0) }.joined()
    }
}
