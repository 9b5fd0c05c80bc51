import HTTP
import JSONText
import Linux
import OCI
import Registry
import Synchronization
import Testing

/// What nothing names goes, what is named or on its way stays; also when the server is killed.
@Suite("garbage and crashes of the registry server", .timeLimit(.minutes(4)))
struct ServerCollectionTests {
    /// Runs `stackctl registry gc` and reads its report.
    private static func collect(_ lab: ServerLab, _ options: String...) async throws -> JSONValue {
        let result = try await Spawn.run(
            SpawnRequest(ServerLab.program(), ["registry", "gc", "--json", "--root", lab.root] + options),
            timeout: .seconds(150))
        try #require(result.status.isSuccess, "\(result.errorText)")
        return try JSONValue.parse(result.outputText)
    }

    /// Makes everything in the store as old as the last year.
    private static func age(_ path: String) throws {
        for entry in try Files.list(path) {
            let name = "\(path)/\(entry.name)"
            if entry.kind == .directory {
                try age(name)
            } else {
                try ageFile(name)
            }
        }
    }

    private static func ageFile(_ path: String) throws {
        try Files.setTimes(path, modified: Timestamp(seconds: Clock.now().seconds - 365 * 86_400))
    }

    @Test("blobs and manifests that nothing names are removed, and only those")
    func garbage() async throws {
        try await ServerLab.with { lab in
            let kept = SampleImage(seed: 1)
            let untagged = SampleImage(seed: 2)
            let loose = Array("no manifest names this".utf8)
            try await lab.blocking {
                try kept.push(lab.client("a"), tag: "v1")
                try untagged.push(lab.client("a"), tag: "v2")
                try untagged.push(lab.client("b/c"), tag: "v2")
                try lab.client("a").deleteManifest("v2")
            }
            let name = try await lab.push(loose, to: "a")
            // Nothing is old enough.
            #expect(try await Self.collect(lab)["contents"] == 0)
            #expect(try await lab.send("HEAD", "/v2/a/blobs/\(name)").status == 200)
            try Self.age(lab.root + "/blobs")
            try Self.age(lab.root + "/repositories")
            // A client that is told the blob exists may name it in a manifest.
            #expect(try await lab.send("HEAD", "/v2/a/blobs/\(name)").status == 200)
            #expect(try await Self.collect(lab)["blobs"] == 0)
            try Self.age(lab.root + "/repositories")
            let first = try await Self.collect(lab)
            #expect(first["blobs"] == 1)
            #expect(first["contents"] == 1)
            #expect(first["bytes"] == .int(Int64(loose.count)))
            #expect(first["manifests"] == 0)
            let second = try await Self.collect(lab, "--untagged")
            #expect(second["manifests"] == 1)
            // The other repository needs its contents still; what it shares with `v1` of `a` too.
            #expect(second["contents"] == 0)
            try await lab.blocking {
                #expect(try lab.client("a").manifest("v1").bytes == kept.manifest)
                for layer in untagged.layers {
                    #expect(try lab.client("b/c").blobBytes(SampleImage.digest(layer)) == layer)
                }
                try lab.client("b/c").deleteManifest(SampleImage.digest(untagged.manifest).description)
            }
            try Self.age(lab.root + "/repositories")
            let third = try await Self.collect(lab)
            #expect(third["repositories"] == 1)
            #expect(try await lab.send("GET", "/v2/_catalog").json["repositories"] == ["a"])
            try lab.verify()
        }
    }

    @Test("it works without a server too")
    func offline() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-server-")
        defer { try? Files.removeTree(folder) }
        let lab = try await ServerLab.start(in: folder)
        try await lab.push([1, 2, 3], to: "a")
        #expect(try await lab.stop().isSuccess)
        try Self.age(lab.root + "/repositories")
        try Self.age(lab.root + "/blobs")
        #expect(try await Self.collect(lab)["contents"] == 1)
    }

    @Test("images that are pushed while garbage is collected are whole")
    func pushesMeanwhile() async throws {
        try await ServerLab.with(["--no-access-log"]) { lab in
            let rounds = 12
            let isOver = Atomic(false)
            let collecting = Task {
                while !isOver.load(ordering: .relaxed) { _ = try await Self.collect(lab) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { isOver.store(true, ordering: .relaxed) }
                for worker in 0..<3 {
                    group.addTask {
                        for round in 0..<rounds {
                            let image = SampleImage(seed: UInt8(worker * 50 + round), length: 200_000)
                            try await lab.blocking {
                                try image.push(lab.client("w\(worker)"), tag: "r\(round)", mode: .chunked(64 << 10))
                            }
                            // Garbage, made on the way; a grace that ends here may end before a slow push does.
                            let loose = try await lab.push(Array("loose \(worker) \(round)".utf8), to: "w\(worker)")
                            // The image stays because it is named, not because it is new.
                            let layers = try image.layers.map { try SampleImage.digest($0) }
                            for digest in layers + [try SampleImage.digest(image.manifest), loose] {
                                try Self.ageFile("\(lab.root)/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex)")
                            }
                            for digest in layers + [loose] {
                                try Self.ageFile("\(lab.root)/repositories/w\(worker)/blobs/sha256-\(digest.hex)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            // A collection under way takes files away while they are listed.
            try await collecting.value
            try lab.verify()
            try await lab.eventually("the garbage is gone") {
                _ = try await Self.collect(lab)
                let contents = try lab.files().filter { $0.hasPrefix("blobs/") }
                // Each image has a manifest and a layer and a small layer of its own; the config is common.
                return contents.count == 3 * rounds * 3 + 1
            }
            try await lab.blocking {
                for worker in 0..<3 {
                    let client = try lab.client("w\(worker)")
                    for round in 0..<rounds {
                        let image = SampleImage(seed: UInt8(worker * 50 + round), length: 200_000)
                        #expect(try client.manifest("r\(round)").bytes == image.manifest)
                        for layer in image.layers {
                            #expect(try client.blobBytes(SampleImage.digest(layer)) == layer)
                        }
                    }
                }
            }
            try lab.verify()
        }
    }

    @Test("a server that is killed in the middle of pushes and tag moves has all it said it has")
    func crashes() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-server-")
        defer { try? Files.removeTree(folder) }
        var promised: [String: Digest] = [:]
        for start in 0..<4 {
            let lab = try await ServerLab.start(in: folder, ["--no-access-log"])
            let pushing = Task { () -> [String: Digest] in
                var done: [String: Digest] = [:]
                for round in 0..<1000 {
                    let image = SampleImage(seed: UInt8(start * 60 + round % 60), length: 200_000)
                    let names = ["s\(start)-\(round)", "moving"]
                    do {
                        try await lab.blocking {
                            var options = RegistryOptions()
                            options.retry.attempts = 1
                            let client = try RegistryClient(domain: lab.authority, repository: "a", options: options)
                            for name in names { try image.push(client, tag: name, mode: .chunked(64 << 10)) }
                        }
                    } catch {
                        break
                    }
                    done[names[0]] = try SampleImage.digest(image.manifest)
                }
                return done
            }
            try await lab.eventually("a few images are pushed") {
                ((try? Files.list(lab.root + "/repositories/a/tags").count) ?? 0) > (start + 1) * 3
            }
            try await lab.kill()
            promised.merge(try await pushing.value) { $1 }
            #expect(!promised.isEmpty)
        }
        let lab = try await ServerLab.start(in: folder, ["--no-access-log"])
        do {
            #expect(try Files.list(lab.root + "/tmp").isEmpty)
            try lab.verify()
            for (tag, digest) in promised {
                #expect(
                    try await lab.send("HEAD", "/v2/a/manifests/\(tag)").headers["Docker-Content-Digest"]
                        == digest.description)
            }
            #expect(try await lab.send("GET", "/v2/a/manifests/moving").status == 200)
            try await lab.kill()
        } catch {
            try? await lab.kill()
            throw error
        }
    }

    @Test("an upload goes on after the server was started anew")
    func resumedUpload() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-server-")
        defer { try? Files.removeTree(folder) }
        let first = try await ServerLab.start(in: folder)
        let place = try #require(try await first.send("POST", "/v2/a/blobs/uploads/").headers["Location"])
        #expect(try await first.send("PATCH", place, body: Array("hello, ".utf8)).status == 202)
        try await first.kill()
        let second = try await ServerLab.start(in: folder)
        let digest = try SampleImage.digest(Array("hello, world".utf8))
        #expect(try await second.send("GET", place).headers["Range"] == "0-6")
        #expect(
            try await second.send("PATCH", place, ["Content-Range": "7-11"], body: Array("world".utf8)).status == 202)
        #expect(try await second.send("PUT", "\(place)?digest=\(digest)").status == 201)
        #expect(try await second.send("GET", "/v2/a/blobs/\(digest)").text == "hello, world")
        try await second.kill()
    }
}
