import Linux
import OCI
import Synchronization

/// A blob on its way in: `uploads/<id>/data` holds what came, `uploads/<id>/repository` says where it belongs.
///
/// One request at a time may add to it.
final class UploadSession: Sendable {
    private struct State {
        var offset: Int64
        /// Of all bytes so far; nil where only the file knows them.
        var hash: ContentHash?
        var isBusy = false
        var isOver = false
        var lastUse = Clock.monotonic()
    }

    let id: String
    let repository: RepositoryName
    private let file: SharedDescriptor
    private let state: Mutex<State>

    /// A session over a file that has `offset` bytes.
    init(
        id: String, repository: RepositoryName, file: SharedDescriptor, offset: Int64, algorithm: Digest.Algorithm?
    ) {
        self.id = id
        self.repository = repository
        self.file = file
        state = Mutex(State(offset: offset, hash: offset == 0 ? ContentHash(algorithm ?? .sha256) : nil))
    }

    /// Bytes so far.
    var offset: Int64 { state.withLock { $0.offset } }

    /// Takes the session for one request; false while another has it, or when it is over.
    func claim() -> Bool {
        state.withLock {
            guard !$0.isBusy, !$0.isOver else { return false }
            $0.isBusy = true
            return true
        }
    }

    /// Lets the next request have it.
    func yield() {
        state.withLock {
            $0.isBusy = false
            $0.lastUse = Clock.monotonic()
        }
    }

    /// Ends it for good; false while a request has it.
    ///
    /// - Parameter idle: only where it was not used for so many nanoseconds.
    func end(idle: Int64 = 0) -> Bool {
        state.withLock {
            guard !$0.isBusy, Clock.monotonic() - $0.lastUse >= idle else { return false }
            $0.isOver = true
            return true
        }
    }

    /// Adds bytes at the end.
    func append(_ bytes: [UInt8]) throws(SystemError) {
        try file.pwriteAll(bytes, at: offset)
        state.withLock {
            $0.offset += Int64(bytes.count)
            $0.hash?.update(bytes)
        }
    }

    /// Forgets what came after an offset.
    func rewind(to offset: Int64) throws(SystemError) {
        try file.truncate(to: offset)
        state.withLock {
            $0.offset = offset
            $0.hash = nil
        }
    }

    /// Puts what came on the disk, and computes its digest.
    func complete(_ algorithm: Digest.Algorithm) throws(SystemError) -> (digest: Digest?, size: Int64) {
        let size = offset
        // A write that failed half-way may have left more than was counted.
        try file.truncate(to: size)
        try file.synchronize()
        let known = state.withLock { state -> Digest? in
            guard let hash = state.hash, hash.algorithm == algorithm else { return nil }
            state.hash = nil
            return hash.finish()
        }
        if let known { return (known, size) }
        return (try ContentHash.digest(ofFile: file, algorithm), size)
    }
}
