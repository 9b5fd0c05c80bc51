import Builder
import Diagnostics
import Dockerfile
import Engine
import ImageStore
import Linux
import OCI
import Testing

@Suite(.timeLimit(.minutes(15)))
struct TransferTests {
    @Test func destinationsAreFilesOrDirectoriesAsTheySay() async throws {
        try await TransferLab.run { lab in
            try lab.write("a.txt", "a", mode: 0o640)
            try lab.write("b.txt", "b")
            try lab.write("dir/one", "1")
            try lab.write("dir/sub/two", "2", mode: 0o4755)
            try Files.chmod(lab.source + "/dir/sub", mode: 0o700)
            try Files.chmod(lab.source + "/dir", mode: 0o711)

            let file = try await lab.copy("a.txt", to: "/new/name")
            #expect(try file.text("new/name") == "a")
            #expect(try file.owner("new/name") == "640 0:0")
            #expect(try file.owner("new") == "755 0:0")
            let into = try await lab.copy("a.txt", to: "/new/")
            #expect(try into.text("new/a.txt") == "a")
            let existing = try await lab.copy("a.txt", to: "/tmp")
            #expect(try existing.text("tmp/a.txt") == "a")
            let relative = try await lab.copy("a.txt", to: "x/.") { $0.workingDirectory = "/w" }
            #expect(try relative.text("w/x/a.txt") == "a")
            let here = try await lab.copy("a.txt", to: ".") { $0.workingDirectory = "/data/seed" }
            #expect(try here.names("data/seed") == ["a.txt", "file"])
            let both = try await lab.copy("a.txt", "b.txt", to: "/both/")
            #expect(try both.names("both") == ["a.txt", "b.txt"])
            #expect(
                try await lab.failure("a.txt", "b.txt", to: "/both").contains(
                    "When using COPY with more than one source file, the destination must be a directory and end with a /"
                ))
            // A directory's content is copied, not itself; what is made on the way is root's.
            let directory = try await lab.copy("dir", to: "/to")
            #expect(try directory.names("to") == ["one", "sub"])
            #expect(try directory.owner("to") == "755 0:0")
            #expect(try directory.owner("to/sub") == "700 0:0")
            #expect(try directory.owner("to/sub/two") == "4755 0:0")
            let merged = try await lab.copy("dir/", to: "/data/seed")
            #expect(try merged.names("data/seed") == ["file", "one", "sub"])
            let everything = try await lab.copy(".", to: "/all")
            #expect(try everything.names("all") == ["a.txt", "b.txt", "dir"])
            #expect(try everything.owner("all/dir") == "711 0:0")
        }
    }

    @Test func whatIsThereIsMergedWithAndNeverReplacedByAnotherKind() async throws {
        try await TransferLab.run { lab in
            try lab.write("tree/etc/new", "n")
            try lab.write("tree/etc/passwd", "root:x:0:0::/:/bin/sh\n")
            try lab.write("clash/etc/passwd/inside", "")
            try lab.write("seed", "")
            let base = try await lab.copy("seed", to: "/prepared/seed") { $0.transfer.owner = "1000:50" }
            #expect(try base.owner("prepared") == "755 1000:50")

            let merged = try await lab.copy("tree", to: "/")
            #expect(try merged.names("etc") == ["group", "new", "passwd"])
            #expect(try merged.text("etc/passwd") == "root:x:0:0::/:/bin/sh\n")
            #expect(try await lab.failure("clash", to: "/").contains("cannot copy to non-directory: /etc/passwd"))
            #expect(try await lab.failure("seed", to: "/etc/passwd/x").contains("mkdir /etc/passwd: not a directory"))
            try lab.write("file/etc", "")
            #expect(
                try await lab.failure("file", to: "/").contains("cannot replace to directory /etc with file"))
            // A layer above repeats what it only passes through.
            let step = try lab.step(["seed"], "/prepared/other", layers: base.layers)
            let above = try await lab.result(of: step)
            #expect(try above.owner("prepared") == "755 1000:50")
            #expect(try above.owner("prepared/other") == "644 0:0")
            // Nothing new makes no layer.
            let builder = try await lab.lab.engine.builder
            #expect(try await builder.makeDirectory("/data/seed", on: base.layers, epoch: nil).layer == nil)
            let made = try await builder.makeDirectory("/work/deep", on: base.layers, epoch: nil)
            #expect(made.layer != nil)
            if let layer = made.layer { try await lab.lab.engine.images.giveBack([layer]) }
        }
    }

    @Test func moreLayersThanOneMountTakesAreRefusedInWords() async throws {
        try await TransferLab.run { lab in
            let place = lab.source + "/view"
            try Files.makeDirectories(place)
            let failure = #expect(throws: BuildFailure.self) {
                let layers = Array(repeating: lab.source, count: 300)
                try MergedView.mount(layers, at: place, empty: lab.source + "/empty")
            }
            #expect(failure?.diagnostics.first?.summary == "300 layers are too many for one image")
        }
    }

    @Test func linksAreFollowedInsideTheirRootOnly() async throws {
        try await TransferLab.run { lab in
            try lab.write("dir/file", "inside")
            try Files.symlink("dir", at: lab.source + "/short")
            try Files.symlink("/dir/file", at: lab.source + "/absolute")
            try Files.symlink("../../../../etc/hostname", at: lab.source + "/climbing")
            try Files.symlink("loop", at: lab.source + "/loop")
            // A source that is a link is what it leads to, inside the context.
            #expect(try await lab.copy("absolute", to: "/tmp/name").text("tmp/name") == "inside")
            #expect(try await lab.copy("short", to: "/tmp/d").names("tmp/d") == ["file"])
            #expect(try await lab.copy("short/file", to: "/tmp/").names("tmp") == ["file"])
            #expect(
                try await lab.failure("climbing", to: "/").contains(
                    "it is a link to /etc/hostname, and links are looked up inside the context only"))
            #expect(try await lab.failure("loop", to: "/").contains("ELOOP"))
            // One in a directory stays a link.
            let all = try await lab.copy(".", to: "/all")
            #expect(try all.status("all/climbing")?.kind == .symbolicLink)
            #expect(try Files.readLink("all/absolute", at: all.tree.root.raw) == "/dir/file")
            // Links in the destination are those of the image.
            try lab.write("links/real/keep", "")
            try Files.symlink("/tmp", at: lab.source + "/links/toTmp")
            try Files.symlink("../../outside", at: lab.source + "/links/up")
            let base = try await lab.copy("links", to: "/links")
            for (destination, found) in [
                ("/links/toTmp/x", "tmp/x"), ("/links/toTmp/", "tmp/file"), ("/links/up/y", "outside/y"),
                ("/links/up", "outside"),
            ] {
                let result = try await lab.result(
                    of: try lab.step(["dir/file"], destination, layers: base.layers))
                #expect(try result.text(found) == "inside", "\(destination)")
            }
            #expect(
                try await lab.failure("nothing", to: "/").contains(
                    "failed to compute cache key: \"/nothing\": not found"))
            #expect(try await lab.failure("dir/fill", to: "/").contains("did you mean `file`?"))
            let above = try await lab.failure("../../etc/passwd", to: "/")
            #expect(above.contains("\"/etc/passwd\": not found; `..` does not lead out of the context"), "\(above)")
        }
    }

    @Test func patternsSelectAndLeaveOut() async throws {
        try await TransferLab.run { lab in
            for name in ["a.go", "b.go", "c.txt", "sub/d.go", "sub/deep/e.go", "we[ird", "node/x", "node/keep/y"] {
                try lab.write(name, name)
            }
            #expect(try await lab.copy("*.go", to: "/o/").names("o") == ["a.go", "b.go"])
            #expect(try await lab.copy("s*/d?go", to: "/o/").names("o") == ["d.go"])
            #expect(try await lab.copy("we[[]ird", to: "/o/").names("o") == ["we[ird"])
            #expect(try await lab.copy("[ab].go", "c.txt", to: "/o/").names("o") == ["a.go", "b.go", "c.txt"])
            // Nothing that fits is no error, and no layer.
            #expect(try await lab.copy("none*", to: "/").layer.layer == nil)
            #expect(try await lab.failure("a[", to: "/").contains("syntax error in pattern"))
            let without = try await lab.copy(".", to: "/o") {
                $0.transfer.excluded = ["**/*.go", "node", "!node/keep"]
            }
            #expect(try without.names("o") == ["c.txt", "node", "sub", "we[ird"])
            #expect(try without.names("o/node") == ["keep"])
            #expect(try without.names("o/sub") == ["deep"])
            let wild = try await lab.copy("*", to: "/o/") { $0.transfer.excluded = ["*.txt", "sub", "we*"] }
            #expect(try wild.names("o") == ["a.go", "b.go", "keep", "x"])
            let ignoring = try await lab.copy(".", to: "/o", ignored: ["# [not a pattern", "**", "!sub/deep"])
            #expect(try ignoring.names("o") == ["sub"])
            #expect(try ignoring.names("o/sub") == ["deep"])
            #expect(
                try await lab.failure("a.go", to: "/", ignored: ["*.go"]).contains(
                    "a pattern of .dockerignore leaves it out"))
            // What a client does not even send.
            #expect(
                try await lab.failure("unsent.go", to: "/", ignored: ["*.go"]).contains(
                    "a pattern of .dockerignore leaves it out"))
        }
    }

    @Test func parentsAreKeptWhereAskedFor() async throws {
        try await TransferLab.run { lab in
            for name in ["x/a/one", "x/a/two", "x/b/one", "y/a/one"] { try lab.write(name, name) }
            try Files.chmod(lab.source + "/x", mode: 0o711)
            func parents(_ sources: [String]) async throws -> TransferLab.Result {
                try await lab.result(of: try lab.step(sources, "/p/") { $0.transfer.keepsParents = true })
            }
            let two = try await parents(["x/a/one", "y/a"])
            #expect(try two.names("p") == ["x", "y"])
            #expect(try two.names("p/x/a") == ["one"])
            #expect(try two.owner("p/x") == "711 0:0")
            let wild = try await parents(["**/one"])
            #expect(try wild.names("p/x") == ["a", "b"])
            #expect(try wild.names("p/x/a") == ["one"])
            let pivot = try await parents(["x/./a/*"])
            #expect(try pivot.names("p") == ["a"])
            #expect(try pivot.names("p/a") == ["one", "two"])
            let step = try lab.step(["x/none"], "/p/") { $0.transfer.keepsParents = true }
            await #expect(throws: BuildFailure.self) { try await lab.result(of: step) }
        }
    }

    @Test func ownersAndModesAreWhatIsAskedFor() async throws {
        try await TransferLab.run { lab in
            try lab.write("dir/file", "", mode: 0o640)
            try lab.write("dir/run", "", mode: 0o755)
            func change(_ owner: String?, _ mode: String? = nil) async throws -> TransferLab.Result {
                try await lab.copy("dir", to: "/new/dir") {
                    $0.transfer.owner = owner
                    $0.transfer.mode = mode
                }
            }
            // A name has the group of its line, a number that of the same number.
            #expect(try await change("user").owner("new/dir/file") == "640 1000:1000")
            #expect(try await change("user:staff").owner("new/dir/file") == "640 1000:50")
            #expect(try await change("7").owner("new/dir/file") == "640 7:7")
            #expect(try await change("7:staff").owner("new/dir/file") == "640 7:50")
            #expect(try await change(":staff").owner("new/dir/file") == "640 0:50")
            #expect(try await change("user").owner("new") == "755 1000:1000")
            #expect(
                try await lab.failure("dir", to: "/new") { $0.transfer.owner = "usr" }
                    == "unable to find user usr: no matching entries in /etc/passwd; did you mean `user`?")
            #expect(
                try await lab.failure("dir", to: "/new") { $0.transfer.owner = "user:nobody" }.contains(
                    "unable to find group nobody: no matching entries in /etc/group"))
            let octal = try await change(nil, "0600")
            #expect(try octal.owner("new/dir/run") == "600 0:0")
            let symbolic = try await change(nil, "u=rwX,go=rX")
            #expect(try symbolic.owner("new/dir/file") == "644 0:0")
            #expect(try symbolic.owner("new/dir/run") == "755 0:0")
            #expect(
                try await lab.failure("dir", to: "/new") { $0.transfer.mode = "0999" }.contains(
                    "invalid chmod parameter: '0999'. it should be octal string and between 0 and 07777"))
            // A stage's files keep their owners.
            let stage = try await change("user:staff")
            let kept = try await lab.result(
                of: TransferStep(
                    EvaluatedTransfer(isAdd: false, sources: [.path("/new/dir/file")], destination: "/copy"),
                    from: stage.tree, onto: [], title: "COPY --from"))
            #expect(try kept.owner("copy") == "640 1000:50")
        }
    }

    @Test func linkedLayersDependOnNothingBelow() async throws {
        try await TransferLab.run { lab in
            try lab.write("file", "new")
            func linked(_ layers: [Digest]?) async throws -> TransferLab.Result {
                try await lab.result(
                    of: try lab.step(["file"], "/data/seed/file/", layers: layers) { $0.transfer.isLinked = true })
            }
            let over = try await linked(nil)
            // What is there of another kind is covered, not refused.
            #expect(try over.names("data/seed/file") == ["file"])
            #expect(try over.names("data/seed") == ["file"])
            #expect(try await linked([]).layer == over.layer)
        }
    }

    @Test func hardLinksHolesAndAttributesAreKept() async throws {
        try await TransferLab.run { lab in
            try lab.write("dir/one", "shared")
            try Files.link(lab.source + "/dir/one", at: lab.source + "/dir/two")
            try ExtendedAttributes.set(lab.source + "/dir/one", "user.note", [1, 2, 0, 3])
            let sparse = try Files.open(lab.source + "/dir/sparse", [.writeOnly, .create]).shared()
            try sparse.seek(64 << 20)
            try sparse.writeAll(Array("end".utf8))
            try lab.write("heavy/.wh.gone", "")
            try Files.setTimes(lab.source + "/dir/one", modified: Timestamp(seconds: 1_000_000_000))
            let result = try await lab.copy("dir", to: "/dir") { $0.epoch = Timestamp(seconds: 999_999_999) }
            #expect(try result.status("dir/one")?.inode == result.status("dir/two")?.inode)
            #expect(try result.status("dir/one")?.linkCount == 2)
            #expect(try result.status("dir/one")?.modified == Timestamp(seconds: 999_999_999))
            #expect((result.layer.newest ?? Timestamp(seconds: 0)) > Timestamp(seconds: 1_000_000_000))
            #expect(try result.status("dir/sparse")?.size == (64 << 20) + 3)
            let file = try Files.openInRoot(result.tree.root.raw, "dir/one").shared()
            #expect(try ExtendedAttributes.get(file.raw, "user.note") == [1, 2, 0, 3])
            if let layer = result.layer.layer {
                let path = try #require(
                    try Files.list(lab.lab.root + "/layers").map(\.name).first { layer.hex.hasPrefix($0) })
                let image = try Files.status("\(lab.lab.root)/layers/\(path)/layer.erofs")
                #expect(image.blocks * 512 < 8 << 20, "zeros take room")
            }
            #expect(try await lab.failure("heavy", to: "/").contains("cannot be in an image"))
            // The other way round through an archive: a second copy of the layer's files is the same.
            let again = try await lab.copy("dir", to: "/dir") { $0.epoch = Timestamp(seconds: 999_999_999) }
            #expect(again.layer.layer == result.layer.layer)
        }
    }

    @Test func theDigestIsOfWhatIsCopiedAndOfNothingElse() async throws {
        try await TransferLab.run { lab in
            try lab.write("dir/a", "1")
            try lab.write("other", "1")
            func digest(_ change: (inout TransferStep) -> Void = { _ in }) async throws -> String {
                try await lab.digest(of: try lab.step(["dir"], "/to", change))
            }
            let first = try await digest()
            try Files.setTimes(lab.source + "/dir/a", modified: Timestamp(seconds: 5))
            try lab.write("other", "2")
            #expect(try await digest() == first)
            #expect(try await digest { $0.layers = [] } == first)
            #expect(try await digest { $0.transfer.owner = "user" } != first)
            #expect(try await digest { $0.transfer.mode = "0600" } != first)
            #expect(try await digest { $0.transfer.destination = "/two" } != first)
            #expect(try await digest { $0.transfer.excluded = ["a"] } != first)
            #expect(try await digest { $0.transfer.excluded = ["b"] } == first)
            try Files.chmod(lab.source + "/dir/a", mode: 0o755)
            let changed = try await digest()
            #expect(changed != first)
            try lab.write("dir/a", "2", mode: 0o755)
            #expect(try await digest() != changed)
            let builder = try await lab.lab.engine.builder
            let tree = try await builder.contentDigest(of: try lab.context(), path: "/dir")
            #expect(try await builder.contentDigest(of: try lab.context(), path: "dir/.") == tree)
            try lab.write("dir/b", "")
            #expect(try await builder.contentDigest(of: try lab.context(), path: "/dir") != tree)
        }
    }
}
