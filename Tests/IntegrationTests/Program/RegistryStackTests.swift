import Linux
import Testing

@Suite(
    "A stack with images of a registry", .serialized, .timeLimit(.minutes(15)),
    .enabled(if: RegistryLab.isPossible, "docker-registry is not installed"))
struct RegistryStackTests {
    private static let tag = "127.0.0.1:5000/team/app:1"

    private static let manifest = """
        import StackDSL

        @main
        struct Remote: Stack {
            var resources: Resources {
                let derived = Image("derived", reference: "\(tag)") { Env("DERIVED", "1") }
                return Resources {
                    Container("app", image: "\(tag)") { Command("sleep", "1000") }
                    Container("other", image: derived) { Command("sleep", "1000") }
                }
            }
        }

        """

    /// A stack that makes images of busybox, which differ by an environment variable.
    private static func maker(_ version: String) -> String {
        """
        import StackDSL

        @main
        struct Maker: Stack {
            var resources: Resources {
                let image = Image("made", rootfs: "../rootfs") { Env("VERSION", "\(version)") }
                return Resources { image }
            }
        }

        """
    }

    /// Debian's registry inside the lab's network.
    private func startRegistry(_ lab: ProgramLab) async throws -> ChildProcess {
        let text = """
            version: 0.1
            log: {level: error}
            storage:
              filesystem: {rootdirectory: \(lab.folder)/registry}
            http: {addr: "127.0.0.1:5000"}

            """
        try Files.write(lab.folder + "/registry.yml", Array(text.utf8))
        let child = try Spawn.start(lab.request(RegistryLab.program, ["serve", lab.folder + "/registry.yml"]))
        let probe = lab.request("/usr/bin/curl", ["-s", "-o", "/dev/null", "http://127.0.0.1:5000/v2/"])
        try await lab.eventually("the registry answers") { try await lab.run(probe).code == 0 }
        return child
    }

    /// Makes an image and pushes it under the tag.
    private func publish(_ version: String, _ lab: ProgramLab) async throws {
        try lab.write("maker", Self.maker(version))
        try await lab.stackctl("apply", "maker", "--yes")
        try await lab.stackctl("tag", "made", Self.tag)
        try await lab.stackctl("push", Self.tag)
        // The local store is to know nothing of it any more.
        try await lab.stackctl("rmi", Self.tag)
        try await lab.stackctl("destroy", "maker", "--yes")
    }

    /// The digest the registry has under the tag.
    private func digest(_ lab: ProgramLab) async throws -> String {
        let accept = "Accept: application/vnd.oci.image.manifest.v1+json"
        let head = try await lab.run(
            lab.request("/usr/bin/curl", ["-sI", "-H", accept, "http://127.0.0.1:5000/v2/team/app/manifests/1"]))
        let line = try #require(
            head.out.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("docker-content-digest:") })
        return String(line.drop { $0 != " " }.dropFirst())
    }

    @Test(
        "a tag is resolved when planned, pinned in state and lock, pulled before anything changes, moved by --upgrade")
    func tags() async throws {
        let lab = try ProgramLab()
        var registry = try await startRegistry(lab)
        try await publish("1", lab)
        let first = try await digest(lab)
        try lab.write("remote", Self.manifest)

        let plan = try await lab.stackctl("plan", "remote")
        #expect(plan.out.contains("\(Self.tag)@\(first)"))
        #expect(plan.text.contains("is pulled before anything is changed"))
        #expect(!Files.exists(lab.folder + "/remote/Stack.lock"))
        let applied = try await lab.stackctl("apply", "remote", "--yes")
        #expect(applied.out.contains("fetched"))
        let lock = try Files.readText(lab.folder + "/remote/Stack.lock")
        #expect(lock.contains("\"\(Self.tag)\": \"\(first)\""))

        // Another image under the tag changes nothing until it is asked for.
        try await publish("2", lab)
        let second = try await digest(lab)
        #expect(second != first)
        #expect(try await lab.stackctl("plan", "remote").out.contains("No changes"))
        let upgrade = try await lab.stackctl("plan", "remote", "--upgrade")
        #expect(upgrade.out.contains("\(Self.tag)@\(first)") && upgrade.out.contains("\(Self.tag)@\(second)"))

        // Lock and state answer without the registry.
        try registry.send(9)
        _ = try await registry.exitStatus()
        #expect(try await lab.stackctl("plan", "remote").out.contains("No changes"))
        try Files.unlink(lab.folder + "/remote/Stack.lock")
        #expect(try await lab.stackctl("plan", "remote").out.contains("No changes"))
        let unreachable = try await lab.stackctl("plan", "remote", "--upgrade", expecting: 1)
        #expect(unreachable.sentences.contains("SC5138"))
        #expect(unreachable.error.contains("Stack.swift:"))

        registry = try await startRegistry(lab)
        try await lab.stackctl("apply", "remote", "--upgrade", "--yes")
        #expect(try Files.readText(lab.folder + "/remote/Stack.lock").contains(second))
        #expect(try await lab.stackctl("exec", "remote-app", "sh", "-c", "echo $VERSION").out == "2\n")
        #expect(
            try await lab.stackctl("exec", "remote-other", "sh", "-c", "echo $VERSION$DERIVED").out == "21\n")
        try await lab.stackctl("drift", "remote")

        try await lab.stackctl("destroy", "remote", "--yes")
        try registry.send(9)
        _ = try await registry.exitStatus()
        try await lab.takeDown()
    }

    @Test("a pull that fails changes nothing, and the running container goes on")
    func failedPull() async throws {
        let lab = try ProgramLab()
        let registry = try await startRegistry(lab)
        try await publish("1", lab)
        try lab.write("remote", Self.manifest)
        try await lab.stackctl("apply", "remote", "--yes")
        let before = try await lab.stackctl("inspect", "remote-app", "--format", "{{.Id}}").out
        try await publish("2", lab)
        try await lab.stackctl("plan", "remote", "--upgrade", "--out", "upgrade.plan")
        try registry.send(9)
        _ = try await registry.exitStatus()
        let failed = try await lab.stackctl("apply", "upgrade.plan", expecting: 1)
        #expect(failed.sentences.contains("nothing was changed"))
        #expect(try await lab.stackctl("inspect", "remote-app", "--format", "{{.Id}}").out == before)
        #expect(try await lab.stackctl("drift", "remote").code == 0)
        try await lab.stackctl("destroy", "remote", "--yes")
        try await lab.takeDown()
    }

    @Test("an image out of an archive is pushed to every name it is declared for, and needs no name of its own there")
    func pushed() async throws {
        let lab = try ProgramLab()
        let registry = try await startRegistry(lab)
        try lab.write("maker", Self.maker("1"))
        try await lab.stackctl("apply", "maker", "--yes")
        try await lab.stackctl("save", "made", "--output", "made.tar")
        try await lab.stackctl("destroy", "maker", "--yes")
        func manifest(_ pushes: String) -> String {
            """
            import StackDSL

            @main
            struct Pushing: Stack {
                var resources: Resources {
                    let image = Image("pushed", archive: "../made.tar") { \(pushes) }
                    return Resources { image }
                }
            }

            """
        }
        try lab.write("pushing", manifest(#"Push("127.0.0.1:5000/a/b:1")"#))
        try await lab.stackctl("apply", "pushing", "--yes")
        #expect(try await lab.stackctl("plan", "pushing").out.contains("No changes"))
        // The registry's copy is listed by its digest beside it.
        let ids = try await lab.stackctl("images", "--quiet").out.split(separator: "\n")
        #expect(Set(ids).count == 1)
        try lab.write("pushing", manifest(#"Push("127.0.0.1:5000/a/b:1"); Push("127.0.0.1:5000/c:2")"#))
        #expect(try await lab.stackctl("plan", "pushing").out.contains("127.0.0.1:5000/c:2"))
        try await lab.stackctl("apply", "pushing", "--yes")
        let tags = try await lab.run(
            lab.request("/usr/bin/curl", ["-s", "http://127.0.0.1:5000/v2/c/tags/list"]))
        #expect(tags.out.contains("\"2\""))
        try await lab.stackctl("destroy", "pushing", "--yes")
        #expect(try await lab.stackctl("images", "--quiet").out == "")
        try registry.send(9)
        _ = try await registry.exitStatus()
        try await lab.takeDown()
    }

    @Test("a registry is a component of a stack, and its images outlive its container")
    func component() async throws {
        let lab = try ProgramLab()
        func manifest(_ more: String) -> String {
            """
            import StackDSL

            @main
            struct Serving: Stack {
                var resources: Resources {
                    let images = Volume("images")
                    return Resources {
                        ImageRegistry("registry", port: 5001, data: images) { \(more) }
                    }
                }
            }

            """
        }
        try lab.write("serving", manifest(""))
        try await lab.stackctl("apply", "serving", "--yes")
        try lab.write("maker", Self.maker("1"))
        try await lab.stackctl("apply", "maker", "--yes")
        let name = "127.0.0.1:5001/team/app:1"
        try await lab.stackctl("tag", "made", name)
        try await lab.eventually("the registry answers") {
            try await lab.stackctl("push", name, expecting: nil).code == 0
        }
        try await lab.stackctl("rmi", name)
        // Another container of the same registry has the same images.
        try lab.write("serving", manifest(#"Env("STACKCTL_REGISTRY_GC_INTERVAL", "1h")"#))
        #expect(try await lab.stackctl("apply", "serving", "--yes").out.contains("recreated"))
        try await lab.eventually("the registry answers again") {
            try await lab.stackctl("pull", "-q", name, expecting: nil).code == 0
        }
        #expect(try await lab.stackctl("plan", "serving").out.contains("No changes"))
        #expect(try await lab.stackctl("drift", "serving").code == 0)
        try await lab.stackctl("rmi", name)
        try await lab.stackctl("destroy", "maker", "--yes")
        try await lab.stackctl("destroy", "serving", "--yes")
        try await lab.takeDown()
    }

    @Test(
        "an image that neither the store nor a registry has is named with the manifest's line, before anything is made")
    func unknownImage() async throws {
        let lab = try ProgramLab()
        try lab.write("remote", Self.manifest)
        let answer = try await lab.stackctl("plan", "remote", expecting: 1)
        #expect(answer.sentences.contains("there is no image \(Self.tag) here"))
        #expect(answer.error.contains("Stack.swift:"))
        try await lab.takeDown()
    }
}
