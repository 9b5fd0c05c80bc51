import Apply
import JSONText
import Linux
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("Secrets and configurations of a stack's containers", .serialized, .timeLimit(.minutes(5)))
struct ContainerSecretTests {
    private static let treasure = "tr3asure-that-nobody-may-see"

    @Test("they are there with owner and mode, cannot be changed, and are nowhere on the disk")
    func seen() async throws {
        let lab = try await StackLab()
        let engine = try await lab.host.engine
        let folder = try Files.temporaryDirectory(prefix: "stackctl-secret-")
        try Files.write("\(folder)/db.txt", Array("from a file\n".utf8), mode: 0o600)
        let sealed = try await BlockingExecutor.shared.run { try engine.sealedTexts.seal(Self.treasure) }
        let address = "container.web[1]"
        let attributes = StackLab.sleeper([
            "restart": ["policy": "always"], "user": "1000",
            "files": [
                ["target": "/run/secrets/db", "source": .string("\(folder)/db.txt"), "uid": 1000, "mode": "0400"],
                ["target": "/run/secrets/token", "sealed": .string(sealed), "gid": 50, "mode": "0444"],
                ["target": "/opt/deep/app.conf", "content": "plain = 1\n"],
            ],
        ])
        try await lab.apply([address: attributes])
        func look() async throws -> String {
            try await lab.run(
                "shop-web-1", "sh", "-c",
                "cat /run/secrets/db /opt/deep/app.conf /run/secrets/token; echo; "
                    + "stat -c '%u %g %a' /run/secrets/db /run/secrets/token /opt/deep/app.conf")
        }
        let wanted = "from a file\nplain = 1\n\(Self.treasure)\n1000 0 400\n0 50 444\n0 0 444"
        #expect(try await look() == wanted)
        let write = try await lab.host.docker(
            "exec", "-u", "0", "shop-web-1", "sh", "-c", "echo x > /run/secrets/token", expecting: nil)
        #expect(write.code != 0)
        #expect(write.error.contains("Read-only file system"))

        // Neither the value nor the file is anywhere in the data root, but for what is sealed.
        let root = lab.host.root
        for text in [Self.treasure, "from a file"] {
            let found = try await Spawn.run(SpawnRequest("/usr/bin/grep", ["-rlaF", text, root]))
            #expect(found.outputText == "")
        }
        #expect(try Files.status("\(root)/sealing.key").mode & 0o777 == 0o600)

        // A restart by the supervisor finds them, and so does the next daemon.
        let container = try await lab.container("shop-web-1")
        let pid = container.state.pid
        try? ProcessHandle.open(pid).send(9)
        try await lab.host.eventually("it runs again") {
            let state = try await lab.container("shop-web-1").state
            return state.phase == .running && state.pid != pid
        }
        #expect(try await look() == wanted)
        try await lab.host.stop()
        try await lab.host.start()
        #expect(try await look() == wanted)
        #expect(try await lab.plan([address: attributes]).lines == [])

        // Another content is another run.
        try Files.write("\(folder)/db.txt", Array("changed\n".utf8), mode: 0o600)
        #expect(
            try await lab.plan([address: attributes]).lines == [
                "restart container.web[1] restart: secret file db.txt changed"
            ])
        try await lab.apply([address: attributes])
        #expect(try await look().hasPrefix("changed\n"))
        try await lab.takeDown()
        try Files.removeTree(folder)
    }

    @Test("what cannot be read is told before anything is touched")
    func unreadable() async throws {
        let lab = try await StackLab()
        let engine = try await lab.host.engine
        func problems(_ file: JSONObject) async throws -> [String] {
            var file = file
            file["target"] = "/run/secrets/x"
            return try await lab.problems(["container.web[1]": StackLab.sleeper(["files": [.object(file)]])])
        }
        #expect(
            try await problems(["source": "/no/such/file"]) == [
                "SC5142 /no/such/file, which a container is to get as a file, cannot be read: it does not exist"
            ])
        #expect(try await problems(["source": "/etc"]).first?.hasSuffix("it is a directory") == true)
        #expect(try await problems(["source": "/dev/zero"]).first?.hasSuffix("it is no regular file") == true)
        let sealed = try await BlockingExecutor.shared.run { try engine.sealedTexts.seal("x") }
        let changed = String(sealed.dropLast()) + (sealed.hasSuffix("0") ? "1" : "0")
        let foreign = try await problems(["sealed": .string(changed)])
        #expect(foreign.first?.hasPrefix("SC5142 a sealed value cannot be opened") == true, "\(foreign)")
        #expect(
            try await problems(["sealed": "sealed:v1:xyz"]).first?.hasPrefix("SC5142 a sealed value is none") == true)
        try await lab.takeDown()
    }

    @Test("a link of the image does not lead out of the container")
    func links() async throws {
        let lab = try await StackLab()
        let trap = try Files.temporaryDirectory(prefix: "stackctl-trap-")
        try await lab.host.docker(
            "run", "--name", "trapped", "busybox", "sh", "-c",
            "mkdir -p /srv \(trap); ln -s /../../../../../..\(trap) /srv/out")
        try await lab.host.docker("commit", "trapped", "trapped")
        try await lab.host.docker("rm", "trapped")
        var attributes = StackLab.sleeper(["files": [["target": "/srv/out/secret", "content": "in here"]]])
        attributes["image"] = "trapped"
        try await lab.apply(["container.web[1]": attributes])
        #expect(try await lab.run("shop-web-1", "cat", "\(trap)/secret") == "in here")
        #expect(try Files.list(trap).isEmpty)
        try await lab.takeDown()
        try Files.removeTree(trap)
    }
}
