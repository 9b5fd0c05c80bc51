import Archives
import Linux
import OCI

/// Receives one layer of an image and writes it aside.
///
/// Blocking. What has come of a compressed one stays where the network or the machine stops it, and the next try goes on
/// from there. The bytes that are here are hashed again with the rest; where the whole is not what it should be, nothing
/// of it is kept and all of it is asked for once more.
struct LayerReceiver: Sendable {
    let layers: LayerStore
    let partials: PartialBlobs
    let descriptor: BlobDescriptor
    let diffID: Digest
    let cancellation: CancellationFlag
    /// Told now and then how many bytes are here.
    let progress: @Sendable (Int64) -> Void

    /// The source cannot begin in the middle.
    private struct CannotResume: Error {}

    func receive(from source: some BlobSource) throws -> LayerStore.Staged {
        progress(0)
        let kept = try partials.kept(of: descriptor)
        guard kept > 0 else { return try attempt(kept: 0, from: source) }
        do {
            return try attempt(kept: kept, from: source)
        } catch  where Self.isAboutBytes(error) {
            try partials.remove(descriptor.digest)
            return try attempt(kept: 0, from: source)
        }
    }

    /// Whether the bytes that are here may be why it failed.
    private static func isAboutBytes(_ error: any Error) -> Bool {
        if case .source(let inner)? = error as? ArchiveError, inner is CannotResume { return true }
        return !StoreFailure.isOfTheMachine(error)
    }

    private func attempt(kept: Int64, from source: some BlobSource) throws -> LayerStore.Staged {
        if kept > 0 { return try receiveCompressed(kept: kept) { try Self.open(descriptor, source, from: $0) } }
        let peeking = PeekingSource(try source.open(descriptor))
        guard Compression.detect(try peeking.peek(Compression.magicLength)) != .none else {
            let incoming = IncomingBlob(peeking, of: descriptor, cancellation: cancellation, progress: progress)
            return try checked(try layers.stage(tar: incoming))
        }
        return try receiveCompressed(kept: 0) { _ in peeking }
    }

    private static func open(
        _ descriptor: BlobDescriptor, _ source: some BlobSource, from offset: Int64
    ) throws -> any ByteSource {
        guard let rest = try source.open(descriptor, from: offset) else { throw CannotResume() }
        return rest
    }

    private func receiveCompressed(
        kept: Int64, rest: @escaping (Int64) throws -> any ByteSource
    ) throws -> LayerStore.Staged {
        let file = try partials.open(descriptor, keeping: kept)
        let spool = SpooledBlob(file, kept: kept, size: descriptor.size, rest: rest)
        let incoming = IncomingBlob(spool, of: descriptor, cancellation: cancellation, progress: progress)
        do {
            let path = layers.layout.partial(descriptor.digest)
            return try checked(try layers.stage(incoming: incoming, through: spool, at: path))
        } catch {
            if !incoming.endedEarly, !StoreFailure.isOfTheMachine(error) { try partials.remove(descriptor.digest) }
            throw error
        }
    }

    private func checked(_ staged: LayerStore.Staged) throws -> LayerStore.Staged {
        do {
            try ImageStore.check(staged, is: descriptor.digest, diffID)
            return staged
        } catch {
            layers.discard(staged)
            throw error
        }
    }
}
