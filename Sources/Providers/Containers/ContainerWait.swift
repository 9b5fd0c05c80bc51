import Apply
import Diagnostics
import Engine
import Linux
import StackModel

/// Waits until a container has come as far as those that depend on it need.
struct ContainerWait {
    let engine: HostEngine
    let container: Container
    let address: ResourceAddress

    func wait(until condition: DependencyCondition, _ progress: ProgressSink) async throws {
        switch condition {
        case .created: return
        case .started: try await waitStarted()
        case .healthy: try await waitHealthy(progress)
        case .completed: try await waitCompleted(progress)
        }
    }

    private func waitStarted() async throws {
        let state = container.state
        guard !state.isActive, state.exitCode != 0 || state.phase == .created else { return }
        throw await failure("did not stay up", "it exited with \(state.exitCode)")
    }

    private func waitHealthy(_ progress: ProgressSink) async throws {
        guard HealthPlan(container.specification.healthcheck) != nil else {
            throw Diagnostic(
                code: "SC5131", summary: "\(container.name) has no health check to wait for",
                hint: "add Healthcheck(...) to it, or depend on it until: .started", address: address.description)
        }
        let (now, changes) = container.observe { ($0.health?.status, $0.state.isActive) }
        if now.0 == .healthy { return }
        // Only what changes is told: one that is unhealthy already would be waited for until it changes its mind.
        if now.0 == .unhealthy { throw await unhealthy() }
        guard now.1 else { throw await failure("ended before it was healthy", "exit code \(container.state.exitCode)") }
        progress(ProgressUpdate(address: address, message: "waiting until it is healthy"))
        var ends = 0
        for await change in changes {
            switch change {
            case .health(.healthy): return
            case .health(.unhealthy): throw await unhealthy()
            case .exited(let code, true):
                throw await failure("ended before it was healthy", "exit code \(code)")
            case .exited(let code, false):
                ends += 1
                if ends == Self.patience { throw await crashLoop("before it was healthy", code) }
            case .removed: throw await failure("was removed", "somebody removed it meanwhile")
            default: break
            }
        }
        try Task.checkCancellation()
    }

    private func unhealthy() async -> Diagnostic {
        let output = container.snapshot.health?.log.last?.output.trimmedLine ?? ""
        return await failure(
            "is unhealthy",
            output.isEmpty ? "the last health check said nothing" : "the last health check said: \(output)")
    }

    private func waitCompleted(_ progress: ProgressSink) async throws {
        let (state, changes) = container.observe(\.state)
        var code = state.exitCode
        var ends = 0
        if state.isActive {
            progress(ProgressUpdate(address: address, message: "waiting until it has completed"))
            loop: for await change in changes {
                switch change {
                case .exited(let exit, true):
                    code = exit
                    break loop
                case .exited(let exit, false):
                    ends += 1
                    // A policy with a bound of its own comes to its end by itself.
                    let isBounded = container.specification.restart.maximumRetryCount > 0
                    if ends == Self.patience, !isBounded { throw await crashLoop("and is always restarted", exit) }
                case .removed: throw await failure("was removed", "somebody removed it meanwhile")
                default: break
                }
            }
            try Task.checkCancellation()
        }
        guard code == 0 else { throw await failure("failed", "it exited with \(code)") }
    }

    /// One that ends this often while it is waited for will not do better by itself.
    ///
    /// With the restart policy's pauses this takes about three seconds.
    private static let patience = 5

    private func crashLoop(_ what: String, _ code: Int32) async -> Diagnostic {
        await failure("ended \(Self.patience) times \(what)", "the last exit code was \(code)")
    }

    private func failure(_ what: String, _ detail: String) async -> Diagnostic {
        var notes: [String] = []
        var selection = LogSelection()
        selection.tail = 5
        let reader = LogReader(path: engine.logPath(container), selection: selection)
        while let records = try? await reader.next(), notes.count < 5 {
            notes += records.map { String(decoding: $0.text, as: UTF8.self) }
        }
        if !notes.isEmpty { notes.insert("its last log lines:", at: 0) }
        return Diagnostic(
            code: "SC5130", summary: "\(container.name) \(what)", detail: detail,
            hint: "see all it said with: stackctl logs \(container.name)", address: address.description, notes: notes)
    }
}
