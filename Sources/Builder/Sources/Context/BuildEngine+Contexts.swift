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
        let mark = CancellationMark()
        do {
            return try await withTaskCancellationHandler {
                try await BlockingExecutor.shared.run {
                    let directory = try TemporaryTree(in: parent, prefix: "tar-")
                    let root = try directory.open()
                    let source = MarkedSource(DescriptorSource(archive), mark)
                    let digests = try UnpackedContext.unpack(SpareRoom(source, root: parent), into: root)
                    return FileTree(root: root, known: digests, belongsToRoot: true, lifetime: directory)
                }
            } onCancel: {
                mark.set()
            }
        } catch {
            throw BuildFailure.transferring("reading the build context", error)
        }
    }

    /// Where contexts are, whole or on their way.
    var contextDirectory: String { "\(directory)/contexts" }
}

/// Bytes that end with an error when nobody wants them any more.
final class MarkedSource: ByteSource {
    private let source: any ByteSource
    private let mark: CancellationMark

    init(_ source: any ByteSource, _ mark: CancellationMark) {
        self.source = source
        self.mark = mark
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        if mark.isSet { throw .source(CancellationError()) }
        return try source.read(into: buffer)
    }
}
