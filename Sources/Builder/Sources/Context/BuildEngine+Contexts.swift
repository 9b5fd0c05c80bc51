import Archives
import ImageStore
import Linux

extension BuildEngine {
    /// A context that came as a tar, plain or compressed, or a Dockerfile alone.
    ///
    /// Its files are on the disk for as long as the tree is.
    ///
    /// - Parameter archive: read to its end.
    /// - Throws: `BuildFailure`.
    package func context(unpacking archive: SharedDescriptor) async throws -> FileTree {
        let parent = contextDirectory
        let cancellation = CancellationFlag()
        do {
            return try await withTaskCancellationHandler {
                try await BlockingExecutor.shared.run {
                    let directory = try TemporaryTree(in: parent, prefix: "tar-")
                    let root = try directory.open()
                    let source = CancellableSource(DescriptorSource(archive), cancellation)
                    let digests = try UnpackedContext.unpack(SpareRoom(source, root: parent), into: root)
                    return FileTree(root: root, known: digests, belongsToRoot: true, lifetime: directory)
                }
            } onCancel: {
                cancellation.cancel()
            }
        } catch {
            throw BuildFailure.transferring("reading the build context", error)
        }
    }

    /// Where contexts are, whole or on their way.
    var contextDirectory: String { "\(directory)/contexts" }
}
