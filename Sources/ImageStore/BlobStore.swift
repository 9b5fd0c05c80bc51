import Archives
import Diagnostics
import Linux
import OCI

/// Configs, manifests and compressed layers, kept byte for byte under the digest of their bytes.
struct BlobStore: Sendable {
    let layout: StoreLayout

    /// Larger documents are refused by registries too.
    static let sizeLimit = 16 << 20

    /// Keeps bytes; the same bytes twice are kept once.
    func put(_ bytes: [UInt8]) throws -> Digest {
        let digest = try Self.digest(of: bytes)
        let path = layout.blob(digest)
        if try Files.statusIfPresent(path)?.size == Int64(bytes.count) { return digest }
        try Files.writeAtomically(path, bytes, mode: 0o644, fsync: true)
        return digest
    }

    /// Gives the bytes of a digest, checked against it.
    ///
    /// - Throws: `Diagnostic` (damaged) when they are gone or changed.
    func read(_ digest: Digest, what: String) throws(Diagnostic) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try Files.readAll(layout.blob(digest), limit: Self.sizeLimit)
        } catch {
            throw Diagnostic(
                code: StoreCode.damaged, summary: "\(what) \(digest) cannot be read", detail: error.description,
                hint: "remove the image and make it again")
        }
        guard SHA256.hex(of: bytes) == digest.hex else {
            throw Diagnostic(
                code: StoreCode.damaged, summary: "\(what) \(digest) is damaged",
                detail: "the bytes of \(layout.blob(digest)) have another digest",
                hint: "remove the image and make it again")
        }
        return bytes
    }

    /// Whether there is a file for it.
    func has(_ digest: Digest) -> Bool { Files.exists(layout.blob(digest)) }

    /// Reads a blob of any size again; false when its bytes have another digest, nil when it is gone.
    func isIntact(_ digest: Digest) throws -> Bool? {
        guard has(digest) else { return nil }
        let source = HashingSource(DescriptorSource(try Files.open(layout.blob(digest)).shared()))
        try source.forEachPiece { _ in }
        return source.hash.finishHex() == digest.hex
    }

    func remove(_ digest: Digest) throws {
        try Files.unlinkIfPresent(layout.blob(digest))
    }

    /// Every blob's digest and size.
    ///
    /// Files that are no blobs are not listed.
    func list() throws -> [(digest: Digest, size: Int64)] {
        var blobs: [(Digest, Int64)] = []
        for entry in try Files.list(layout.blobs) {
            guard let digest = Digest(sha256Hex: entry.name) else { continue }
            blobs.append((digest, try Files.statusIfPresent(layout.blob(digest))?.size ?? 0))
        }
        return blobs
    }

    /// Names of blobs that were being written when the daemon was killed.
    func listUnfinished() throws -> [String] {
        try Files.list(layout.blobs).map(\.name).filter { name in
            name.hasSuffix(".tmp") && Digest(sha256Hex: name.prefix(64)) != nil
        }
    }

    /// The digest of bytes as text.
    static func name(of bytes: [UInt8]) -> String { "sha256:" + SHA256.hex(of: bytes) }

    static func digest(of bytes: [UInt8]) throws -> Digest {
        try digest(hex: SHA256.hex(of: bytes))
    }

    static func digest(hex: String) throws -> Digest {
        guard let digest = Digest(sha256Hex: hex) else {
            throw Diagnostic(code: StoreCode.io, summary: "a hash has a wrong length")
        }
        return digest
    }
}
