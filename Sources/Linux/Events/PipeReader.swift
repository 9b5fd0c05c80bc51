import Synchronization

/// Reads what a process writes to a pipe or a terminal, to the end.
///
/// Others may have the writing side, too, as children the process leaves behind: they could keep the end from coming
/// for ever. Once `writerEnded` was called, the end is where nothing more is there to be read, or where as much was read
/// as a pipe can hold.
package final class PipeReader: Sendable {
    private struct State {
        var isOver = false
        /// Bytes read since.
        var late = 0
        var waiting: Task<Void, Never>?
    }

    /// Bytes that a pipe holds at most, unless the administrator allows more (`/proc/sys/fs/pipe-max-size`).
    private static let pipeSize = 1 << 20

    private let descriptor: AsyncDescriptor
    private let state = Mutex(State())

    /// A reader of the descriptor, which is nobody else's to read.
    package init(_ descriptor: AsyncDescriptor) { self.descriptor = descriptor }

    /// The next bytes, at most `count`; `nil` at the end.
    ///
    /// - Throws: `CancellationError`, or what the kernel says.
    package func next(upTo count: Int = 32 << 10) async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            // Asked for first: what is written before the end is there when the end is known.
            let isOver = state.withLock { $0.isOver }
            if let piece = try descriptor.readAvailable(upTo: count) {
                guard !piece.isEmpty, !isOver || takesLate(piece.count) else { return nil }
                return piece
            }
            if isOver { return nil }
            await wait()
        }
    }

    /// Whether the process that has ended may have written these bytes.
    private func takesLate(_ count: Int) -> Bool {
        state.withLock { state in
            defer { state.late += count }
            return state.late < Self.pipeSize
        }
    }

    /// Tells that the process has ended: nothing but what it wrote is waited for.
    package func writerEnded() {
        state.withLock { state in
            state.isOver = true
            state.waiting?.cancel()
        }
    }

    /// Closes the descriptor.
    package func close() { descriptor.close() }

    /// Waits until there may be something to read, or the process has ended.
    private func wait() async {
        let waiting = state.withLock { state -> Task<Void, Never>? in
            if state.isOver { return nil }
            let task = Task { [descriptor] in
                do { try await descriptor.wait(.readable) } catch {}
            }
            state.waiting = task
            return task
        }
        guard let waiting else { return }
        await withTaskCancellationHandler {
            await waiting.value
        } onCancel: {
            waiting.cancel()
        }
    }
}
