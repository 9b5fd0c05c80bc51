import Archives
import Synchronization

/// How far a copy is, and whether it is still wanted.
package final class CopyProgress: Sendable {
    private let isCancelled = Atomic(false)
    private let done = Atomic<Int64>(0)
    private let reported = Atomic<Int64>(0)
    private let tell: (@Sendable (Int64) -> Void)?

    /// - Parameter tell: gets the bytes done so far, now and then.
    init(_ tell: (@Sendable (Int64) -> Void)?) { self.tell = tell }

    /// The copy ends at its next step.
    func cancel() { isCancelled.store(true, ordering: .relaxed) }

    /// Takes note of more bytes.
    ///
    /// - Throws: `CancellationError` where nobody wants the copy any more.
    func add(_ count: Int64) throws {
        if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
        report(done.wrappingAdd(count, ordering: .relaxed).newValue)
    }

    /// As `add`, for archives: bytes in all.
    func reached(_ count: UInt64) throws(ArchiveError) {
        if isCancelled.load(ordering: .relaxed) { throw .source(CancellationError()) }
        report(Int64(clamping: count))
    }

    private func report(_ count: Int64) {
        guard let tell, count - reported.load(ordering: .relaxed) >= 8 << 20 else { return }
        reported.store(count, ordering: .relaxed)
        tell(count)
    }
}
