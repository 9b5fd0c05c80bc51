import Testing

@testable import Linux

@Suite("Sessions of processes")
struct SessionTests {
    @Test("state and session are read past a name with any bytes in it")
    func parse() throws {
        let line = Array("12 (a) b (c) S 1 12 77 0 -1 4194304 1".utf8)
        let found = try #require(Sessions.parse(line))
        #expect(found.state == "S" && found.session == 77)
        #expect(Sessions.parse(Array("12 (a".utf8)) == nil)
        #expect(Sessions.parse([]) == nil)
    }

    @Test("what a session's leader has put into groups of their own is ended with it")
    func kill() async throws {
        var request = SpawnRequest("/usr/bin/busybox", ["sh", "-c", "set -m; sleep 1000 & sleep 1000 & wait"])
        request.newSession = true
        let leader = try Spawn.start(request)
        while Sessions.members(of: leader.pid).count < 3 {
            try await EventLoop.shared.sleep(for: .milliseconds(5))
        }
        await BlockingExecutor.shared.run { leader.killSession() }
        // It gives up after a while; on a busy host the last may still be ending.
        let deadline = ContinuousClock.now + .seconds(60)
        while !Sessions.members(of: leader.pid).isEmpty, ContinuousClock.now < deadline {
            try await EventLoop.shared.sleep(for: .milliseconds(20))
        }
        #expect(Sessions.members(of: leader.pid) == [])
        #expect(try await leader.exitStatus().code == 137)
    }
}
