import Engine
import Linux
import OCI
import Testing

@Suite("Health and state")
struct StateTests {
    private func check(_ code: Int32) -> HealthState.Check {
        HealthState.Check(start: Clock.now(), end: Clock.now(), exitCode: code, output: "x")
    }

    private func record(_ health: inout HealthState, _ check: HealthState.Check, retries: Int, early: Bool) -> Bool {
        health.record(check, retries: retries, inStartPeriod: early)
    }

    @Test("so many failures in a row make it unhealthy, one success healthy, five checks are kept")
    func streak() {
        var health = HealthState()
        var changed = false
        changed = record(&health, check(1), retries: 3, early: false)
        #expect(!changed)
        changed = record(&health, check(1), retries: 3, early: false)
        #expect(!changed)
        changed = record(&health, check(-1), retries: 3, early: false)
        #expect(changed)
        #expect(health.status == .unhealthy)
        changed = record(&health, check(0), retries: 3, early: false)
        #expect(changed)
        #expect(health.status == .healthy)
        #expect(health.failingStreak == 0)
        for _ in 0..<9 { _ = health.record(check(0), retries: 3, inStartPeriod: false) }
        #expect(health.log.count == 5)
    }

    @Test("failures in the start period do not count until the first success")
    func startPeriod() {
        var health = HealthState()
        var changed = false
        for _ in 0..<10 {
            changed = record(&health, check(1), retries: 1, early: true)
            #expect(!changed)
        }
        #expect(health.status == .starting)
        _ = health.record(check(0), retries: 1, inStartPeriod: true)
        changed = record(&health, check(1), retries: 1, early: true)
        #expect(changed)
        #expect(health.status == .unhealthy)
    }

    @Test("a plan has Docker's defaults, and none for NONE")
    func plan() {
        #expect(HealthPlan(nil) == nil)
        #expect(HealthPlan(Healthcheck(test: ["NONE"])) == nil)
        #expect(HealthPlan(Healthcheck(test: ["HTTP", "/", "99999"])) == nil)
        let plan = HealthPlan(Healthcheck(test: ["CMD-SHELL", "true"]))
        #expect(plan?.test == .command(["/bin/sh", "-c", "true"]))
        #expect(plan?.interval == .seconds(30))
        #expect(plan?.retries == 3)
        #expect(HealthPlan(Healthcheck(test: ["HTTP", "x", "80"]))?.test == .http(path: "/x", port: 80))
    }

    @Test("durations are worded as docker ps does")
    func words() {
        let expected: [(Int64, String)] = [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (150, "2 minutes"),
            (3600, "About an hour"), (7200, "2 hours"), (86400 * 3, "3 days"), (86400 * 21, "3 weeks"),
        ]
        for (seconds, text) in expected { #expect(HumanText.duration(seconds: seconds) == text) }
    }

    @Test("the kernel's counters are read, garbage is zero")
    func counters() {
        #expect(HostCounters.processors("0-3,8\n") == 5)
        #expect(HostCounters.processors("") == 1)
        #expect(HostCounters.processorTime("cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1") == 36 * 10_000_000)
        #expect(HostCounters.memory("MemTotal:  1024 kB\n") == 1 << 20)
        let text = "a\nb\n  lo: 1 2 3 4 5 6 7 8 9 10 11 12\n eth0: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"
        let interfaces = HostCounters.interfaces(text)
        #expect(interfaces.count == 1)
    }
}
