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
            // Registries keep manifests apart from blobs.
            if MediaType.isManifest(blob.mediaType) { return MemorySource(try client.manifest(blob.digest).bytes) }
            return try stream(blob, from: 0)
        } catch {
            throw error.diagnostic(doing: "downloading \(blob.digest)")
        }
    }

    package func open(_ blob: BlobDescriptor, from offset: Int64) throws -> (any ByteSource)? {
        guard offset > 0 else { return try open(blob) }
        do {
            return try stream(blob, from: offset)
        } catch {
            throw error.diagnostic(doing: "downloading the rest of \(blob.digest)")
        }
    }

    private func stream(_ blob: BlobDescriptor, from offset: Int64) throws(RegistryError) -> RegistryBlob {
        RegistryBlob(try client.blob(blob.digest, size: blob.size, from: offset, isVerified: false))
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
