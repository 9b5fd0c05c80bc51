import Archives
import Diagnostics
import Linux
import OCI

/// One image of an archive that is written, and the names it has there.
package struct ArchivedImage: Sendable, Hashable {
    /// The image.
    package let image: StoredImage
    /// Its names; none for an image that was asked for by its id.
    package let references: [ImageReference]

    package init(image: StoredImage, references: [ImageReference]) {
        self.image = image
        self.references = references
    }
}

extension ImageStore {
    /// Finds the images that users name for an archive.
    ///
    /// A name with a tag gives the image that one name, a name without one all tags there are of it, an id none: as with
    /// Docker.
    ///
    /// - Throws: `Diagnostic` (no such image).
    package func archived(_ names: [String]) async throws -> [ArchivedImage] {
        var found: [ArchivedImage] = []
        func add(_ image: StoredImage, _ references: [ImageReference]) {
            let named = references.filter { $0.tag != nil && $0.digest == nil }
            guard let index = found.firstIndex(where: { $0.image.id == image.id }) else {
                return found.append(ArchivedImage(image: image, references: named))
            }
            let more = named.filter { !found[index].references.contains($0) }
            found[index] = ArchivedImage(image: image, references: found[index].references + more)
        }
        for name in names {
            let reference = try? ImageReference(name)
            if let reference, reference.tag == nil, reference.digest == nil {
                let tagged = try await list().compactMap { image in
                    let same = image.references.filter { $0.repository == reference.repository }
                    return same.isEmpty ? nil : (image, same)
                }
                for (image, references) in tagged { add(image, references) }
                if !tagged.isEmpty { continue }
            }
            guard let image = try await resolve(name) else { throw Self.noSuchImage(name) }
            add(image, image.references.filter { $0 == reference })
        }
        return found
    }

    /// Writes images as a tar that both `docker load` and readers of OCI layouts understand.
    ///
    /// Equal images give equal bytes. Layers are in the form in which they came, each once.
    ///
    /// - Parameter sink: gets the bytes in order, on a thread of the blocking executor; what it throws ends the
    ///   writing.
    /// - Throws: `Diagnostic` (damaged), naming a layer that cannot be given back.
    package func save(
        _ images: [ArchivedImage], to sink: @escaping @Sendable (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) async throws {
        let cancellation = CancellationFlag()
        let layout = layout
        try await withTaskCancellationHandler {
            try await withExports(of: images.map(\.image)) { exports in
                try await BlockingExecutor.shared.run { () throws(Diagnostic) in
                    try reporting("saving images") {
                        let archive = LayoutArchive(of: zip(exports, images).map { ($0, $1.references) })
                        try archive.write(layout) { piece throws(ArchiveError) in
                            try cancellation.check()
                            try sink(piece)
                        }
                    }
                }
            }
        } onCancel: {
            cancellation.cancel()
        }
    }

    /// Writes images as a tar into a file, a pipe or a socket, which blocks.
    package func save(_ images: [ArchivedImage], to archive: SharedDescriptor) async throws {
        try await save(images) { piece throws(ArchiveError) in
            do throws(SystemError) { try archive.writeAll(piece) } catch { throw .system(error) }
        }
    }
}
