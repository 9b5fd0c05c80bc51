import Archives
import HTTP
import OCI

extension RegistryClient {
    /// Opens a blob.
    ///
    /// - Parameters:
    ///   - size: its size where known; anything else that comes is refused.
    ///   - offset: the first byte wanted, for a pull that goes on.
    ///   - hash: with an offset, the hash of the bytes before it; without one nothing but the size is verified.
    ///   - isVerified: whether the digest is computed here; the caller does it otherwise.
    package func blob(
        _ digest: Digest, size: Int64? = nil, from offset: Int64 = 0, hash: SHA256? = nil, isVerified: Bool = true
    ) throws(RegistryError) -> BlobStream {
        guard digest.algorithm == .sha256 else { throw .unsupportedDigest(digest.description) }
        let own = offset == 0 ? SHA256() : hash
        let stream = BlobStream(self, digest, size: size, offset: offset, hash: isVerified ? own : nil)
        try stream.open()
        return stream
    }

    /// A small blob, such as an image's config, as a whole.
    ///
    /// - Parameter limit: most bytes of it.
    package func blobBytes(
        _ digest: Digest, size: Int64? = nil, limit: Int = 4 << 20
    ) throws(RegistryError) -> [UInt8] {
        let name = RequestName(method: "GET", address: "\(domain)/\(repository)@\(digest)")
        if let size, size > Int64(limit) { throw .tooLarge(name, what: "the blob", limit: limit) }
        let stream = try blob(digest, size: size)
        defer { stream.close() }
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count: Int
            do throws(ArchiveError) {
                count = try stream.read(into: buffer)
            } catch {
                throw stream.failure ?? .interrupted(name, error.description)
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else { throw .tooLarge(name, what: "the blob", limit: limit) }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    /// Whether the registry itself has a blob in the repository.
    package func exists(_ digest: Digest) throws(RegistryError) -> Bool {
        let response = try origin.call(
            RegistryCall(method: "HEAD", target: .path(path("blobs/\(digest)")), scopes: [.pull(repository)]))
        switch response.status {
        case 200:
            response.close()
            return true
        case 404:
            response.close()
            return false
        default: throw ErrorList.error(response)
        }
    }

    /// Removes a blob from the repository.
    package func deleteBlob(_ digest: Digest) throws(RegistryError) {
        try origin.call(
            RegistryCall(method: "DELETE", target: .path(path("blobs/\(digest)")), scopes: [.delete(repository)]),
            expecting: [200, 202, 204]
        ).close()
    }
}
