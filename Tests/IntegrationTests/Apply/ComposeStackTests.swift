import Linux
import Testing

/// The stack commands on compose files, by the real programs.
@Suite("Stack commands on compose files", .serialized, .timeLimit(.minutes(20)))
struct ComposeStackTests {
    private static func file(color: String) -> String {
        """
        name: shop
        services:
          web:
            image: \(ComposeLab.image)
            command: ["sleep", "1000"]
            stop_signal: SIGKILL
            environment:
              COLOR: \(color)
          extra:
            image: \(ComposeLab.image)
            command: ["sleep", "1000"]
            stop_signal: SIGKILL
            profiles: [more]
        volumes:
          data: {}

        """
    }

    @Test("each of them takes -f, a folder with a compose file, and the project's name")
    func commands() async throws {
        let compose = try await ComposeLab()
        let shop = try compose.project("work/shop", ["compose.yaml": Self.file(color: "blue")])
        let outside = ComposeFolder(lab: compose.lab, folder: compose.lab.folder + "/work")
        try await compose.lab.endDaemon()
        let valid = try await outside.stackctl(["validate", "-f", "shop/compose.yaml"])
        #expect(valid.out.contains("The stack shop is valid: 1 container"), "\(valid.text)")
        let graph = try await outside.stackctl(["graph", "--format", "mermaid", "-f", "shop/compose.yaml"])
        #expect(graph.out.contains("container.web[1]"), "\(graph.text)")
        #expect(try compose.lab.runningDaemon() == nil)
        let plan = try await outside.stackctl(["plan", "shop", "--detailed-exitcode"], expecting: 2)
        #expect(plan.out.contains("container.web[1]") && plan.out.contains("shop/compose.yaml:3"), "\(plan.out)")
        #expect(!plan.out.contains("com.docker.compose"), "\(plan.out)")
        try await outside.stackctl(["plan", "-f", "shop/compose.yaml", "--out", "saved.plan"])
        try await outside.stackctl(["apply", "saved.plan"])
        try await shop.stackctl(["plan", "--detailed-exitcode"])
        try await shop.stackctl(["apply", "--yes", "--profile", "more"])
        let shown = try await outside.stackctl(["show", "-f", "shop/compose.yaml"])
        #expect(shown.out.contains("container.extra[1]") && shown.out.contains("compose.yaml:"), "\(shown.out)")
        #expect(!Files.exists(shop.folder + "/Stack.lock"))
        try await outside.stackctl(["drift", "-p", "shop"])
        try await outside.stackctl(["output", "-f", "shop/compose.yaml"])
        let both = try await outside.stackctl(["plan", "shop", "-f", "shop/compose.yaml"], expecting: 1)
        #expect(both.error.contains("SC0146"), "\(both.error)")
        let inputs = try await outside.stackctl(["plan", "shop", "--var", "a=b"], expecting: 1)
        #expect(inputs.error.contains("SC0176"), "\(inputs.error)")
        let pipe = try await shop.stackctl(
            ["plan", "-f", "-", "-p", "shop", "--profile", "more", "--detailed-exitcode"],
            input: Self.file(color: "red"),
            expecting: 2)
        #expect(pipe.out.contains("\"blue\" → \"red\""), "\(pipe.text)")
        try await outside.stackctl(["destroy", "shop", "--yes", "--target", "container.extra"])
        try await outside.stackctl(["destroy", "-f", "shop/compose.yaml", "--yes"])
        #expect(try await outside.stackctl(["show", "-p", "shop"], expecting: 1).error.contains("SC3141"))
        try await compose.lab.takeDown()
    }

    @Test("a rollback leads back over changes of the file")
    func rollback() async throws {
        let compose = try await ComposeLab()
        let shop = try compose.project("shop", ["compose.yaml": Self.file(color: "blue")])
        func color() async throws -> String {
            try await shop.stackctl(["exec", "shop-web-1", "sh", "-c", "echo $COLOR"]).out
        }
        try await shop.stackctl(["apply", "--yes"])
        try Files.write(shop.folder + "/compose.yaml", Array(Self.file(color: "green").utf8))
        try await shop.stackctl(["apply", "--yes"])
        #expect(try await color() == "green\n")
        try await shop.stackctl(["rollback", "--yes"])
        #expect(try await color() == "blue\n")
        let forward = try await shop.stackctl(["plan", "--detailed-exitcode"], expecting: 2)
        #expect(forward.out.contains("\"blue\" → \"green\""), "\(forward.out)")
        try await shop.stackctl(["destroy", "--yes"])
        try await compose.lab.takeDown()
    }
}
