import Archives
import Linux

/// Hashes large pieces on a thread of its own, one at a time, while whoever has them goes on.
final class HashBeside {
    /// What the thread works on.
    // SAFETY: between `begin` and the end of `wait` the thread alone changes the hash, and nobody changes the bytes;
    // whoever began keeps both until then, and `Handover` orders what each of them sees.
    private struct Work: @unchecked Sendable {  // SAFETY: see above
        let hash: SHA256
        let bytes: UnsafeRawBufferPointer
    }

    /// Bytes from which another thread is worth its while.
    private static let smallest = 64 << 10

    /// Nil where there is no room for one.
    private lazy var thread = try? DedicatedThread(name: "hash")
    private let done = Handover<Void>(limit: 1)
    private var isWorking = false

    deinit { wait() }

    /// Begins to add bytes to a hash, which are left alone until `wait` has returned.
    func begin(_ bytes: UnsafeRawBufferPointer, to hash: SHA256) {
        wait()
        guard bytes.count >= Self.smallest, let thread else { return hash.update(bytes) }
        let work = Work(hash: hash, bytes: bytes)
        isWorking = true
        thread.submit { [done] in
            work.hash.update(work.bytes)
            _ = done.put(())
        }
    }

    /// Waits until what was begun is in the hash.
    func wait() {
        if isWorking { _ = done.take() }
        isWorking = false
    }
}
