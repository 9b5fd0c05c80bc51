import JSONText
import Linux
import Testing

/// The compose projects of the corpus that can run, run.
@Suite("Compose projects for real", .serialized, .timeLimit(.minutes(15)))
struct CorpusForRealTests {
    private static let corpus: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(3).joined(separator: "/") + "/ComposeTests/Corpus"
    }()
    /// Side by side: more would only wait for each other.
    private static let width = 4

    @Test("come up, stay as planned, and go without a trace")
    func corpus() async throws {
        let names = try Files.list(Self.corpus).map(\.name).filter { Files.exists("\(Self.corpus)/\($0)/run.txt") }
        try #require(!names.isEmpty)
        let compose = try await ComposeLab()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, name) in names.sorted().enumerated() {
                if index >= Self.width { try await group.next() }
                group.addTask { try await Self.run(name, compose.lab) }
            }
            try await group.waitForAll()
        }
        try await compose.lab.takeDown()
    }

    private static func run(_ name: String, _ lab: ProgramLab) async throws {
        let project = try await folder(name, lab)
        try await project.compose("up", "-d", "--yes")
        for line in try Files.readText("\(corpus)/\(name)/run.txt").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
            let text = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            try await project.waits(for: text, from: parts[0])
        }
        try await expectNothingPlanned(name, project)
        let before = try await project.compose("ps", "-a", "-q").out
        try await project.compose("up", "-d", "--yes")
        #expect(try await project.compose("ps", "-a", "-q").out == before, "\(name): up changed something")
        try await project.compose("down", "-v")
        #expect(try await project.compose("ps", "-a", "-q").out == "", "\(name): containers are left")
        #expect(try await project.compose("volumes", "-q").out == "", "\(name): volumes are left")
    }

    /// Nothing is planned and has drifted, but for services that have ended: those are started again, as Docker does.
    private static func expectNothingPlanned(_ name: String, _ project: ComposeFolder) async throws {
        let plan = try JSONValue.parse(try await project.stackctl(["plan", "--json"] + project.options).out)
        let drift = try await project.stackctl(["drift"] + project.options, expecting: nil)
        // Asked last: one may end at any time.
        let ended = try await project.compose("ps", "-a", "--status", "exited", "--services").out
            .split(separator: "\n").map { "container.\($0)[" }
        for change in try #require(plan["changes"]?.arrayValue) where change["action"] != "noChange" {
            let address = change["address"]?.stringValue ?? ""
            #expect(
                change["action"] == "repair" && ended.contains { address.hasPrefix($0) },
                "\(name) is not as planned: \(change.serialized(.compact))")
        }
        #expect(drift.code == 0 || drift.code == 2 && !ended.isEmpty, "\(name) has drifted: \(drift.text)")
    }

    /// A copy of a project, with what its `request.txt` asks for.
    private static func folder(_ name: String, _ lab: ProgramLab) async throws -> ComposeFolder {
        let folder = "\(lab.folder)/projects/\(name)"
        try Files.makeDirectories(lab.folder + "/projects")
        let copied = try await Spawn.run(SpawnRequest("/usr/bin/cp", ["-a", "\(corpus)/\(name)", folder]))
        try #require(copied.status.code == 0, "\(copied.errorText)")
        var project = ComposeFolder(lab: lab, folder: folder)
        for line in (try? Files.readText("\(folder)/request.txt"))?.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "file": project.options += ["-f", words[1]]
            case "profile": project.options += ["--profile", words[1]]
            case "name": project.options += ["-p", words[1]]
            default: project.environment.append(words[1])
            }
        }
        return project
    }
}
