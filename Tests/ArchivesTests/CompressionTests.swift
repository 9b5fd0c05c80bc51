import Archives
import Linux
import Testing

@Suite("Compressed streams")
struct CompressionTests {
    /// What `printf 'hello' | gzip -n` prints.
    private let hello: [UInt8] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0,
    ]

    private func text(_ bytes: [UInt8], limits: InflateLimits = .init()) throws -> String {
        let source = try Compression.decompressing(MemorySource(bytes), limits: limits)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000, alignment: 1)
        defer { buffer.deallocate() }
        var result: [UInt8] = []
        while true {
            let count = try source.read(into: buffer)
            if count == 0 { return String(decoding: result, as: UTF8.self) }
            result.append(contentsOf: buffer.prefix(count))
        }
    }

    @Test("gzip is known by its first bytes; several members and padding are one stream")
    func gzip() throws {
        #expect(try text(hello) == "hello")
        #expect(try text(hello + hello) == "hellohello")
        #expect(try text(hello + [0, 0, 0, 0]) == "hello")
        #expect(try text(hello + [0, 0, 0, 0] + hello) == "hellohello")
        #expect(throws: ArchiveError.self) { try text(hello + [0, 0, 0, 0] + Array("more".utf8)) }
        #expect(try text(Array("plain".utf8)) == "plain")
        #expect(try text([]) == "")
    }

    @Test(
        "gzip written by several threads is one member that gzip reads, and has the same bytes however many they are",
        arguments: [0, 5, 512 << 10, (512 << 10) + 1, 3 << 20, 5_000_000])
    func parallelGzip(size: Int) async throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-gzip-")
        defer { try? Files.removeTree(directory) }
        // Text that repeats itself, and noise.
        var state = UInt64(size) | 1
        let content = (0..<size).map { index -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return index / 40_000 % 2 == 0
                ? UInt8(truncatingIfNeeded: index % 251) : UInt8(truncatingIfNeeded: state >> 56)
        }
        var written: [[UInt8]] = []
        for threads in [1, 2, 7] {
            let path = "\(directory)/\(threads).gz"
            let writer = try ParallelGzipWriter(
                Files.open(path, [.writeOnly, .create], mode: 0o600).shared(), level: 3, threads: threads)
            // Pieces of any size come to the same.
            var rest = content[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(threads * 70_001))
                try piece.withUnsafeBytes { try writer.append($0) }
                rest = rest.dropFirst(piece.count)
            }
            try writer.finish()
            written.append(try Files.readAll(path, limit: 1 << 28))
            let read = try await Spawn.run(
                SpawnRequest("/usr/bin/gzip", ["-dc", path]), timeout: .seconds(150), outputLimit: 1 << 28)
            #expect(read.status.isSuccess && read.errorText.isEmpty, "\(read.errorText)")
            let isSame = read.standardOutput == content
            #expect(isSame)
        }
        #expect(Set(written).count == 1)
        let source = try Compression.decompressing(MemorySource(written[0]))
        let isSame = try source.readAll(limit: 1 << 28) == content
        #expect(isSame)
    }

    @Test("gzip by several threads ends with the disk's error, and with a writer that is dropped")
    func interruptedGzip() throws {
        let full = try ParallelGzipWriter(Files.open("/dev/full", .writeOnly).shared(), threads: 3)
        let noise = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        let error = #expect(throws: ArchiveError.self) { try noise.withUnsafeBytes { try full.append($0) } }
        #expect("\(error.map { "\($0)" } ?? "")".contains("ENOSPC"))
        let dropped = try ParallelGzipWriter(Files.open("/dev/null", .writeOnly).shared(), threads: 3)
        try noise.prefix(1 << 20).withUnsafeBytes { try dropped.append($0) }
    }

    @Test("bzip2 and xz, of several streams too; a cut one is found", arguments: ["bzip2", "xz"])
    func otherFormats(program: String) async throws {
        let packed = try await Spawn.run(
            SpawnRequest("/bin/sh", ["-c", "(printf one | \(program) -c; printf two | \(program) -c) 2>/dev/null"]))
        let bytes = packed.standardOutput
        #expect(try text(bytes) == "onetwo")
        for length in stride(from: 7, to: bytes.count / 2 - 4, by: 3) {
            #expect(throws: ArchiveError.self) { try text(Array(bytes.prefix(length))) }
        }
        var changed = bytes
        changed[changed.count / 4] ^= 0x55
        #expect(throws: ArchiveError.self) { try text(changed) }
    }

    @Test(
        "what is not read here is named",
        arguments: [
            ("lz4", [4, 0x22, 0x4d, 0x18, 0, 0] as [UInt8])
        ])
    func unsupported(name: String, bytes: [UInt8]) {
        let error = #expect(throws: ArchiveError.self) { try text(bytes) }
        let rest = "is not supported here; give the archive uncompressed or as gzip, zstd, xz or bzip2"
        #expect(error?.description == "\(name) \(rest)")
    }

    @Test("a cut or changed stream is found")
    func corrupt() {
        for length in 3..<hello.count {
            #expect(throws: ArchiveError.self) { try text(Array(hello.prefix(length))) }
        }
        var changed = hello
        changed[18] ^= 1
        let error = #expect(throws: ArchiveError.self) { try text(changed) }
        #expect(error?.description.contains("gzip stream is damaged at byte") == true)
    }

    @Test("a decompression bomb is stopped at its limit")
    func bomb() async throws {
        let packed = try await Spawn.run(
            SpawnRequest("/bin/sh", ["-c", "head -c 50000000 /dev/zero | gzip -9"]), outputLimit: 1 << 20)
        let limits = InflateLimits(freeBytes: 1 << 20, ratio: 200, maximumBytes: 1 << 40)
        let error = #expect(throws: ArchiveError.self) { try text(packed.standardOutput, limits: limits) }
        #expect(error?.description.contains("200 times the compressed size") == true)
        #expect(error?.description.contains("decompression bomb") == true)
        #expect(try text(packed.standardOutput).utf8.count == 50_000_000)
    }

    @Test("SHA-256 agrees with the published examples")
    func sha256() {
        #expect(SHA256.hex(of: []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256.hex(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    private func packed(_ command: String) async throws -> [UInt8] {
        let result = try await Spawn.run(SpawnRequest("/bin/sh", ["-c", command]), outputLimit: 64 << 20)
        try #require(result.status.isSuccess, "\(result.errorText)")
        return result.standardOutput
    }

    @Test("zstd is read in several frames, and a cut or changed stream is found")
    func zstd() async throws {
        let hello = try await packed("printf hello | zstd -c")
        #expect(try text(hello) == "hello")
        #expect(try text(hello + hello) == "hellohello")
        for length in 6..<hello.count {
            #expect(throws: ArchiveError.self) { try text(Array(hello.prefix(length))) }
        }
        var changed = hello
        changed[hello.count - 1] ^= 1
        let error = #expect(throws: ArchiveError.self) { try text(changed) }
        #expect(error?.description.contains("zstd stream is damaged at byte") == true)
        let long = try await packed("seq 1 300000 | zstd -c -19")
        let plain = try await packed("seq 1 300000")
        #expect(try text(long) == String(decoding: plain, as: UTF8.self))
    }

    @Test("a zstd stream that wants a window over 128 MiB or expands too far is refused")
    func zstdLimits() async throws {
        let wide = try await packed("head -c 300000000 /dev/zero | zstd -c --long=28 --zstd=wlog=28")
        let error = #expect(throws: ArchiveError.self) { try text(wide) }
        #expect(error?.description.contains("memory") == true)
        let bomb = try await packed("head -c 50000000 /dev/zero | zstd -c")
        let limits = InflateLimits(freeBytes: 1 << 20, ratio: 200, maximumBytes: 1 << 40)
        let stopped = #expect(throws: ArchiveError.self) { try text(bomb, limits: limits) }
        #expect(stopped?.description.contains("decompression bomb") == true)
    }

    @Test("ISA-L and zlib give the same bytes of the same members", arguments: [true, false])
    func decoders(usesISAL: Bool) async throws {
        let packed = try await self.packed(
            "for n in 1 7 100 70000 300000; do seq 1 $n | gzip -n; done; : | gzip -n; head -c 5000000 /dev/zero | gzip -n9"
        )
        let plain = try await self.packed("for n in 1 7 100 70000 300000; do seq 1 $n; done; head -c 5000000 /dev/zero")
        let source = try GzipSource(MemorySource(packed), usesISAL: usesISAL)
        #expect(try source.readAll(limit: 1 << 24) == plain)
        for cut in stride(from: 1, to: packed.count, by: packed.count / 20) {
            let source = try GzipSource(MemorySource(Array(packed.prefix(cut))), usesISAL: usesISAL)
            // A cut between two members cannot be seen.
            if let bytes = try? source.readAll(limit: 1 << 24) { #expect(plain.starts(with: bytes)) }
        }
        var changed = packed
        changed[packed.count / 2] ^= 0x55
        let damaged = changed
        #expect(throws: ArchiveError.self) {
            try GzipSource(MemorySource(damaged), usesISAL: usesISAL).readAll(limit: 1 << 24)
        }
    }
}
