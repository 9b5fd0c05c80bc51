import Apply
import Diagnostics
import JSONText
import StackModel
import StateStore
import Synchronization
import Testing

/// Kills the "daemon" just before the n-th journal transition is committed; nothing of it goes on after.
final class Killer: Sendable {
    private let left: Mutex<Int>
    private let host: MemoryHost
    let struck = Mutex(false)

    init(at count: Int, _ host: MemoryHost) {
        left = Mutex(count)
        self.host = host
    }

    var crashPoint: CrashPoint {
        CrashPoint { [self] in
            let isDead = left.withLock { left in
                left -= 1
                return left <= 0
            }
            guard isDead else { return }
            struck.withLock { $0 = true }
            host.die()
            throw SimulatedCrash()
        }
    }
}

@Suite struct RecoveryTests {
    /// A change of everything: live, recreate, a rebuilt image, a new container, one that goes, a recreated network.
    private static func changed() throws -> StackDocument {
        var resources = try Make.shop(color: "green", memory: 512, suite: "trixie")
        resources[1].attributes["subnet"] = "10.99.0.0/24"
        resources.append(try Make.resource("container.new", ["limits": ["memory": 1]]))
        return Make.stack(resources)
    }

    private static func before() throws -> StackDocument {
        Make.stack(try Make.shop() + [try Make.resource("container.old", ["port": 9])])
    }

    /// What must hold after a crash, however it came: recover, apply, and all is as if nothing had been.
    private func converges(_ bench: Workbench, _ document: StackDocument, _ label: String) async throws {
        bench.host.restart()
        let engine = bench.newEngine()
        let found = try await engine.recover()
        #expect(found.isEmpty, "\(label): \(found)")
        #expect(try bench.orphans("shop").isEmpty, "\(label): right after recovery")
        let summary = try await engine.apply(document) { _ in }
        #expect(summary.succeeded, "\(label): \(summary)")
        #expect(try bench.orphans("shop").isEmpty, "\(label)")
        let plan = try await engine.plan(document)
        #expect(plan.isEmpty, "\(label): \(plan.changes.filter { $0.action != .noChange })")
        #expect(try bench.current("shop").count == document.resources.count, "\(label)")
        #expect(try bench.openSteps().isEmpty, "\(label)")
    }

    @Test("a kill before any journal transition of a first apply is recovered without orphans")
    func firstApply() async throws {
        var count = 0
        while true {
            count += 1
            let bench = try Workbench()
            let killer = Killer(at: count, bench.host)
            let document = try Self.before()
            _ = try? await bench.newEngine(crashPoint: killer.crashPoint).apply(document) { _ in }
            guard killer.struck.withLock({ $0 }) else { break }
            try await converges(bench, document, "kill at transition \(count)")
        }
        #expect(count > 3 * 6)
    }

    @Test("a kill before any journal transition of a change of everything is recovered without orphans")
    func change() async throws {
        var count = 0
        while true {
            count += 1
            let bench = try Workbench()
            try await bench.apply(try Self.before())
            let killer = Killer(at: count, bench.host)
            let document = try Self.changed()
            _ = try? await bench.newEngine(crashPoint: killer.crashPoint).apply(document) { _ in }
            guard killer.struck.withLock({ $0 }) else { break }
            try await converges(bench, document, "kill at transition \(count)")
        }
        #expect(count > 3 * 8)
    }

    @Test("a kill in the middle of any stroke on the host is recovered without orphans")
    func strokes() async throws {
        for left in 0..<200 {
            let bench = try Workbench()
            try await bench.apply(try Self.before())
            bench.host.withState { $0.strokesLeft = left }
            let document = try Self.changed()
            // The dead take no notes: every transition after the last stroke fails as well.
            let host = bench.host
            let crashPoint = CrashPoint { if host.withState({ $0.isDead }) { throw SimulatedCrash() } }
            _ = try? await bench.newEngine(crashPoint: crashPoint).apply(document) { _ in }
            if !bench.host.withState({ $0.isDead }) { return }
            try await converges(bench, document, "kill at stroke \(left)")
        }
        Issue.record("the apply never came to its end")
    }

    @Test("a kill at any transition of a destroy leaves a destroy that finishes")
    func destroy() async throws {
        var count = 0
        while true {
            count += 1
            let bench = try Workbench()
            try await bench.apply(try Self.before())
            let killer = Killer(at: count, bench.host)
            _ = try? await bench.newEngine(crashPoint: killer.crashPoint).destroy("shop") { _ in }
            guard killer.struck.withLock({ $0 }) else { break }
            bench.host.restart()
            let engine = bench.newEngine()
            #expect(try await engine.recover().isEmpty)
            if try await !engine.stackNames().isEmpty {
                #expect(try await engine.destroy("shop") { _ in }.succeeded)
            }
            #expect(bench.host.objects(of: "shop").isEmpty, "kill at transition \(count)")
        }
        #expect(count > 3 * 6)
    }

    @Test("containers that were being stopped when the daemon was killed are stopped together by the next one")
    func slowStops() async throws {
        let bench = try Workbench()
        let count = 30
        try await bench.apply(Make.stack(try (0..<count).map { try Make.resource("container.c\($0)") }))
        bench.host.withState { $0.stopsTogether = count }
        // Each has been intended and begun; the first that is done is not written down any more.
        let killer = Killer(at: 2 * count + 1, bench.host)
        _ = try? await bench.newEngine(crashPoint: killer.crashPoint).destroy("shop") { _ in }
        #expect(killer.struck.withLock { $0 })
        #expect(try bench.database.read { try $0.openJournal() }.count == count)
        bench.host.restart()
        bench.host.withState { $0.mostPresent = [:] }
        #expect(try await bench.newEngine().recover().isEmpty)
        #expect(bench.host.withState { $0.mostPresent["delete container"] } == count)
        #expect(bench.host.objects(of: "shop").isEmpty)
    }

    @Test("an attribute half set before a crash is ours: taking it out of the manifest takes it off the host")
    func halfSetAttribute() async throws {
        let bench = try Workbench()
        let plain = Make.stack([try Make.resource("container.a", ["limits": ["memory": 1]])])
        let more = Make.stack([try Make.resource("container.a", ["limits": ["memory": 2, "pids": 9]])])
        try await bench.apply(plain)
        let killer = Killer(at: 3, bench.host)
        _ = try? await bench.newEngine(crashPoint: killer.crashPoint).apply(more) { _ in }
        #expect(bench.host.object("container.a")?.attributes["limits"] == ["memory": 2, "pids": 9])
        bench.host.restart()
        let engine = bench.newEngine()
        try await engine.recover()
        #expect(try await engine.apply(plain) { _ in }.succeeded)
        #expect(bench.host.object("container.a")?.attributes["limits"] == ["memory": 1])
    }

    @Test("a create that fails and cannot be taken back is closed by the next apply")
    func failedUndo() async throws {
        let bench = try Workbench()
        let document = Make.stack([try Make.resource("container.a")])
        bench.host.fail("create container.a")
        bench.host.fail("delete container.a")
        #expect(try await bench.apply(document).failed.count == 1)
        #expect(try bench.database.read { try $0.openJournal() }.count == 1)
        #expect(try await bench.apply(document).succeeded)
        #expect(try bench.database.read { try $0.openJournal() }.isEmpty)
        #expect(try bench.orphans("shop").isEmpty)
    }
}
