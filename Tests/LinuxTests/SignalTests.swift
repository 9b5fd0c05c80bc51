import Testing

@testable import Linux

@Suite("Signals and lines")
struct SignalTests {
    @Test(
        "signals are known by every common spelling",
        arguments: [
            ("SIGTERM", 15), ("term", 15), ("9", 9), ("SIGRTMIN+3", 37), ("rtmin", 34), ("RTMAX-1", 63), ("poll", 29),
        ])
    func names(text: String, number: Int32) {
        #expect(Signals.number(named: text) == number)
    }

    @Test("what is no signal is refused", arguments: ["", "0", "65", "-9", "SIG", "SIGNOPE", "RTMIN+31", "RTMIN3"])
    func refused(text: String) {
        #expect(Signals.number(named: text) == nil)
    }

    @Test("an end is described as a shell counts it")
    func statuses() {
        #expect(ExitStatus(code: 1, status: 3) == .exited(3))
        #expect(ExitStatus(code: 2, status: 9).code == 137)
        #expect(ExitStatus(code: 3, status: 11).description == "killed by SIGSEGV (core dumped)")
    }

    @Test("lines come whole however the bytes are cut")
    func lines() {
        var lines = LineSplitter()
        #expect(lines.add(Array("one\ntw".utf8)) == ["one"])
        #expect(lines.add(Array("o\r\n\nrest".utf8)) == ["two", ""])
        #expect(lines.finish() == "rest")
        #expect(lines.finish() == nil)
        #expect(lines.add([UInt8](repeating: 65, count: 70_000)).map(\.utf8.count) == [65_536])
    }
}
