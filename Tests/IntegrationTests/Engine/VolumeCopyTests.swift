import Engine
import Linux
import StateStore
import Testing

@Suite("Volumes renamed, copied and brought back", .serialized, .timeLimit(.minutes(10)))
struct VolumeCopyTests {
    /// Puts into a volume what copies lose easily.
    private static func fill(_ path: String) throws {
        try Files.write(path + "/file", Array("hello".utf8), mode: 0o640)
        try Files.link(path + "/file", at: path + "/twin")
        try ExtendedAttributes.set(path + "/file", "user.key", Array("value".utf8))
        try Files.makeDirectories(path + "/folder")
        try Files.chown(path + "/folder", uid: 5, gid: 6)
        try Files.symlink("../../etc/passwd", at: path + "/link")
        try Files.makeFIFO(path + "/pipe", mode: 0o622)
        try Files.write(path + "/.wh.odd", [])
        let sparse = try Files.open(path + "/sparse", [.writeOnly, .create])
        try sparse.truncate(to: 4 << 20)
        try sparse.seek(2 << 20)
        try sparse.writeAll(Array("middle".utf8))
        try Files.setTimes(path + "/folder", modified: Timestamp(seconds: 1000))
    }

    /// One line for each file.
    private static func describe(_ path: String) throws -> [String] {
        try Files.list(path).map { entry in
            let file = path + "/" + entry.name
            let status = try Files.status(file, followLinks: false)
            let link = status.kind == .symbolicLink ? try Files.readLink(file) : ""
            let attributes = try ExtendedAttributes.list(file).joined(separator: ",")
            return "\(entry.name) \(status.kind) \(String(status.mode, radix: 8)) \(status.uid):\(status.gid) "
                + "\(status.linkCount) \(status.kind == .directory ? 0 : status.size) \(status.modified.seconds) "
                + "\(link) \(attributes) \(status.blocks < 1024)"
        }
    }

    @Test("a clone, a snapshot and each kind of archive give every file back as it was")
    func roundTrips() async throws {
        let lab = try await EngineLab()
        func data(_ name: String) -> String { "\(lab.root)/volumes/\(name)/_data" }
        try await lab.stackctl("volume", "create", "--owner", "12:13", "--mode", "0700", "--label", "a=b", "data")
        try Self.fill(data("data"))
        let expected = try Self.describe(data("data"))
        #expect(try await lab.stackctl("volume", "clone", "data", "copy").out == "copy\n")
        #expect(try Self.describe(data("copy")) == expected)
        #expect(try Files.status(data("copy")).uid == 12 && Files.status(data("copy")).mode == 0o700)
        #expect(
            try await lab.stackctl("volume", "clone", "data", "copy", expecting: 1).error.contains("exists already"))

        #expect(try await lab.stackctl("volume", "snapshot", "create", "data", "one").out == "one\n")
        #expect(try await lab.stackctl("volume", "snapshot", "ls", "data").out.contains("one "))
        try Files.write(data("data") + "/file", Array("changed".utf8))
        try Files.removeTree(data("data") + "/folder")
        try await lab.stackctl("volume", "snapshot", "restore", "data", "one")
        #expect(try Self.describe(data("data")) == expected)
        try await lab.stackctl("volume", "snapshot", "rm", "data", "one")
        #expect(
            try await lab.stackctl("volume", "snapshot", "rm", "data", "one", expecting: 1).error.contains(
                "no snapshot"))

        for suffix in ["tar", "tar.gz", "tar.zst"] {
            let file = "\(lab.root)/backup.\(suffix)"
            try await lab.stackctl("volume", "backup", "data", "-o", file)
            try await lab.stackctl("volume", "restore", "from-\(suffix)", file)
            #expect(try Self.describe(data("from-\(suffix)")) == expected, "\(suffix)")
        }
        let whole = try Files.readAll(lab.root + "/backup.tar.gz")
        try Files.write(lab.root + "/cut.tar.gz", Array(whole.prefix(whole.count / 2)))
        for name in ["data", "never"] {
            let failed = try await lab.stackctl("volume", "restore", name, lab.root + "/cut.tar.gz", expecting: 1)
            #expect(failed.error.contains("ends in the middle") || failed.error.contains("damaged"), "\(failed.error)")
        }
        #expect(try Self.describe(data("data")) == expected)
        let left = try Files.list(lab.root + "/volumes").map(\.name)
        #expect(left == ["copy", "data", "from-tar", "from-tar.gz", "from-tar.zst"])
        try await lab.docker(words: ["volume", "rm"] + left)
        try await lab.takeDown()
    }

    @Test("a registry keeps every file, and the daemon keeps no image of it")
    func registry() async throws {
        try await ServerLab.with { registry in
            let lab = try await EngineLab()
            let data = lab.root + "/volumes/data/_data"
            try await lab.docker("volume", "create", "data")
            try Self.fill(data)
            let name = "\(registry.authority)/backups/data:1"
            try await lab.stackctl("volume", "backup", "data", name)
            try await lab.stackctl("volume", "restore", "again", name)
            #expect(try Self.describe(lab.root + "/volumes/again/_data") == Self.describe(data))
            #expect(try await lab.docker("images", "-q").out.split(separator: "\n").count == 1)
            let none = "\(registry.authority)/backups/none:1"
            #expect(
                try await lab.stackctl("volume", "restore", "again", none, expecting: 1).error.contains("not found"))
            try await lab.docker("tag", "busybox", none)
            try await lab.docker("push", none)
            let other = try await lab.stackctl("volume", "restore", "again", none, expecting: 1)
            #expect(other.sentences.contains("is no backup of a volume"), "\(other.error)")
            #expect(try Files.list(lab.root + "/volumes").map(\.name) == ["again", "data"])
            try await lab.takeDown()
        }
    }

    @Test("what runs keeps its volume: it is refused, or frozen meanwhile")
    func inUse() async throws {
        let lab = try await EngineLab()
        let data = lab.root + "/volumes/data/_data"
        try await lab.docker(
            "run", "-d", "--name", "user", "--network", "none", "-v", "data:/d", "busybox", "sleep", "999")
        try await lab.docker("exec", "user", "touch", "/d/old")
        let backup = try await lab.stackctl("volume", "backup", "data", "-o", lab.root + "/b.tar")
        #expect(backup.sentences.contains("the volume data is in use by user"))
        try await lab.docker("exec", "user", "sh", "-c", "echo > /d/new")
        for words in [["restore", "data", lab.root + "/b.tar"], ["rename", "data", "other"]] {
            let refused = try await lab.stackctl(words: ["volume"] + words, expecting: 1)
            #expect(refused.sentences.contains("volume is in use - ["), "\(refused.error)")
        }
        try await lab.stackctl("volume", "restore", "--pause", "data", lab.root + "/b.tar")
        #expect(try await lab.docker("exec", "user", "ls", "/d").out == "old\n")
        #expect(try await lab.docker("inspect", "-f", "{{.State.Status}}", "user").line == "running")

        try await lab.docker("stop", "-t", "0", "user")
        try await lab.stackctl("volume", "rename", "data", "other")
        #expect(!Files.exists(data))
        try await lab.stop()
        try await lab.start()
        #expect(try await lab.docker("inspect", "-f", "{{(index .Mounts 0).Name}}", "user").line == "other")
        try await lab.docker("start", "user")
        #expect(try await lab.docker("exec", "user", "ls", "/d").out == "old\n")
        try await lab.takeDown()
    }

    @Test("what a killed daemon left half-way is finished or removed by the next")
    func crashes() async throws {
        let lab = try await EngineLab()
        let folder = lab.root + "/volumes"
        for name in ["kept", "old", "swap"] {
            try await lab.docker("volume", "create", name)
            try Files.write("\(folder)/\(name)/_data/file", Array(name.utf8))
        }
        try await lab.docker("create", "--name", "user", "-v", "swap:/s", "busybox", "true")
        try await lab.stop()
        // A copy that was cut, one that was complete but not written down, and one that was but for its mark.
        try Files.makeDirectories("\(folder)/.partial-1/_data")
        try Files.makeDirectories("\(folder)/never/_data")
        try Files.write("\(folder)/never/pending", [])
        try Files.write("\(folder)/kept/pending", [])
        // Renamed in the database only.
        try lab.changeDatabase { transaction in
            let row = try #require(try transaction.volume(name: "old"))
            var new = row
            new.name = "renamed"
            try transaction.deleteVolume(name: "old")
            try transaction.save(new)
        }
        try Files.write("\(folder)/old/renaming", Array("renamed".utf8))
        // Old files are half away.
        try Files.write("\(folder)/swap/_data/other", [])
        try Files.makeDirectories("\(folder)/swap/restoring/_data")
        try Files.makeDirectories("\(folder)/swap/restoring/old")
        try Files.write("\(folder)/swap/restoring/_data/restored", [])
        try Files.rename("\(folder)/swap/_data/file", to: "\(folder)/swap/restoring/old/file")
        try await lab.start()
        #expect(try Files.list(folder).map(\.name) == ["kept", "renamed", "swap"])
        #expect(try Files.list(folder + "/kept").map(\.name) == ["_data"])
        #expect(try Files.readText(folder + "/renamed/_data/file") == "old")
        #expect(try Files.list(folder + "/swap").map(\.name) == ["_data"])
        #expect(try Files.list(folder + "/swap/_data").map(\.name) == ["restored"])
        try await lab.takeDown()
    }
}
