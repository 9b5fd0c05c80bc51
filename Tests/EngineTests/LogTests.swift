import Engine
import Linux
import Testing

@Suite("Logs")
struct LogTests {
    private func line(_ number: Int, _ text: String, stream: String = "stdout", mark: String = "F") -> String {
        let digits = String(number)
        let padded = String(repeating: "0", count: 9 - digits.count) + digits
        return "2026-01-02T03:04:05.\(padded)Z \(stream) \(mark) \(text)\n"
    }

    private func tail(_ count: Int, stdout: Bool = true) -> LogSelection {
        var selection = LogSelection()
        selection.tail = count
        selection.stdout = stdout
        return selection
    }

    /// A fresh directory; the caller removes it.
    private func directory() throws -> String { try Files.temporaryDirectory(prefix: "stackctl-logs-") }

    private func texts(_ path: String, _ selection: LogSelection = LogSelection()) async throws -> [String] {
        let reader = LogReader(path: path, selection: selection)
        var result: [String] = []
        while let records = try await reader.next() {
            result += records.map { String(decoding: $0.text, as: UTF8.self) }
        }
        return result
    }

    @Test("records are found however the bytes are cut; torn lines are passed over")
    func parsing() {
        let bytes = Array(
            (line(1, "one") + "garbage\n" + line(2, "", stream: "stderr") + line(3, "a b", mark: "P")).utf8)
        for step in 1...bytes.count {
            var parser = LogParser()
            var records: [LogRecord] = []
            for start in stride(from: 0, to: bytes.count, by: step) {
                records += parser.records(Array(bytes[start..<min(start + step, bytes.count)]))
            }
            #expect(records.map { String(decoding: $0.text, as: UTF8.self) } == ["one", "", "a b"])
            #expect(records.last?.isPartial == true)
        }
    }

    @Test("rotated files are read oldest first, and the last lines are found across them")
    func rotated() async throws {
        let directory = try directory()
        defer { try? Files.removeTree(directory) }
        let path = directory + "/log"
        try Files.write(path + ".2", Array((1...300).map { line($0, "\($0)") }.joined().utf8), mode: 0o600)
        try Files.write(path + ".1", Array((301...600).map { line($0, "\($0)") }.joined().utf8), mode: 0o600)
        try Files.write(
            path, Array((601...610).map { line($0, "\($0)", stream: $0 % 2 == 0 ? "stdout" : "stderr") }.joined().utf8),
            mode: 0o600)
        #expect(try await texts(path) == (1...610).map { "\($0)" })
        for count in [0, 1, 5, 10, 11, 310, 311, 609, 610, 5000] {
            let found = try await texts(path, tail(count))
            #expect(found == Array((1...610).map { "\($0)" }.suffix(count)), "tail \(count)")
        }
        let errors = try await texts(path, tail(2, stdout: false))
        #expect(errors == ["607", "609"])
    }

    @Test("a rotation under way, which leaves a number free, hides nothing", arguments: ["", ".1", ".2"])
    func betweenRotations(_ free: String) async throws {
        let directory = try directory()
        defer { try? Files.removeTree(directory) }
        let path = directory + "/log"
        var expected: [String] = []
        for (number, suffix) in [".3", ".2", ".1", ""].enumerated() where suffix != free {
            try Files.write(path + suffix, Array(line(number, "\(number)").utf8), mode: 0o600)
            expected.append("\(number)")
        }
        #expect(try await texts(path) == expected)
        #expect(try await texts(path, tail(1)) == expected.suffix(1))
    }

    @Test("long logs are cut at line ends by tail, in blocks of any place")
    func longTail() async throws {
        let directory = try directory()
        defer { try? Files.removeTree(directory) }
        let path = directory + "/log"
        let text = String(repeating: "x", count: 3000)
        try Files.write(path, Array((1...200).map { line($0, "\($0) \(text)") }.joined().utf8), mode: 0o600)
        for count in [1, 21, 22, 23, 24, 100, 199, 200] {
            #expect(try await texts(path, tail(count)).count == count)
        }
    }

    @Test("since is included, until is not")
    func times() async throws {
        let directory = try directory()
        defer { try? Files.removeTree(directory) }
        let path = directory + "/log"
        try Files.write(path, Array((1...10).map { line($0, "\($0)") }.joined().utf8), mode: 0o600)
        var selection = LogSelection()
        selection.since = Timestamp(rfc3339: "2026-01-02T03:04:05.000000003Z")
        selection.until = Timestamp(rfc3339: "2026-01-02T03:04:05.000000006Z")
        let found = try await texts(path, selection)
        #expect(found == ["3", "4", "5"])
    }

    @Test("following sees every line over rotations and ends with the container", .timeLimit(.minutes(5)))
    func follow() async throws {
        let directory = try directory()
        defer { try? Files.removeTree(directory) }
        let path = directory + "/log"
        var selection = LogSelection()
        selection.follow = true
        let reader = LogReader(path: path, selection: selection)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let found = Collected()
        async let following: Void = reader.run(
            finished: { for await _ in ended {} },
            deliver: { await found.add($0.map { String(decoding: $0.text, as: UTF8.self) }) })
        for number in 1...400 {
            let log = try Files.open(path, [.writeOnly, .create, .append], mode: 0o600)
            try log.writeAll(Array(line(number, "\(number)").utf8))
            if number % 37 == 0 {
                for index in stride(from: 20, through: 1, by: -1) where Files.exists("\(path).\(index)") {
                    try Files.rename("\(path).\(index)", to: "\(path).\(index + 1)")
                }
                try Files.rename(path, to: path + ".1")
            }
            if number % 50 == 0 { try await EventLoop.shared.sleep(for: .milliseconds(5)) }
        }
        end.finish()
        try await following
        #expect(await found.texts == (1...400).map { "\($0)" })
    }

    @Test("what rotation removes while the client takes nothing comes all the same", .timeLimit(.minutes(5)))
    func slowClient() async throws {
        let directory = try directory()
        defer { try? Files.removeTree(directory) }
        let path = directory + "/log"
        try Files.write(path, Array(line(0, "0").utf8), mode: 0o600)
        var selection = LogSelection()
        selection.follow = true
        let reader = LogReader(path: path, selection: selection)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let (taken, take) = AsyncStream.makeStream(of: Void.self)
        let found = Collected()
        async let following: Void = reader.run(
            finished: { for await _ in ended {} },
            deliver: { records in
                await found.add(records.map { String(decoding: $0.text, as: UTF8.self) })
                for await _ in taken { break }
            })
        while await found.texts.isEmpty { try await EventLoop.shared.sleep(for: .milliseconds(1)) }
        for number in 1...12 {
            // Only the last is kept beside the newest.
            try Files.rename(path, to: path + ".1")
            try Files.write(path, Array(line(number, "\(number)").utf8), mode: 0o600)
            while await reader.keptFiles < number { try await EventLoop.shared.sleep(for: .milliseconds(1)) }
        }
        take.finish()
        end.finish()
        try await following
        #expect(await found.texts == (0...12).map { "\($0)" })
    }
}

private actor Collected {
    var texts: [String] = []
    func add(_ more: [String]) { texts += more }
}
