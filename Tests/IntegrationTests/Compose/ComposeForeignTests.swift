import Linux
import Testing

@Suite("Projects that another client made", .serialized, .timeLimit(.minutes(15)))
struct ComposeForeignTests {
    /// Makes what Docker Compose would make of a service `web` in project `shop`.
    private static func make(_ lab: EngineLab) async throws {
        let prefix = "com.docker.compose."
        func labels(_ words: String...) -> [String] { words.flatMap { ["--label", prefix + $0] } }
        try await lab.docker(
            words: ["network", "create"] + labels("project=shop", "network=default") + ["shop_default"])
        try await lab.docker(words: ["volume", "create"] + labels("project=shop", "volume=data") + ["shop_data"])
        for (name, service, number, oneOff) in [
            ("shop-web-1", "web", 1, "False"), ("shop-web-2", "web", 2, "False"), ("shop-web-run-0", "web", 1, "True"),
        ] {
            try await lab.docker(
                words: ["run", "-d", "--name", name, "--network", "shop_default", "--init", "-v", "shop_data:/data"]
                    + labels("project=shop", "service=\(service)", "container-number=\(number)", "oneoff=\(oneOff)")
                    + ["busybox", "sleep", "1000"])
        }
        try await lab.docker(words: ["run", "-d", "--name", "bystander", "--init", "busybox", "sleep", "1000"])
    }

    private static func compose(
        _ lab: EngineLab, _ arguments: String..., expecting code: Int32 = 0
    ) async throws -> EngineLab.Output {
        try await lab.stackctl(words: ["compose", "-p", "shop"] + arguments, expecting: code)
    }

    @Test("are stopped, started and taken down by their labels alone")
    func foreign() async throws {
        let lab = try await EngineLab()
        try await Self.make(lab)
        _ = try await Self.compose(lab, "stop", "-t", "1")
        var running = try await lab.docker("ps", "--format", "{{.Names}}").out
        #expect(Set(running.split(separator: "\n")) == ["shop-web-run-0", "bystander"])
        _ = try await Self.compose(lab, "start")
        _ = try await Self.compose(lab, "kill", "web")
        _ = try await Self.compose(lab, "rm", "-f", "-s", "web")
        running = try await lab.docker("ps", "-a", "--format", "{{.Names}}").out
        #expect(Set(running.split(separator: "\n")) == ["shop-web-run-0", "bystander"])
        try await lab.docker(words: ["rm", "-f", "bystander", "shop-web-run-0"])
        try await Self.makeAgain(lab)
        let down = try await Self.compose(lab, "down", "-v", "-t", "0")
        running = try await lab.docker("ps", "-a", "--format", "{{.Names}}").out
        #expect(running == "bystander\n", "\(down.out)")
        #expect(try await !lab.docker("network", "ls").out.contains("shop_default"))
        #expect(try await !lab.docker("volume", "ls").out.contains("shop_data"))
        try await lab.docker(words: ["rm", "-f", "bystander"])
        try await lab.takeDown()
    }

    /// The same again, where network and volume are there already.
    private static func makeAgain(_ lab: EngineLab) async throws {
        try await lab.docker(words: ["network", "rm", "shop_default"])
        try await lab.docker(words: ["volume", "rm", "shop_data"])
        try await make(lab)
    }
}
