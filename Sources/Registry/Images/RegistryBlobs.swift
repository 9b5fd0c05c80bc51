import Archives
import ImageStore
import OCI

/// The blobs of a repository as the image store takes them in.
///
/// The store computes the digests: they are not computed here once more.
package struct RegistryBlobs: BlobSource {
    private let client: RegistryClient
    /// Blobs that came already.
    private let known: [Digest: [UInt8]]

    /// The blobs of a repository, of which some are here.
    package init(_ client: RegistryClient, known: [Digest: [UInt8]] = [:]) {
        self.client = client
        self.known = known
    }

    package func open(_ blob: BlobDescriptor) throws -> any ByteSource {
        if let bytes = known[blob.digest] { return MemorySource(bytes) }
        do {
            return RegistryBlob(try client.blob(blob.digest, size: blob.size, isVerified: false))
        } catch {
            throw error.diagnostic(doing: "downloading \(blob.digest)")
        }
    }
}

/// A blob on its way, whose errors keep what is known of them.
private final class RegistryBlob: ByteSource {
    private let stream: BlobStream

    init(_ stream: BlobStream) {
        self.stream = stream
    }

    deinit { stream.close() }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        do throws(ArchiveError) {
            return try stream.read(into: buffer)
        } catch {
            guard let failure = stream.failure else { throw error }
            throw .source(failure.diagnostic(doing: "downloading a layer"))
        }
    }
}
