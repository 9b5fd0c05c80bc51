import Linux
import Testing

@Suite("Images that stacks build", .serialized, .timeLimit(.minutes(20)))
struct ImageBuildTests {
    private static func base(_ version: String) -> String {
        """
        import StackDSL

        @main
        struct Maker: Stack {
            var resources: Resources {
                let image = Image("base", rootfs: "../rootfs") { Env("VERSION", "\(version)") }
                return Resources { image }
            }
        }

        """
    }

    private static let manifest = """
        import StackDSL

        @main
        struct Shop: Stack {
            var resources: Resources {
                let build = Stage("build") {
                    From("base")
                    Copy("words.txt", to: "/words")
                    Run("cat /words /words > /twice")
                }
                let site = Image("shop/site", context: "site", secrets: ["token": "token"]) {
                    From("base")
                    Workdir("/srv")
                    Workdir("www")
                    Copy("/twice", from: build, to: "twice")
                    Copy("conf/", to: "conf/")
                    Copy(text: "it's $HOME\\n", to: "/srv/text")
                    Run("cat /run/secrets/token > /dev/null", mounts: [.secret("token")])
                    for name in ["a", "b"] { Run(words: ["/bin/sh", "-c", "echo $0 >> list", name]) }
                    Env("MONEY", "$5 \\"each\\"")
                    Label("made", "by steps")
                    User("user")
                    Command("sleep", "1000")
                }
                let derived = Image("shop/derived") {
                    From(site)
                    Env("DERIVED", "1")
                }
                let file = Image("shop/file", dockerfile: "site/Dockerfile", arguments: ["WORD": "given"]) {
                    Env("AFTER", "1")
                }
                return Resources {
                    Container("web", image: site)
                    Container("derived", image: derived)
                    Container("file", image: file) { Command("sleep", "1000") }
                }
            }
        }

        """

    private func write(_ lab: ProgramLab, _ path: String, _ text: String) throws {
        let parent = path.split(separator: "/").dropLast().joined(separator: "/")
        try Files.makeDirectories("\(lab.folder)/\(parent)")
        try Files.write("\(lab.folder)/\(path)", Array(text.utf8))
    }

    private func prepare() async throws -> ProgramLab {
        let lab = try ProgramLab()
        try lab.write("maker", Self.base("1"))
        try await lab.stackctl("apply", "maker", "--yes")
        try lab.write("shop", Self.manifest)
        try write(lab, "shop/site/words.txt", "word\n")
        try write(lab, "shop/site/conf/site.conf", "a=1\n")
        try write(lab, "shop/site/notes~", "not copied\n")
        try write(lab, "shop/site/.dockerignore", "*~\n")
        try write(lab, "shop/token", "hidden\n")
        try write(
            lab, "shop/site/Dockerfile", "FROM base\nARG WORD\nCOPY words.txt /words\nRUN echo $WORD > /given\n")
        return lab
    }

    private func takeDown(_ lab: ProgramLab) async throws {
        try await lab.stackctl("destroy", "shop", "--yes")
        #expect(!(try await lab.stackctl("images").out.contains("shop/")))
        // A stack keeps the images of its last generation for a rollback, as long as there is the stack.
        try await lab.stackctl("destroy", "maker", "--yes")
        let images = try await lab.stackctl("images")
        #expect(!images.out.contains("<none>"), "\(images.out)")
        try await lab.takeDown()
    }

    @Test("come of a Dockerfile and of steps, and are built again because of what went in")
    func life() async throws {
        let lab = try await prepare()
        let first = try await lab.stackctl("plan", "shop")
        #expect(first.out.contains("image.shop/site") && first.out.contains("6 to create"), "\(first.out)")
        try await lab.stackctl("apply", "shop", "--yes")
        func run(_ container: String, _ line: String) async throws -> String {
            try await lab.stackctl("exec", "shop-\(container)", "sh", "-c", line).out
        }
        #expect(try await run("web", "cat twice conf/site.conf list") == "word\nword\na=1\na\nb\n")
        #expect(try await run("web", "cat ../text; echo \"$MONEY $VERSION\"") == "it's $HOME\n$5 \"each\" 1\n")
        #expect(try await run("derived", "cat twice; echo $DERIVED") == "word\nword\n1\n")
        #expect(try await run("file", "cat /words /given; echo $AFTER") == "word\ngiven\n1\n")

        // Neither another time nor a file that is left out is another input.
        try Files.write("\(lab.folder)/shop/site/words.txt", Array("word\n".utf8))
        try write(lab, "shop/site/notes~", "changed\n")
        try write(lab, "shop/token", "changed\n")
        let unchanged = try await lab.stackctl("plan", "shop")
        #expect(unchanged.out.contains("No changes"), "\(unchanged.out)")

        try write(lab, "shop/site/conf/site.conf", "a=2\n")
        try write(lab, "shop/site/conf/more.conf", "b=1\n")
        let plan = try await lab.stackctl("plan", "shop")
        #expect(plan.out.contains("because: conf/more.conf is new, conf/site.conf changed"), "\(plan.out)")
        #expect(!plan.out.contains("image.shop/file"), "\(plan.out)")
        #expect(plan.out.contains("image.shop/derived"), "\(plan.out)")
        try await lab.stackctl("apply", "shop", "--yes")
        #expect(try await run("web", "cat conf/more.conf conf/site.conf") == "b=1\na=2\n")
        #expect(try await run("derived", "cat conf/site.conf") == "a=2\n")
        #expect(try await lab.stackctl("plan", "shop").out.contains("No changes"))

        try lab.write("maker", Self.base("2"))
        try await lab.stackctl("apply", "maker", "--yes")
        let moved = try await lab.stackctl("plan", "shop")
        #expect(moved.out.contains("because: base base is another image"), "\(moved.out)")
        try await lab.stackctl("apply", "shop", "--yes")
        #expect(try await run("file", "echo $VERSION") == "2\n")
        try await takeDown(lab)
    }

    @Test("tell what is wrong with their steps, at the line in the Dockerfile")
    func failures() async throws {
        let lab = try await prepare()
        try write(lab, "shop/site/Dockerfile", "FROM base\nCOPI a b\n")
        let unknown = try await lab.stackctl("plan", "shop", expecting: 1)
        #expect(unknown.sentences.contains("unknown instruction: COPI"), "\(unknown.text)")
        try write(lab, "shop/site/Dockerfile", "FROM base\nRUN echo it breaks >&2; exit 3\n")
        let failed = try await lab.stackctl("apply", "shop", "--yes", expecting: 1)
        #expect(failed.sentences.contains("did not complete successfully: exit code: 3"), "\(failed.text)")
        #expect(failed.error.contains("site/Dockerfile:2") && failed.error.contains("it breaks"), "\(failed.text)")
        try await takeDown(lab)
    }
}
