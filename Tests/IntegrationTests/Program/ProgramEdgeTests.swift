import Linux
import Testing

@Suite("The program at its edges", .serialized, .timeLimit(.minutes(15)))
struct ProgramEdgeTests {
    private static let manifest = """
        import StackDSL

        @main
        struct Edge: Stack {
            @Input("How many", in: 1...3) var count = 1

            var resources: Resources {
                print("one \\u{1B}]0;title\\u{07}two")
                let data = Volume("data-\\(count)")
                return Resources {
                    data
                    Output("title", "left\\u{1B}[2Jright\\u{9B}31m")
                }
            }
        }

        """

    private func lab() throws -> ProgramLab {
        let lab = try ProgramLab()
        try lab.write("edge", Self.manifest)
        return lab
    }

    /// Files of the cache that belong to a compile under way.
    private func builds(_ lab: ProgramLab) -> [String] {
        ((try? Files.list(lab.folder + "/home/.cache/stackctl")) ?? []).map(\.name).filter { $0.hasPrefix("build-") }
    }

    private func compilers(_ lab: ProgramLab) throws -> [Int32] {
        try Files.list("/proc").compactMap { entry in
            guard let pid = Int32(entry.name),
                let line = try? Files.readText("/proc/\(pid)/cmdline", limit: 1 << 16)
            else { return nil }
            return line.contains(lab.folder + "/home/.cache") ? pid : nil
        }
    }

    @Test("an interrupt at a question ends the command, which has nothing else to end")
    func interruptedQuestion() async throws {
        let lab = try ProgramLab()
        let login = try TerminalProgram(lab.request(lab.programs + "/stackctl", ["login", "localhost:5000"]))
        try await login.shows("Username")
        try await login.type("\u{3}")
        #expect(try await login.exitCode() == 130)
        #expect(!login.text.contains("Ending what was started"))
        try await lab.takeDown()
    }

    @Test("an interrupt while a manifest is compiled answers 130 and leaves neither compilers nor files")
    func interrupted() async throws {
        let lab = try lab()
        // Slow enough to be met at work, on any machine.
        let slow = (0..<4000).map { "    let v\($0) = [1, 2.5, 3].map { $0 * 2 + Double(\($0)) }.reduce(0, +)\n" }
        try Files.write(
            lab.folder + "/edge/Slow.swift", Array("func slow() {\n\(slow.joined())}\n".utf8))
        let child = try Spawn.start(lab.request(lab.programs + "/stackctl", ["plan", "edge"]))
        try await lab.eventually("the compiler works") {
            try compilers(lab).contains { pid in
                (try? Files.readText("/proc/\(pid)/cmdline", limit: 1 << 16))?.contains("-frontend") ?? false
            }
        }
        try child.send(2)
        #expect(try await child.exitStatus().code == 130)
        try await lab.eventually("no compiler is left", within: 30) { try compilers(lab) == [] }
        #expect(builds(lab) == [])
        #expect(!Files.exists(lab.root))
        try Files.unlink(lab.folder + "/edge/Slow.swift")
        try await lab.stackctl("validate", "edge")
        #expect(builds(lab) == [])
        try await lab.takeDown()
    }

    @Test("two plans at once compile once and start one daemon, whoever comes first")
    func twoAtOnce() async throws {
        let lab = try lab()
        async let first = lab.stackctl("plan", "edge")
        async let second = lab.stackctl("plan", "edge")
        let answers = try await [first, second]
        for answer in answers { #expect(answer.out.contains("Plan: 1 to create")) }
        let programs = try Files.list(lab.folder + "/home/.cache/stackctl/programs").map(\.name)
        #expect(programs.count { $0.hasSuffix(".so") } == 1)
        #expect(builds(lab) == [])
        // What a daemon starts looks like it until its exec(2).
        try await lab.eventually("there is one daemon") {
            try Files.list("/proc").count { entry in
                guard Int32(entry.name) != nil,
                    let line = try? Files.readText("/proc/\(entry.name)/cmdline", limit: 4096)
                else { return false }
                return line.hasPrefix("stackctl\0daemon\0") && line.contains(lab.root)
            } == 1
        }
        try await lab.endDaemon()
        async let third = lab.stackctl("plan", "edge")
        async let fourth = lab.stackctl("plan", "edge")
        for answer in try await [third, fourth] { #expect(answer.out.contains("Plan: 1 to create")) }
        let log = try Files.readText(lab.root + "/run/daemon.log")
        #expect(log.split(separator: "\n").count { $0.hasPrefix("listening on") } == 2)
        try await lab.takeDown()
    }

    @Test(
        "whatever becomes of standard output, the program ends in order",
        arguments: [
            ("stackctl plan edge | head -n 0; exit ${PIPESTATUS[0]}", [Int32(0), 141]),
            ("stackctl plan edge >&-", [0]),
            ("stackctl plan edge <&- >&- 2>&-", [0]),
            ("stackctl plan edge >/dev/full", [1]),
            ("stackctl apply edge --yes >&- && stackctl destroy edge --yes >&-", [0]),
        ])
    func output(line: String, codes: [Int32]) async throws {
        let lab = try lab()
        try await lab.stackctl("validate", "edge")
        let answer = try await lab.run(
            lab.request("/bin/bash", ["-c", line.replacing("stackctl ", with: lab.programs + "/stackctl ")]))
        #expect(codes.contains(answer.code), "\(line): \(answer.text)")
        let isTold = answer.error.contains("error: standard output cannot be written: write: No space left on device")
        #expect(isTold == line.hasSuffix("/dev/full"), "\(line): \(answer.error)")
        #expect(!answer.error.contains("Fatal") && !answer.error.contains("crash"))
        try await lab.takeDown()
    }

    @Test("inputs are taken as strictly from the cache as the first time")
    func inputs() async throws {
        let lab = try lab()
        try await lab.stackctl("validate", "edge", "--var", "count=2")
        for _ in 1...2 {
            try await lab.stackctl("validate", "edge", "--var", "count=2")
            let unknown = try await lab.stackctl("validate", "edge", "--var", "cuont=2", expecting: 1)
            #expect(unknown.error.contains("the stack has no input named cuont"))
            #expect(unknown.error.contains("did you mean count?"))
            let wrong = try await lab.stackctl("validate", "edge", "--var", "count=few", expecting: 1)
            #expect(wrong.error.contains("the input count must be a whole number, not \"few\""))
            let outside = try await lab.stackctl("validate", "edge", "--var", "count=4", expecting: 1)
            #expect(outside.error.contains("it must be from 1 to 3"))
            let warned = try await lab.stackctl("validate", "edge", environment: ["STACKCTL_VAR_other=1"])
            #expect(warned.error.contains("warning: the stack has no input named other"))
        }
        try await lab.takeDown()
    }

    @Test("what a manifest prints and outputs cannot steer the terminal")
    func escapes() async throws {
        let lab = try lab()
        for words in [["validate", "edge"], ["apply", "edge", "--yes"], ["apply", "edge", "--yes", "--json"]] {
            let answer = try await lab.run(lab.request(lab.programs + "/stackctl", words))
            #expect(answer.code == 0)
            let controls = answer.text.unicodeScalars.filter {
                $0.value < 0x20 && $0 != "\n" || 0x7F..<0xA0 ~= $0.value
            }
            #expect(controls.isEmpty, "\(words): \(answer.text.debugDescription)")
            #expect(answer.error.contains("one \u{FFFD}]0;title\u{FFFD}two"))
        }
        // A program that asks for one value gets it as it is.
        let value = try await lab.stackctl("output", "edge", "title")
        #expect(value.out == "left\u{1B}[2Jright\u{9B}31m\n")
        try await lab.stackctl("destroy", "edge", "--yes")
        try await lab.takeDown()
    }
}
