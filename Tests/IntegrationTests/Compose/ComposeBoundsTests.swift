import Linux
import Testing

@Suite("What compose verbs leave alone", .serialized, .timeLimit(.minutes(15)))
struct ComposeBoundsTests {
    private static let service = """
            image: \(ComposeLab.image)
            command: sleep 1000
            init: true
        """

    @Test("down -v leaves what is external, whoever made it, and networks that others are in")
    func external() async throws {
        let lab = try await ComposeLab()
        let label = "com.docker.compose.project=shop"
        try await lab.lab.stackctl("volume", "create", "--label", label, "shop_old")
        try await lab.lab.stackctl("volume", "create", "--label", label, "shop_gone")
        let project = try lab.project(
            "shop",
            [
                "compose.yaml": """
                services:
                  web:
                \(Self.service)
                    volumes: ["old:/old", "own:/own"]
                volumes: {old: {external: true, name: shop_old}, own: {}}

                """
            ])
        try await project.compose("up", "-d")
        try await lab.lab.stackctl(
            "run", "-d", "--name", "other", "--network", "shop_default", ComposeLab.image, "sleep", "1000")
        let down = try await project.compose("down", "-v")
        #expect(down.error.contains("shop_default: resource is still in use"), "\(down.text)")
        let volumes = try await lab.lab.stackctl("volume", "ls", "-q").out
        #expect(volumes == "shop_gone\nshop_old\n", "\(volumes)")
        #expect(try await lab.lab.stackctl("network", "ls").out.contains("shop_default"))
        try await lab.lab.stackctl("rm", "-f", "other")
        try await project.compose("down", "-v")
        #expect(try await lab.lab.stackctl("network", "ls").out.contains("shop_default") == false)
        try await lab.lab.stackctl("volume", "rm", "shop_old", "shop_gone")
        try await lab.lab.takeDown()
    }

    @Test("--remove-orphans takes orphans alone: no service of another profile, and no volume")
    func orphans() async throws {
        let lab = try await ComposeLab()
        func file(old: Bool) -> String {
            """
            services:
              web:
            \(Self.service)
              tool:
            \(Self.service)
                profiles: [tools]
                volumes: ["data:/data"]
            \(old ? "  old:\n\(Self.service)\n    volumes: [\"kept:/kept\"]" : "")
            volumes: {data: {}\(old ? ", kept: {}" : "")}

            """
        }
        var project = try lab.project("shop", ["compose.yaml": file(old: true)])
        project.options = ["--profile", "tools"]
        try await project.compose("up", "-d")
        project.options = []
        try Files.write(project.folder + "/compose.yaml", Array(file(old: false).utf8))
        try await project.compose("up", "-d", "--remove-orphans")
        let names = try await lab.lab.stackctl("ps", "--format", "{{.Names}}").out.split(separator: "\n")
        #expect(Set(names) == ["shop-web-1", "shop-tool-1"])
        #expect(try await lab.lab.stackctl("volume", "ls", "-q").out == "shop_data\nshop_kept\n")
        try await project.compose("down", "-v")
        #expect(try await lab.lab.stackctl("volume", "ls", "-q").out == "shop_kept\n")
        try await project.stackctl(["compose", "-p", "shop", "down", "-v"])
        #expect(try await lab.lab.stackctl("volume", "ls", "-q").out == "")
        try await lab.lab.takeDown()
    }

    @Test("down keeps volumes without a name, and the next up has them; down -v does not")
    func anonymous() async throws {
        let lab = try await ComposeLab()
        let text = "services:\n  db:\n\(Self.service)\n    volumes: [/data]\n"
        let project = try lab.project("shop", ["compose.yaml": text])
        try await project.compose("up", "-d")
        try await project.compose("exec", "-T", "db", "sh", "-c", "echo kept > /data/file")
        try await project.compose("down")
        try await project.compose("up", "-d")
        #expect(try await project.compose("exec", "-T", "db", "cat", "/data/file").out == "kept\n")
        try await project.compose("down", "-v")
        #expect(try await lab.lab.stackctl("volume", "ls", "-q").out == "")
        try await lab.lab.takeDown()
    }

    @Test("a stack of a manifest is no project, even if it has the name")
    func manifest() async throws {
        let lab = try await ComposeLab()
        try lab.lab.write(
            "made",
            """
            import StackDSL

            @main
            struct Shop: Stack {
                var resources: Resources {
                    Resources { Container("web", image: "\(ComposeLab.image)") { Command("sleep", "1000"); Init() } }
                }
            }

            """)
        try await lab.lab.stackctl("apply", "made", "--yes")
        let text = "services:\n  web:\n\(Self.service)\n"
        let project = try lab.project("shop", ["compose.yaml": text])
        for verb in [["up", "-d"], ["down"], ["up", "-d", "--remove-orphans"]] {
            let answer = try await project.stackctl(["compose"] + verb, expecting: 1)
            #expect(answer.error.contains("[SC0238]"), "\(answer.text)")
        }
        #expect(try await lab.lab.stackctl("ps", "--format", "{{.Names}}").out == "shop-web\n")
        try await lab.lab.stackctl("destroy", "made", "--yes")
        try await lab.lab.takeDown()
    }
}
