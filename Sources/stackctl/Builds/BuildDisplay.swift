import Builder
import JSONText
import Linux

/// How a build is shown while it goes on.
enum BuildProgressMode: String, Sendable, CaseIterable {
    case auto, plain, tty, rawjson, quiet, none
}

/// Shows a build on standard error as it goes on.
actor BuildDisplay {
    private enum Form {
        case nothing
        case plain(PlainBuildLog)
        case live(LiveBuildBoard)
        case raw(RawBuildLog)
        /// Somebody else shows it.
        case told(@Sendable (BuildEvent) async -> Void)
    }

    private let output: Output
    private var form: Form
    private var paintedLines = 0

    /// - Parameter output: whose first stream is written to.
    init(_ mode: BuildProgressMode, output: Output) {
        self.output = output
        switch mode {
        case .quiet, .none: form = .nothing
        case .rawjson: form = .raw(RawBuildLog())
        case .auto where output.style.isTerminal, .tty:
            form = .live(LiveBuildBoard(at: Clock.monotonic(), color: output.style.color))
        case .auto, .plain: form = .plain(PlainBuildLog())
        }
    }

    /// Lets somebody else show it, who is told of each event.
    init(telling tell: @escaping @Sendable (BuildEvent) async -> Void, output: Output) {
        self.output = output
        form = .told(tell)
    }

    /// Whether rows are redrawn.
    var isLive: Bool { if case .live = form { true } else { false } }

    /// Shows how it goes on until the work is over, and the rest then.
    nonisolated func showing<Answer>(_ work: () async throws -> Answer) async throws -> Answer {
        let painter = Task { await keepShowing() }
        let outcome: Result<Answer, any Error>
        do {
            outcome = .success(try await work())
        } catch {
            outcome = .failure(error)
        }
        painter.cancel()
        await painter.value
        await finish()
        return try outcome.get()
    }

    /// Takes an event.
    func take(_ event: BuildEvent) async {
        switch form {
        case .nothing: break
        case .told(let tell): await tell(event)
        case .plain(var log):
            say(log.take(event, at: Clock.monotonic()))
            form = .plain(log)
        case .live(var board):
            board.take(event, at: Clock.monotonic())
            form = .live(board)
        case .raw(var log):
            if let line = log.take(event, at: Clock.now()) { output.print(jsonLine: .object(line)) }
            form = .raw(log)
        }
    }

    /// Redraws, or lets silent steps make room, until the task is cancelled.
    func keepShowing() async {
        while !Task.isCancelled {
            switch form {
            case .live(let board): paint(board)
            case .plain(var log):
                say(log.wait(until: Clock.monotonic()))
                form = .plain(log)
            case .nothing, .raw, .told: return
            }
            do { try await EventLoop.shared.sleep(for: .milliseconds(100)) } catch { return }
        }
    }

    /// Shows all there is, which stays.
    func finish() {
        switch form {
        case .plain(var log):
            say(log.finish(at: Clock.monotonic()))
            form = .nothing
        case .live(let board):
            let rows = board.render(width: output.currentWidth(), height: nil, at: Clock.monotonic())
            output.write(erased + rows.map { $0 + "\n" }.joined() + ProgressPainter.showCursor)
            form = .nothing
        case .raw, .nothing, .told: break
        }
    }

    private var erased: String { paintedLines > 0 ? "\u{1B}[\(paintedLines)A\u{1B}[J" : "" }

    private func paint(_ board: LiveBuildBoard) {
        let height = Terminal.size(2).map { Int($0.rows) } ?? 24
        let rows = board.render(
            width: output.currentWidth(), height: height > 0 ? height : 24, at: Clock.monotonic())
        output.write(ProgressPainter.hideCursor + erased + rows.map { $0 + "\n" }.joined())
        paintedLines = rows.count
    }

    private func say(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        output.write(lines.map { $0 + "\n" }.joined())
    }
}
