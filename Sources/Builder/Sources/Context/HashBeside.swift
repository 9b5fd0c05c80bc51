import Archives
import Linux

/// Hashes large pieces on a thread of its own while they are written.
final class HashBeside {
    /// What the thread works on.
    // SAFETY: whoever submits it waits until it is done, and does not touch it before.
    private struct Work: @unchecked Sendable {  // SAFETY: see above
        let hash: SHA256
        let bytes: UnsafeRawBufferPointer
    }

    /// Bytes from which another thread is worth its while.
    private static let smallest = 64 << 10

    /// Nil where there is no room for one.
    private lazy var thread = try? DedicatedThread(name: "hash")
    private let done = Handover<Void>(limit: 1)

    /// Adds bytes to a hash while `write` runs.
    func add(
        _ bytes: UnsafeRawBufferPointer, to hash: SHA256, while write: () throws(SystemError) -> Void
    ) throws(SystemError) {
        guard bytes.count >= Self.smallest, let thread else {
            hash.update(bytes)
            return try write()
        }
        let work = Work(hash: hash, bytes: bytes)
        thread.submit { [done] in
            work.hash.update(work.bytes)
            _ = done.put(())
        }
        defer { _ = done.take() }
        try write()
    }
}
