import Archives
import Linux
import OCI

/// The hash of a content as it comes, by one of the registered algorithms.
final class ContentHash {
    let algorithm: Digest.Algorithm
    private let sha256: SHA256?
    private let sha512: SHA512?

    init(_ algorithm: Digest.Algorithm) {
        self.algorithm = algorithm
        sha256 = algorithm == .sha256 ? SHA256() : nil
        sha512 = algorithm == .sha512 ? SHA512() : nil
    }

    func update(_ bytes: [UInt8]) {
        sha256?.update(bytes)
        sha512?.update(bytes)
    }

    /// Ends the hash.
    func finish() -> Digest? {
        Digest(algorithm: algorithm, hex: sha256?.finishHex() ?? sha512?.finishHex() ?? "")
    }

    /// The digest of bytes in memory.
    static func digest(of bytes: [UInt8], _ algorithm: Digest.Algorithm = .sha256) -> Digest? {
        let hash = ContentHash(algorithm)
        hash.update(bytes)
        return hash.finish()
    }

    /// The digest of a file.
    static func digest(
        ofFile file: SharedDescriptor, _ algorithm: Digest.Algorithm
    ) throws(SystemError) -> Digest? {
        let hash = ContentHash(algorithm)
        var offset: Int64 = 0
        while true {
            let piece = try file.pread(upTo: 1 << 20, at: offset)
            if piece.isEmpty { return hash.finish() }
            hash.update(piece)
            offset += Int64(piece.count)
        }
    }
}
