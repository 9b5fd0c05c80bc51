import Archives
import ImageStore
import Linux
import OCI
import StateStore
import Testing

@Suite("A daemon that takes in an image", .serialized, .timeLimit(.minutes(15)))
struct ImageStoreCrashTests {
    /// More steps than a load of three layers has.
    private static let bound = 60

    /// The image of three layers as an archive: gzip, zstd and plain.
    private static let archive =
        ImageArchiveFixture.threeLayerImage + """
            printf '{"imageLayoutVersion":"1.0.0"}' > oci/oci-layout
            printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"sha256:%s","size":%s,"annotations":{%s}}]}' \
                application/vnd.oci.image.manifest.v1+json "$(digest manifest.json)" "$(size manifest.json)" \
                '"io.containerd.image.name":"docker.io/library/demo:1"' > oci/index.json
            tar -cf archive.tar -C oci .

            """

    private func end(_ daemon: ChildProcess) async throws {
        try daemon.send(15)
        _ = try await daemon.exitStatus()
    }

    @Test("kill -9 at every step of a load: the store opens, verifies, has nothing half made, and the next load works")
    func killed() async throws {
        try await ImageArchiveFixture.withFiles(Self.archive) { directory in
            let lab = try ProgramLab()
            var step = 1
            while step < Self.bound {
                let doomed = try await lab.daemon(environment: ["STACKCTL_CRASH_AT_STORE=\(step)"])
                let answer = try await lab.stackctl("load", "-i", directory + "/archive.tar", expecting: nil)
                let wasHit = answer.code != 0
                if !wasHit { try doomed.send(15) }
                #expect(try await doomed.exitStatus().code == (wasHit ? 137 : 0), "step \(step): \(answer.text)")
                try await expectWhole(lab, step)
                let daemon = try await lab.daemon()
                try await lab.stackctl("load", "-i", directory + "/archive.tar")
                try await lab.stackctl("image", "rm", "demo:1")
                try await end(daemon)
                try await expectEmpty(lab, step)
                if !wasHit { break }
                step += 1
            }
            #expect((12..<Self.bound).contains(step))
            try await lab.takeDown()
        }
    }

    /// Opens the store as the next daemon does.
    private func open(_ lab: ProgramLab) throws -> ImageStore {
        try ImageStore(root: lab.root, database: try StateDatabase(path: lab.root + "/state.db"))
    }

    private func expectWhole(_ lab: ProgramLab, _ step: Int) async throws {
        let store = try open(lab)
        #expect(store.recoveryNotes.isEmpty, "step \(step)")
        #expect(try await store.verify().isEmpty, "step \(step)")
        #expect(!Files.exists(lab.root + "/layers/.incoming"), "step \(step)")
    }

    private func expectEmpty(_ lab: ProgramLab, _ step: Int) async throws {
        _ = try open(lab)
        for directory in ["layers", "blobs/sha256"] {
            let left = try Files.list("\(lab.root)/\(directory)").map(\.name)
            #expect(left.isEmpty, "step \(step): \(left)")
        }
    }

    @Test("the daemon's memory does not grow with the layer")
    func memory() async throws {
        let lab = try ProgramLab()
        let daemon = try await lab.daemon()
        try await lab.stackctl("image", "ls")
        let before = try peakMemory(daemon)
        try writeArchive(to: lab.folder + "/large.tar", layerBytes: 384 << 20)
        let load = lab.request(lab.programs + "/stackctl", ["load", "-i", lab.folder + "/large.tar"])
        let loaded = try await Spawn.run(load, timeout: .seconds(600))
        #expect(loaded.status.isSuccess, "\(loaded.errorText)")
        let after = try peakMemory(daemon)
        #expect(after - before < 64 << 20, "\(before) \(after)")
        try await end(daemon)
        try await lab.takeDown()
    }

    /// Bytes of memory that a process had at most.
    private func peakMemory(_ process: ChildProcess) throws -> Int64 {
        let status = try Files.readText("/proc/\(process.pid)/status")
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int64($0) }) << 10
    }

    /// An archive with one plain layer that has one file of zeros, most of it a hole of the archive too.
    private func writeArchive(to path: String, layerBytes: UInt64) throws {
        var file = TarEntry(path: Array("zeros".utf8), kind: .regular)
        file.size = layerBytes
        let head = try TarWriter.header(of: file)
        let tail = TarWriter.padding(after: layerBytes) + TarWriter.endMarker
        let hash = SHA256()
        hash.update(head)
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<(layerBytes >> 20) { hash.update(zeros) }
        hash.update(tail)
        let layer = hash.finishHex()
        let config = Array(
            #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:\#(layer)"]}}"#.utf8)
        let manifest = Array(#"[{"Config":"c.json","RepoTags":["large:1"],"Layers":["layer.tar"]}]"#.utf8)
        let archive = try Files.open(path, [.readWrite, .create], mode: 0o600)
        func add(_ name: String, _ bytes: [UInt8], hole: UInt64 = 0, _ rest: [UInt8] = []) throws {
            var entry = TarEntry(path: Array(name.utf8), kind: .regular)
            entry.size = UInt64(bytes.count + rest.count) + hole
            try archive.writeAll(try TarWriter.header(of: entry) + bytes)
            if hole > 0 { try archive.seek(Int64(hole), from: .current) }
            try archive.writeAll(rest + TarWriter.padding(after: entry.size))
        }
        try add("c.json", config)
        try add("layer.tar", head, hole: layerBytes, tail)
        try add("manifest.json", manifest)
        try archive.writeAll(TarWriter.endMarker)
    }
}
