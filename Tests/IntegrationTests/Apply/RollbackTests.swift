import Linux
import Testing

@Suite("Earlier generations and parts of stacks", .serialized, .timeLimit(.minutes(20)))
struct RollbackTests {
    private static let base = """
        import StackDSL

        @main
        struct Maker: Stack {
            var resources: Resources { Resources { Image("rollback/base", rootfs: "../rootfs") } }
        }

        """

    private static let manifest = """
        import StackDSL

        @main
        struct Shop: Stack {
            @Input("A colour") var color = ""

            var resources: Resources {
                let lan = Network("lan")
                let db = Container("db", image: "rollback/app:latest") {
                    Attach(lan)
                    Env("COLOR", color)
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                let web = Container("web", image: "rollback/app:latest") {
                    Attach(lan)
                    Env("COLOR", color)
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                return Resources {
                    db
                    web
                }
            }
        }

        """

    private func prepare() async throws -> ProgramLab {
        let lab = try ProgramLab()
        try lab.write("maker", Self.base)
        try lab.write("shop", Self.manifest)
        try await lab.stackctl("apply", "maker", "--yes")
        return lab
    }

    /// Builds the image anew under the same name.
    private func build(_ lab: ProgramLab, version: Int) async throws {
        try Files.makeDirectories("\(lab.folder)/app")
        try Files.write("\(lab.folder)/app/Dockerfile", Array("FROM rollback/base\nENV VERSION=\(version)\n".utf8))
        try await lab.stackctl("build", "--quiet", "-t", "rollback/app:latest", "app")
    }

    /// What a container was given: `1 blue`.
    private func state(_ lab: ProgramLab, _ container: String = "shop-web") async throws -> String {
        let answer = try await lab.stackctl("exec", container, "sh", "-c", "echo $VERSION $COLOR")
        return answer.out.split(whereSeparator: \.isNewline).first.map { String($0) } ?? ""
    }

    @Test("a rollback brings the settings and the image of the generation before back, by a new generation")
    func images() async throws {
        let lab = try await prepare()
        try await build(lab, version: 1)
        try await lab.stackctl("apply", "shop", "--yes", "--var", "color=blue")
        let old = try await lab.stackctl("images", "--quiet", "--no-trunc", "rollback/app").out
        try await build(lab, version: 2)
        try await lab.stackctl("apply", "shop", "--yes", "--var", "color=green")
        #expect(try await state(lab) == "2 green")
        let back = try await lab.stackctl("rollback", "shop", "--yes")
        #expect(back.out.contains("Back to generation 1") && back.out.contains("2 to recreate"), "\(back.out)")
        #expect(try await state(lab) == "1 blue")
        let history = try await lab.stackctl("stacks", "history", "shop").out
        #expect(history.contains("rollback to 1") && history.contains("root"), "\(history)")
        let again = try await lab.stackctl("rollback", "shop", "--to", "3", "--yes")
        #expect(again.out.contains("No changes"), "\(again.out)")
        try await lab.stackctl("apply", "shop", "--yes", "--var", "color=green")
        #expect(try await state(lab) == "2 green")
        try await lab.stackctl("rmi", "--force", String(old.prefix { !$0.isNewline }))
        let without = try await lab.stackctl("rollback", "shop", "--to", "1", "--yes")
        #expect(without.sentences.contains("is not in the store any more"), "\(without.text)")
        #expect(try await state(lab) == "2 blue")
        let unknown = try await lab.stackctl("rollback", "shop", "--to", "99", "--yes", expecting: 1)
        #expect(unknown.error.contains("SC3153"), "\(unknown.error)")
        try await lab.stackctl("destroy", "shop", "--yes")
        try await lab.takeDown()
    }

    @Test("a target is changed alone, and destroyed alone")
    func targets() async throws {
        let lab = try await prepare()
        try await build(lab, version: 1)
        try await lab.stackctl("apply", "shop", "--yes", "--var", "color=blue")
        try await lab.stackctl("apply", "shop", "--yes", "--var", "color=green", "--target", "container.web")
        #expect(try await state(lab) == "1 green")
        #expect(try await state(lab, "shop-db") == "1 blue")
        let rest = try await lab.stackctl("plan", "shop", "--var", "color=green")
        #expect(rest.out.contains("1 to recreate") && rest.out.contains("container.db"), "\(rest.out)")
        let id = try await lab.stackctl("ps", "--quiet", "--filter", "name=shop-web").out
        let forced = try await lab.stackctl(
            "apply", "shop", "--yes", "--var", "color=green", "--replace", "container.web", "--target", "container.web")
        #expect(forced.out.contains("because: asked for"), "\(forced.out)")
        #expect(try await lab.stackctl("ps", "--quiet", "--filter", "name=shop-web").out != id)
        let typo = try await lab.stackctl("plan", "shop", "--target", "container.wbe", expecting: 1)
        #expect(typo.sentences.contains("did you mean container.web?"), "\(typo.error)")
        let held = try await lab.stackctl("destroy", "shop", "--yes", "--target", "network.lan", expecting: 1)
        #expect(held.sentences.contains("container.db, container.web use it"), "\(held.error)")
        try await lab.stackctl("destroy", "shop", "--yes", "--target", "container.web")
        let left = try await lab.stackctl("show", "shop").out
        #expect(left.contains("container.db") && !left.contains("container.web"), "\(left)")
        try await lab.stackctl("destroy", "shop", "--yes")
        #expect(try await lab.stackctl("show", "shop", expecting: 1).error.contains("SC3141"))
        try await lab.takeDown()
    }
}
