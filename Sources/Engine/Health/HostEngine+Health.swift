import Linux
import Networking

extension HostEngine {
    /// Begins the checks of a container that runs; it has a health from now on.
    func startHealth(_ container: Container) {
        guard let plan = HealthPlan(container.specification.healthcheck, shell: container.specification.shell)
        else {
            container.change { $0.health = nil }
            return
        }
        stopHealth(container)
        container.change { $0.health = HealthState() }
        let handle = work.spawn { [self] in await check(container, plan) }
        container.change { $0.healthWork = handle }
    }

    /// Ends the checks.
    func stopHealth(_ container: Container) {
        let handle = container.change { facts -> BackgroundWork.Handle? in
            defer { facts.healthWork = nil }
            return facts.healthWork
        }
        handle?.cancel()
    }

    private func check(_ container: Container, _ plan: HealthPlan) async {
        let begun = Clock.monotonic()
        while !Task.isCancelled {
            let early = Self.isEarly(begun, plan)
            let pause = plan.pause(status: container.snapshot.health?.status ?? .starting, inStartPeriod: early)
            guard (try? await EventLoop.shared.sleep(for: pause)) != nil else { return }
            if container.state.phase != .running { continue }
            let result = await probe(container, plan)
            if Task.isCancelled { return }
            metrics.countHealthCheck(failed: result.exitCode != 0)
            await take(result, container, plan, inStartPeriod: Self.isEarly(begun, plan))
        }
    }

    private static func isEarly(_ begun: Int64, _ plan: HealthPlan) -> Bool {
        Clock.monotonic() - begun < plan.startPeriod.wholeNanoseconds
    }

    private func take(
        _ result: HealthState.Check, _ container: Container, _ plan: HealthPlan, inStartPeriod: Bool
    ) async {
        let changed = container.change { facts -> HealthState.Status? in
            guard facts.state.phase == .running, var health = facts.health else { return nil }
            let changed = health.record(result, retries: plan.retries, inStartPeriod: inStartPeriod)
            facts.health = health
            return changed ? health.status : nil
        }
        guard let changed else { return }
        container.notify(.health(changed))
        await publish("health_status: \(changed.rawValue)", container)
    }

    private func probe(_ container: Container, _ plan: HealthPlan) async -> HealthState.Check {
        let start = Clock.now()
        let (code, output): (Int32, String)
        do {
            switch plan.test {
            case .command(let arguments):
                let result = try await probe(arguments, in: container, timeout: plan.timeout)
                let text = String(decoding: result.output, as: UTF8.self)
                (code, output) = result.exitCode.map { ($0, text) } ?? (-1, Self.late(plan.timeout, text))
            case .http(let path, let port):
                let result = try await WebProbe.get(
                    path, port: port, networkOf: container.state.supervisorPID, timeout: plan.timeout)
                (code, output) = (result.isHealthy ? 0 : 1, result.text)
            }
        } catch is TimeoutError {
            (code, output) = (-1, Self.late(plan.timeout, ""))
        } catch {
            (code, output) = (-1, "\(error)")
        }
        return HealthState.Check(start: start, end: Clock.now(), exitCode: code, output: output)
    }

    private static func late(_ timeout: Duration, _ said: String) -> String {
        let seconds = timeout.wholeNanoseconds / 1_000_000
        let text = seconds % 1000 == 0 ? "\(seconds / 1000)s" : "\(seconds)ms"
        return "Health check exceeded timeout (\(text))" + (said.isEmpty ? "" : ": \(said)")
    }
}
