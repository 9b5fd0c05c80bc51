import ImageStore
import Linux
import Synchronization

/// A client's open file that is kept, as long as this object is.
final class HeldFile: Sendable {
    let descriptor: SharedDescriptor
    private let allowance: HeldAllowance

    fileprivate init(_ descriptor: SharedDescriptor, _ allowance: HeldAllowance) {
        self.descriptor = descriptor
        self.allowance = allowance
    }

    deinit { allowance.giveBack() }
}

/// Bounds how many files of clients are kept open at a time, whoever sent them.
final class HeldAllowance: Sendable {
    private let left: Mutex<Int>

    init(_ count: Int = 512) { left = Mutex(count) }

    /// Keeps a file; nil where there are as many as may be.
    func keep(_ descriptor: SharedDescriptor) -> HeldFile? {
        let isFree = left.withLock { left in
            guard left > 0 else { return false }
            left -= 1
            return true
        }
        return isFree ? HeldFile(descriptor, self) : nil
    }

    fileprivate func giveBack() { left.withLock { $0 += 1 } }
}

extension FileTree {
    /// Threads that read files of clients: few, and none of those that all else needs, however slow a disk is.
    private static let heldReaders = BlockingExecutor(limit: 4)

    /// Where what reads its contents runs.
    var readers: BlockingExecutor { held.isEmpty ? .shared : Self.heldReaders }

    /// Runs a body that reads its contents, and looks at the flag between pieces: it is set when the task is cancelled.
    func reading<Answer: Sendable>(
        _ body: @escaping @Sendable (CancellationFlag) throws -> Answer
    ) async throws -> Answer {
        let cancellation = CancellationFlag()
        return try await withTaskCancellationHandler {
            try await readers.run { try body(cancellation) }
        } onCancel: {
            cancellation.cancel()
        }
    }
}

extension BuildEngine {
    /// Runs a body that reads contents of a tree, if there is one.
    func reading<Answer: Sendable>(
        _ tree: FileTree?, _ body: @escaping @Sendable (CancellationFlag) throws -> Answer
    ) async throws -> Answer {
        guard let tree else { return try await BlockingExecutor.shared.run { try body(CancellationFlag()) } }
        return try await tree.reading(body)
    }
}
