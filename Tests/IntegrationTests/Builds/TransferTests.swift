import Builder
import Dockerfile
import Engine
import ImageStore
import Linux
import OCI
import Testing

@Suite(.timeLimit(.minutes(5)))
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
}
