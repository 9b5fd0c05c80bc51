import OCI
import StateStore

extension ImageStore {
    /// Bytes that each layer of an image takes on the disk.
    package func layerSizes(of image: StoredImage) async throws -> [Digest: Int64] {
        let layers = image.layers
        return try await read { tables in
            var sizes: [Digest: Int64] = [:]
            for diffID in layers { sizes[diffID] = try tables.layer(diffID: diffID.description)?.size }
            return sizes
        }
    }
}
