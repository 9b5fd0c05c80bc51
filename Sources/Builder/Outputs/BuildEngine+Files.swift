import Archives
import Diagnostics
import ImageStore
import JSONText
import Linux
import OCI

extension BuildEngine {
    /// Writes the files of a product as a tar: those of one platform as they are, those of several each in a directory
    /// `linux_amd64`, with provenance and inventory as files beside them.
    ///
    /// Equal products give equal bytes: names are in the order of their bytes, and no time is later than the product's.
    func writeFiles(
        _ product: BuildProduct, _ request: BuildRequest, to file: SharedDescriptor, _ step: ExportSteps.Step
    ) async throws {
        let areSeveral = product.results.count > 1
        var parts: [FilesPart] = []
        for result in product.results {
            let tree = try await tree(of: result.layers)
            var statements: [(name: String, bytes: [UInt8])] = []
            // The files are those of the image that has this id.
            let image = try AssembledBlob.digest(of: result.config.serialized())
            let subjects = [(name: result.platform.description, digest: image)]
            if request.hasInventory {
                let found = try await BlockingExecutor.shared.run { () throws in try InventoryScan(tree.root).run() }
                let inventory = Inventory(found, name: "files", created: product.epoch).json
                statements.append(
                    ("sbom.spdx.json", Statement.bytes(inventory, of: subjects, type: Inventory.predicateType)))
            }
            if let mode = request.provenance {
                let provenance = Provenance(product: product, result: result, request: request, mode: mode).json
                statements.append(
                    ("provenance.json", Statement.bytes(provenance, of: subjects, type: Provenance.predicateType)))
            }
            let folder = result.platform.text.split(separator: "/").joined(separator: "_")
            parts.append(FilesPart(tree: tree, folder: areSeveral ? folder : nil, statements: statements))
        }
        let (latest, files) = (product.epoch, parts)
        try await BlockingExecutor.shared.run { () throws in
            func sink(_ piece: UnsafeRawBufferPointer) throws(ArchiveError) {
                do throws(SystemError) { try file.writeAll(piece) } catch { throw .system(error) }
            }
            for part in files { try part.write(latest: latest, to: sink) }
            try DirectoryArchive.give(TarWriter.endMarker, to: sink)
        }
        step.done("copying files")
    }
}

/// The files of one platform in a tar.
private struct FilesPart: Sendable {
    let tree: FileTree
    /// The directory they are in; nil for the root.
    let folder: String?
    let statements: [(name: String, bytes: [UInt8])]

    func write(latest: Timestamp, to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void) throws(ArchiveError) {
        var choices = DirectoryWalker.Choices()
        choices.keepsReservedNames = true
        choices.prefix = folder.map { Array($0.utf8) }
        let root: SharedDescriptor
        do throws(SystemError) {
            // The position in a directory belongs to the descriptor, which others have too.
            root = try Files.open(".", [.readOnly, .directory], at: tree.root.raw).shared()
        } catch {
            throw .system(error)
        }
        try DirectoryArchive.append(root, choices: choices, latest: latest, to: sink)
        for (name, bytes) in statements {
            let path = (folder.map { $0 + "/" } ?? "") + name
            var entry = TarEntry(path: Array(path.utf8), kind: .regular)
            entry.size = UInt64(bytes.count)
            entry.modified = latest
            try DirectoryArchive.give(try TarWriter.header(of: entry), to: sink)
            try DirectoryArchive.give(bytes, to: sink)
            try DirectoryArchive.give(TarWriter.padding(after: entry.size), to: sink)
        }
    }
}
