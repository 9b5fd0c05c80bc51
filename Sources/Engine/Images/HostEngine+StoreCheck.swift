import Diagnostics
import ImageStore
import JSONText
import OCI

extension HostEngine {
    /// Compares every file of the image store with what it should be.
    ///
    /// - Parameter repairing: whether what is damaged is made again, from what is here or from the registries that the
    ///   images came from.
    /// - Returns: `repaired`, one line each, and `damaged`, a diagnostic each.
    package func verifyImages(repairing: Bool) async throws -> JSONObject {
        do {
            var result = StoreRepair()
            if repairing {
                result = try await images.repair { _ in nil }
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
}
