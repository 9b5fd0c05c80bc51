import LaunchProgram
import Testing

@Suite("Lines between supervisors and their clients")
struct StatusLineTests {
    @Test("a status survives its line, failure included")
    func status() {
        var status = SupervisorStatus(state: .restarting, supervisorPID: 12)
        status.pid = 34
        status.startedAt = 1_767_312_245_123_456_789
        status.finishedAt = -1
        status.exitCode = 137
        status.signal = 9
        status.oomKilled = true
        status.restartCount = .max
        status.stopRequested = true
        status.failure = LaunchFailure(operation: 3, code: 2, detail: "a b=%\n\u{e9}")
        let line = status.encoded()
        #expect(!line.contains(0x0A))
        let read = SupervisorStatus(decoding: line)
        #expect(read == status)
        #expect(read?.failure?.detail.text == "a b=%\n\u{e9}")
    }

    @Test("messages survive their lines")
    func messages() {
        let messages: [ControlMessage] = [
            .kill(signal: 9), .stop(signal: 0, timeout: -1), .restart(signal: 15, timeout: 0),
            .setRestartPolicy(.never),
            .setRestartPolicy(.always), .setRestartPolicy(.onFailure(maximumRetries: 7)),
            .setRestartPolicy(.unlessStopped), .openInput, .closeInput, .resize(rows: 24, columns: 80),
        ]
        for (number, message) in messages.enumerated() {
            let line = message.encoded(number: Int64(number))
            #expect(ControlMessage(decoding: Array(line.dropLast())) == message)
            #expect(ControlMessage.number(in: line) == Int64(number))
        }
        let answers: [SupervisorMessage] = [
            .done(number: 3, carriesDescriptor: true), .refused(number: 4, 22), .started(pid: 5),
            .ended(exitCode: 1, signal: 2, timedOut: true, peakMemory: 4096),
            .failed(LaunchFailure(operation: LaunchFailure.processStep, code: 1, detail: "x y")),
            .status(SupervisorStatus(state: .running, supervisorPID: 1)),
        ]
        for answer in answers { #expect(SupervisorMessage(decoding: Array(answer.encoded().dropLast())) == answer) }
    }

    @Test(
        "lines that are no message are none",
        arguments: [
            "", "kill", "kill=", "kill=x", "kill=99", "kill=-1", "kill=99999999999999999999", "=", "stop", "hello=1",
            "policy=9",
            "state=unknown pid=1 supervisor=1", "state=running",
        ])
    func nonsense(line: String) {
        #expect(ControlMessage(decoding: Array(line.utf8)) == nil)
        #expect(SupervisorMessage(decoding: Array(line.utf8)) == nil)
    }

    @Test("pauses before a restart double from 100 ms to a minute, and begin anew after ten seconds of running")
    func backoff() {
        var backoff = RestartBackoff()
        var pauses = (0..<12).map { _ in backoff.next(afterRunning: 0) }
        #expect(pauses == [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000])
        pauses = [backoff.next(afterRunning: 10_000_000_000), backoff.next(afterRunning: 9_000_000_000)]
        #expect(pauses == [100, 200])
    }

    @Test(
        "a policy decides by exit code and count",
        arguments: [
            (RestartPolicy.never, Int32(1), UInt32(0), false), (.always, 0, 9, true), (.unlessStopped, 0, 9, true),
            (.onFailure(maximumRetries: 2), 0, 0, false), (.onFailure(maximumRetries: 2), 1, 1, true),
            (.onFailure(maximumRetries: 2), 1, 2, false), (.onFailure(maximumRetries: 0), 1, 99, true),
        ])
    func policy(policy: RestartPolicy, code: Int32, count: UInt32, restarts: Bool) {
        #expect(policy.restarts(exitCode: code, restartCount: count) == restarts)
    }
}
