import Linux
import Synchronization

/// Passes on what a process writes, up to a limit, and then only its last lines.
///
/// Who shows a build keeps what it told: a step that writes without end must not fill memory.
final class StepOutput: Sendable {
    typealias Sink = @Sendable (_ isError: Bool, _ bytes: [UInt8]) async -> Void

    /// Bytes that are passed on as they come.
    static let limit = 16 << 20
    /// Bytes of the end that are told of one that wrote more.
    static let tail = 64 << 10

    fileprivate struct State {
        var passed = 0
        var dropped = 0
        /// The end of what was held back, at most twice the tail.
        var held: [UInt8] = []
    }

    private let state = Mutex(State())
    private let sink: Sink

    init(_ sink: @escaping Sink) { self.sink = sink }

    /// Reads a stream to its end.
    func pass(_ stream: AsyncDescriptor, isError: Bool) async {
        while let piece = try? await stream.read(upTo: 64 << 10), !piece.isEmpty {
            let (shown, isFirstHeld) = state.withLock { $0.take(piece) }
            if !shown.isEmpty { await sink(isError, shown) }
            if isFirstHeld { await sink(true, Array(Self.notice.utf8)) }
        }
        stream.close()
    }

    /// Tells the last of what was held back.
    func finish() async {
        let (dropped, held) = state.withLock { ($0.dropped, $0.held) }
        guard dropped > 0 else { return }
        let last = held.suffix(Self.tail)
        // From the beginning of a line on.
        let start = last.firstIndex(of: 0x0A).map { $0 + 1 } ?? last.startIndex
        let shown = Array(last[start...])
        let left = dropped - shown.count
        await sink(true, Array("[output clipped: \(left) bytes left out]\n".utf8))
        if !shown.isEmpty { await sink(false, shown) }
    }

    private static var notice: String {
        "\n[output clipped, log limit \(limit >> 20)MiB reached; the end will be shown]\n"
    }
}

extension StepOutput.State {
    /// What of a piece is passed on, and whether this was the first not to be passed on whole.
    mutating func take(_ piece: [UInt8]) -> (shown: [UInt8], isFirstHeld: Bool) {
        let room = StepOutput.limit - passed
        if piece.count <= room {
            passed += piece.count
            return (piece, false)
        }
        let shown = Array(piece.prefix(max(room, 0)))
        passed += shown.count
        let isFirst = dropped == 0
        dropped += piece.count - shown.count
        held += piece[shown.count...]
        if held.count > 2 * StepOutput.tail { held.removeFirst(held.count - StepOutput.tail) }
        return (shown, isFirst)
    }
}
