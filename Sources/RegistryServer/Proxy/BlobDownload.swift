import Archives
import Linux
import OCI
import Registry
import Synchronization

/// A blob on its way from upstream: one transfer, that any number of clients follow.
final class BlobDownload: Sendable {
    private enum Phase {
        case opening
        case coming
        case complete
        case failed(any Error)
    }

    private struct State {
        var phase = Phase.opening
        var size: Int64?
        var file: SharedDescriptor?
        var available: Int64 = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    let digest: Digest
    private let state = Mutex(State())

    init(_ digest: Digest) { self.digest = digest }

    /// In bytes; nil where upstream does not say it before the end.
    var size: Int64? { state.withLock { $0.size } }

    // MARK: The one that fetches

    /// Fetches the blob and keeps it; blocks until it is done.
    func run(_ client: RegistryClient, into store: RegistryStore, _ repository: RepositoryName) {
        let aside = "\(StoreFiles.asideFolder)/\((try? Random.hex(bytes: 12)) ?? digest.hex)"
        do {
            // Another transfer may have ended since the one who asks has looked.
            if let there = try store.blob(digest, in: repository) {
                return change {
                    $0.file = there.file
                    $0.size = there.size
                    $0.available = there.size
                    $0.phase = .complete
                }
            }
            let stream = try client.blob(digest)
            defer { stream.close() }
            let file = try store.files.open(aside, [.readWrite, .create, .exclusive]).shared()
            change {
                $0.file = file
                $0.size = stream.size
                $0.phase = .coming
            }
            let size = try copy(stream, to: file)
            try file.synchronize()
            try store.addBlob(digest, aside: aside, size: size, to: repository)
            change { $0.phase = .complete }
        } catch {
            store.files.remove(aside)
            change { $0.phase = .failed(error) }
        }
    }

    private func copy(_ stream: BlobStream, to file: SharedDescriptor) throws -> Int64 {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var total: Int64 = 0
        while true {
            let count: Int
            do throws(ArchiveError) {
                count = try stream.read(into: buffer)
            } catch {
                // The stream knows more than the text that archives speak.
                if let failure = stream.failure { throw failure }
                throw error
            }
            if count == 0 { return total }
            try file.writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            total += Int64(count)
            change { $0.available += Int64(count) }
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state in
            body(&state)
            let waiting = state.waiting
            state.waiting = []
            return waiting
        }
        for one in waiting { one.resume() }
    }

    // MARK: Those who follow

    /// Waits until the transfer has begun.
    func opened() async throws {
        while true {
            let isOpening = try state.withLock { state throws -> Bool in
                if case .failed(let error) = state.phase { throw error }
                if case .opening = state.phase { return true }
                return false
            }
            guard isOpening else { return }
            await wait { if case .opening = $0.phase { true } else { false } }
        }
    }

    /// Waits for bytes from an offset on; empty at the end.
    func next(from offset: Int64, upTo count: Int) async throws -> [UInt8] {
        while true {
            let (file, isThere, isOver) = try state.withLock { state throws -> (SharedDescriptor?, Bool, Bool) in
                if case .failed(let error) = state.phase { throw error }
                if case .complete = state.phase { return (state.file, state.available > offset, true) }
                return (state.file, state.available > offset, false)
            }
            if let file, isThere {
                return try await BlockingExecutor.shared.run { () throws(SystemError) in
                    try file.pread(upTo: count, at: offset)
                }
            }
            if isOver { return [] }
            await wait { state in
                if case .coming = state.phase { return state.available <= offset }
                return false
            }
        }
    }

    /// Waits until all of it came and is what the digest names.
    func verified() async throws {
        while true {
            let isOver = try state.withLock { state throws -> Bool in
                if case .failed(let error) = state.phase { throw error }
                if case .complete = state.phase { return true }
                return false
            }
            if isOver { return }
            await wait { if case .coming = $0.phase { true } else { false } }
        }
    }

    /// Suspends until the state changes, unless it is another than the caller saw.
    private func wait(while condition: (State) -> Bool) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let mustWait = state.withLock { state in
                guard condition(state) else { return false }
                state.waiting.append(continuation)
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }
}
