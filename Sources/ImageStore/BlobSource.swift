import Archives
import OCI
import Synchronization

/// What a manifest says of a blob, by a name that is not one of the kernel's descriptors too.
package typealias BlobDescriptor = Descriptor

/// Where the blobs of an image come from, such as a registry or an OCI layout.
package protocol BlobSource: Sendable {
    /// Opens a blob, to be read from its start to its end.
    ///
    /// Blocking; called on threads of `BlockingExecutor.transfers`, several at once. The store checks size and digest, so
    /// that the source need not. The blob is closed when its last reference goes.
    ///
    /// - Throws: what the user is to read, best a `Diagnostic` that names the blob. Reading throws it as
    ///   `ArchiveError.source`.
    func open(_ blob: Descriptor) throws -> any ByteSource

    /// Opens a blob, to be read from a byte on, as `open` does.
    ///
    /// - Parameter offset: bytes of the blob that are here already.
    /// - Returns: nil where the source cannot begin there.
    func open(_ blob: Descriptor, from offset: Int64) throws -> (any ByteSource)?
}

extension BlobSource {
    package func open(_ blob: Descriptor, from offset: Int64) throws -> (any ByteSource)? {
        offset == 0 ? try open(blob) : nil
    }
}

/// How far one layer of an image that comes in is.
package struct LayerProgress: Sendable, Hashable {
    /// What is done with a layer.
    package enum Phase: Sendable, Hashable {
        /// It is in the store already.
        case exists
        /// It comes in, and is inflated and written as it does.
        case receiving
        /// All of it is here; it is checked and goes to the disk.
        case storing
        /// It is in the store.
        case done
    }

    /// The layer's digest as the manifest has it.
    package let digest: Digest
    /// The digest of its tar.
    package let diffID: Digest
    package let phase: Phase
    /// Bytes of the blob that came in.
    package let current: Int64
    /// Bytes of the blob.
    package let total: Int64
}

/// Receives progress of layers, from any thread; that of one layer in order.
package typealias LayerProgressHandler = @Sendable (LayerProgress) -> Void

/// Tells a thread that whoever it works for went away.
package final class CancellationFlag: Sendable {
    private let flag = Atomic(false)

    package init() {}

    /// Whether nobody wants the work any more.
    package var isCancelled: Bool { flag.load(ordering: .relaxed) }

    /// Says so, once and for all.
    package func cancel() { flag.store(true, ordering: .relaxed) }

    /// - Throws: `ArchiveError.source` of a `CancellationError`, once it was said.
    package func check() throws(ArchiveError) {
        if isCancelled { throw .source(CancellationError()) }
    }
}

/// Bytes that end with an error when nobody wants them any more.
package final class CancellableSource: ByteSource {
    private let source: any ByteSource
    private let cancellation: CancellationFlag

    package init(_ source: any ByteSource, _ cancellation: CancellationFlag) {
        self.source = source
        self.cancellation = cancellation
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        try cancellation.check()
        return try source.read(into: buffer)
    }
}

/// A blob on its way in: no longer than announced, given up when nobody wants it any more.
final class IncomingBlob: ByteSource {
    private let source: any ByteSource
    private let blob: Descriptor
    private let cancellation: CancellationFlag
    private let progress: (Int64) -> Void
    private var received: Int64 = 0
    private var reported: Int64 = 0
    /// Whether the source ended before the blob did.
    private(set) var endedEarly = false

    /// - Parameter progress: called now and then with the bytes received so far.
    init(
        _ source: any ByteSource, of blob: Descriptor, cancellation: CancellationFlag,
        progress: @escaping (Int64) -> Void = { _ in }
    ) {
        self.source = source
        self.blob = blob
        self.cancellation = cancellation
        self.progress = progress
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        try cancellation.check()
        let count = try source.read(into: buffer)
        received += Int64(count)
        guard received <= blob.size else {
            throw .limit(
                entry: nil, offset: UInt64(received),
                reason: "blob \(blob.digest) has more than the \(blob.size) bytes the manifest gives it")
        }
        if count == 0, received < blob.size {
            endedEarly = true
            throw .malformed(
                entry: nil, offset: UInt64(received),
                reason: "blob \(blob.digest) ends after \(received) of \(blob.size) bytes")
        }
        if received - reported >= 1 << 20 {
            reported = received
            progress(received)
        }
        return count
    }
}
