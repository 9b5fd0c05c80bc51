import Diagnostics
import ImageStore
import JSONText
import OCI
import Registry

extension HostEngine {
    /// Compares every file of the image store with what it should be.
    ///
    /// - Parameter repairing: whether what is damaged is made again, from what is here or from the registries that the
    ///   images came from.
    /// - Returns: `repaired`, one line each, and `damaged`, a diagnostic each.
    package func verifyImages(
        repairing: Bool, access: RegistryAccess = RegistryAccess()
    ) async throws -> JSONObject {
        do {
            var result = StoreRepair()
            if repairing {
                result = try await images.repair { image in try await self.origin(of: image, access) }
            } else {
                result.left = try await images.verify()
            }
            return [
                "repaired": .array(result.repaired.map { .string($0) }), "damaged": .array(result.left.map(\.json)),
            ]
        } catch {
            throw EngineError.wrapping(error)
        }
    }

    /// The registry that has an image by the digest it came with.
    private func origin(of image: Digest, _ access: RegistryAccess) async throws -> (any BlobSource)? {
        guard let name = try await images.identify(image.description)?.repoDigests.first else { return nil }
        return try await withRegistry(.pull, of: name, access) { reader in RegistryBlobs(reader.client) }
    }
}
