import Testing

@testable import Linux

@Suite("Processes")
struct ProcessTests {
    private func sleeper() throws -> ChildProcess {
        try Spawn.start(
            SpawnRequest(
                executable: .path("/bin/sh"), arguments: ["sh", "-c", "exec sleep 65"],
                environment: ["PATH=/usr/bin:/bin"]))
    }

    @Test("a child that cannot be watched is killed and reaped")
    func adoption() throws {
        let child = try sleeper()
        let error = #expect(throws: SystemError.self) {
            _ = try ChildProcess.adopt(child.pid) { pid throws(SystemError) in
                throw SystemError(call: "pidfd_open", errno: .EMFILE, subject: "process \(pid)")
            }
        }
        #expect(error?.errno == .EMFILE)
        #expect(!child.handle.isAlive)
        let reaped = #expect(throws: SystemError.self) { try child.currentStatus() }
        #expect(reaped?.errno == .ECHILD)
    }

    @Test("a process that cannot be looked at counts as living, unless there is none")
    func living() throws {
        let child = try sleeper()
        defer { try? child.send(9) }
        #expect(Cgroup.isLiving(child.pid))
        for (code, lives) in [(Errno.EMFILE, true), (.ENOMEM, true), (.ESRCH, false)] {
            let answer = Cgroup.isLiving(child.pid) { _ throws(SystemError) in
                throw SystemError(call: "pidfd_open", errno: code)
            }
            #expect(answer == lives, "\(code.name)")
        }
    }

    @Test("the effective capabilities are read from a process's status")
    func capabilities() {
        let status = "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000001000000\nCapBnd:\t0\n"
        #expect(CurrentProcess.capabilities(inStatus: status) == 1 << 24)
        #expect(CurrentProcess.capabilities(inStatus: "Name:\tx\n") == nil)
        #expect(CurrentProcess.openFileLimit.map { $0.soft <= $0.hard } == true)
    }
}
