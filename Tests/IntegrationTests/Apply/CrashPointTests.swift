import Linux
import Testing

@Suite("A daemon killed in the middle of an apply", .serialized, .timeLimit(.minutes(8)))
struct CrashPointTests {
    /// More journal transitions than the stack has: the loop ends at the first apply that is not hit.
    private static let bound = 60

    @Test("kill -9 at every journaled step: the next apply converges, and nothing is orphaned")
    func everyStep() async throws {
        let lab = try CrashLab()
        var step = 1
        var wasHit = true
        while wasHit, step < Self.bound {
            wasHit = try await crash(lab, at: step)
            step += 1
        }
        #expect(step > 10, "there are more steps than that")
        #expect(step < Self.bound)
        try lab.takeDown()
    }

    /// One apply with a kill at `step`, and all that follows; false where the apply ended before it.
    private func crash(_ lab: CrashLab, at step: Int) async throws -> Bool {
        let doomed = try await lab.daemon(crashingAt: step)
        let first = try await lab.stackctl("apply", "--yes")
        let wasHit = first.code != 0
        if doomed.handle.isAlive { try doomed.send(15) }
        let end = try await doomed.exitStatus()
        #expect(wasHit == (end.code == 137), "step \(step): \(first.text)")

        let daemon = try await lab.daemon()
        let second = try await lab.stackctl("apply", "--yes")
        #expect(second.code == 0, "step \(step): \(second.text)")
        let plan = try await lab.stackctl("plan", "--detailed-exitcode")
        #expect(plan.code == 0, "step \(step): \(plan.text)")
        var traces = try lab.traces()
        traces.mounts = 0
        #expect(traces == .init(containers: 2, cgroups: 2, mounts: 0, supervisors: 2), "step \(step)")

        let destroy = try await lab.stackctl("destroy", "--yes")
        #expect(destroy.code == 0, "step \(step): \(destroy.text)")
        try daemon.send(15)
        _ = try await daemon.exitStatus()
        #expect(try lab.traces() == .init(), "step \(step) left something")
        return wasHit
    }
}
