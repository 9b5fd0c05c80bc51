import Archives
import Diagnostics
import JSONText
import Linux
import OCI

extension ImageStore {
    /// Makes an image of a root file system in a tar, plain or compressed.
    ///
    /// - Parameters:
    ///   - path: the tar.
    ///   - reference: the name the image gets; nil for none.
    ///   - changes: the image's configuration.
    /// - Throws: `Diagnostic`, naming the entry where the archive is refused. The store is as before then.
    package func importTar(
        path: String, reference: ImageReference?, changes: ConfigurationChanges = .init(),
        progress: ImageProgress? = nil
    ) async throws -> StoredImage {
        let doing = "importing \(path)"
        progress?(ImageProgressUpdate(message: doing))
        let layers = layers
        let staged = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting(doing) {
                let file = try Self.source(path, kind: .regular, name: "archive")
                let total = (try? file.status()).map(\.size)
                return try layers.stage(tar: DescriptorSource(file)) { read in
                    progress?(ImageProgressUpdate(message: doing, current: Int64(clamping: read), total: total))
                }
            }
        }
        return try await adopt(staged, reference: reference, changes: changes, origin: origin("tar", path))
    }

    /// Makes an image of a directory's files.
    ///
    /// - Throws: `Diagnostic` when the directory cannot be read or has what a layer cannot. The store is as before
    /// then.
    package func importDirectory(
        path: String, reference: ImageReference?, changes: ConfigurationChanges = .init(),
        progress: ImageProgress? = nil
    ) async throws -> StoredImage {
        let doing = "importing \(path)"
        progress?(ImageProgressUpdate(message: doing))
        let layers = layers
        let staged = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting(doing) {
                let root = try Self.source(path, kind: .directory, name: "directory")
                return try layers.stage { staging in
                    let recipe = try staging.startRecipe()
                    return try LayerWriter.write(directory: root, to: staging.image, recipe: recipe) { read in
                        progress?(ImageProgressUpdate(message: doing, current: Int64(clamping: read)))
                    }
                }
            }
        }
        return try await adopt(staged, reference: reference, changes: changes, origin: origin("rootfs", path))
    }

    /// Makes an image with the layers of another and a changed configuration.
    ///
    /// Without changes it is the same image under one more name.
    package func derive(
        from base: StoredImage, reference: ImageReference?, changes: ConfigurationChanges
    ) async throws -> StoredImage {
        if changes.isEmpty {
            if let reference { try await tag(base.id, as: reference) }
            return try await stored(id: base.id) ?? base
        }
        var config = base.config
        config.execution = changes.applied(to: config.execution)
        config.history.append(
            ImageConfig.History(created: config.created, createdBy: "stackctl image config", emptyLayer: true))
        return try await save(config, reference: reference, newLayer: nil, attributes: base.attributes)
    }

    private func origin(_ kind: String, _ path: String) -> JSONObject {
        var object = JSONObject()
        object[kind] = .string(path)
        return object
    }

    private static func source(_ path: String, kind: FileKind, name: String) throws -> SharedDescriptor {
        let file: SharedDescriptor
        let status: FileStatus
        do {
            file = try Files.open(path, [.readOnly, .nonBlocking]).shared()
            status = try file.status()
        } catch {
            throw Diagnostic(
                code: StoreCode.badSource, summary: "the \(name) \(path) cannot be read", detail: "\(error)")
        }
        guard status.kind == kind || (kind == .regular && status.kind == .fifo) else {
            throw Diagnostic(
                code: StoreCode.badSource, summary: "\(path) is not a \(kind == .directory ? "directory" : "file")")
        }
        try file.setNonBlocking(false)
        return file
    }
}
