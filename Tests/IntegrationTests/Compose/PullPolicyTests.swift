import Linux
import StateStore
import Testing

@Suite("Pull policies of services", .serialized, .timeLimit(.minutes(15)))
struct PullPolicyTests {
    private static let image = "127.0.0.1:5000/team/app:1"

    private static func file(_ policy: String) -> String {
        """
        name: shop
        services:
          app:
            image: \(image)
            pull_policy: \(policy)
            command: sleep 1000
            stop_signal: SIGKILL

        """
    }

    /// Starts a registry in the lab's network, with a log of its requests.
    private static func startRegistry(_ lab: ProgramLab) async throws -> ChildProcess {
        let log = try Files.open(lab.folder + "/registry.log", [.writeOnly, .create, .append])
        var request = lab.request(
            lab.programs + "/stackctl",
            ["registry", "serve", "--listen", "127.0.0.1:5000", "--root", lab.folder + "/registry"])
        request.descriptors[1] = log.raw
        request.descriptors[2] = log.raw
        let child = try withExtendedLifetime(log) { try Spawn.start(request) }
        try await lab.eventually("the registry listens") {
            try Files.readText(lab.folder + "/registry.log").contains("://127.0.0.1:5000")
        }
        return child
    }

    /// How often the registry was asked for what is under a tag, so far.
    private static func questions(_ lab: ProgramLab) throws -> Int {
        try Files.readText(lab.folder + "/registry.log").split(separator: "\n")
            .count { $0.contains("/manifests/1") && !$0.contains("PUT") }
    }

    /// Makes all pulls so many hours older.
    private static func age(_ lab: ProgramLab, hours: Int64) async throws {
        try await lab.endDaemon()
        try StateDatabase(path: lab.root + "/state.db").write { transaction in
            for row in try transaction.imageTags() {
                var older = row
                older.updated -= hours * 3_600 * 1_000_000_000
                try transaction.save(older)
            }
        }
    }

    @Test("ask the registry when they say so, and when the last pull is too long ago")
    func policies() async throws {
        let compose = try await ComposeLab()
        let lab = compose.lab
        let registry = try await Self.startRegistry(lab)
        try await lab.stackctl("tag", ComposeLab.image, Self.image)
        try await lab.stackctl("push", Self.image)
        try await lab.stackctl("rmi", Self.image)
        let project = try compose.project("shop", ["compose.yaml": Self.file("never")])
        /// Brings the project up, and tells whether the registry was asked.
        func asks(_ policy: String, expecting code: Int32 = 0) async throws -> Bool {
            try Files.write(project.folder + "/compose.yaml", Array(Self.file(policy).utf8))
            let before = try Self.questions(lab)
            try await project.compose("up", "-d", expecting: code)
            return try Self.questions(lab) > before
        }
        /// Brings the project up, for which the registry is asked: it writes that down after it has answered.
        func mustAsk(_ policy: String, _ place: String) async throws {
            let before = try Self.questions(lab)
            _ = try await asks(policy)
            try await lab.eventually("the registry is asked: \(place)") { try Self.questions(lab) > before }
        }
        #expect(try await !asks("never", expecting: 1))
        try await mustAsk("daily", "it is missing")
        for policy in ["daily", "weekly", "every_2h", "missing", "if_not_present", "never"] {
            #expect(try await !asks(policy), "\(policy)")
        }
        try await mustAsk("always", "always")
        try await Self.age(lab, hours: 30)
        for policy in ["weekly", "every_2d", "missing", "never"] {
            #expect(try await !asks(policy), "\(policy) after 30 hours")
        }
        try await mustAsk("daily", "daily after 30 hours")
        #expect(try await !asks("daily"), "daily again, though the image is the same")
        #expect(try await !asks("every_2h"))
        try await Self.age(lab, hours: 3)
        #expect(try await !asks("daily"))
        try await mustAsk("every_2h", "every_2h after 3 hours")
        try await project.compose("down")
        try await lab.stackctl("rmi", Self.image)
        try await mustAsk("missing", "it has been removed")
        try await project.compose("down")
        try registry.send(15)
        _ = try await registry.exitStatus()
        try await lab.takeDown()
    }
}
