import Diagnostics
import ImageStore
import Linux
import OCI

extension HostEngine {
    /// Takes in the images of an archive.
    ///
    /// - Parameter archive: read to its end, or closed with the last reference where it is refused.
    package func loadImages(
        from archive: SharedDescriptor, progress: ImageProgress?
    ) async throws -> [LoadedImage] {
        let loaded: [LoadedImage]
        do {
            loaded = try await images.load(from: archive, progress: progress)
        } catch {
            throw EngineError.wrapping(error)
        }
        for image in loaded {
            let name = image.references.first?.familiar ?? image.image.id.description
            await publish(.image, "load", actor: image.image.id.description, ["name": name])
        }
        return loaded
    }

    /// The images that names stand for in an archive.
    package func archivedImages(_ names: [String]) async throws -> [ArchivedImage] {
        do {
            return try await images.archived(names)
        } catch let error as Diagnostic where error.code == StoreCode.noSuchImage {
            throw EngineError(.notFound, error.summary)
        } catch {
            throw EngineError.wrapping(error)
        }
    }

    /// Writes images as an archive.
    package func saveImages(_ saved: [ArchivedImage], to archive: SharedDescriptor) async throws {
        do {
            try await images.save(saved, to: archive)
        } catch {
            throw EngineError.wrapping(error)
        }
        for image in saved {
            let name = image.references.first?.familiar ?? image.image.id.description
            await publish(.image, "save", actor: image.image.id.description, ["name": name])
        }
    }
}
