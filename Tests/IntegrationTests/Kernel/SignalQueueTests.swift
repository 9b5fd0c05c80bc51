import Linux
import Testing

@Suite("Signals taken by a task", .timeLimit(.minutes(5)))
struct SignalQueueTests {
    @Test("a blocked signal is delivered once to the queue")
    func delivery() async throws {
        // Only blocked in this thread: so it is ignored elsewhere, and sent to this process when pending.
        let quiet = try #require(Signals.number(named: "SIGURG"))
        let queue = try SignalQueue([quiet])
        let child = try Spawn.start(SpawnRequest("/bin/true"))
        #expect(try await child.exitStatus().isSuccess)
        queue.close()
        await #expect(throws: SystemError.self) { _ = try await queue.next() }
    }
}
