import Linux
import Synchronization

/// What has to be put right when the user interrupts: the cursor, the terminal's mode.
///
/// Signals are taken from a queue by one task, so nothing runs in a signal handler.
final class Interruption: Sendable {
    /// The process's own.
    static let shared = Interruption()

    private static let hangUp: Int32 = 1
    private static let interrupt: Int32 = 2
    private static let terminate: Int32 = 15
    private static let windowChange: Int32 = 28

    private let actions = Mutex<[Int: @Sendable () -> Void]>([:])
    private let nextKey = Mutex(0)
    private let taken = Mutex<Int32?>(nil)
    /// Reads from the user that are under way.
    private let questions = Mutex(0)

    /// How long work that was cancelled has without a word, and in all.
    private static let patience = Duration.seconds(3)
    private static let limit = Duration.seconds(30)

    /// The exit code that an interrupt asks for; nil while there was none.
    var exitCode: ExitCode? { taken.withLock { $0 }.map { ExitCode(code: 128 + $0) } }

    /// The changes of the terminal's size, one at a time.
    static func sizeChanges() throws -> SignalQueue { try SignalQueue([windowChange]) }

    /// Runs `body`; on an interrupt meanwhile runs `cleanUp` before the process ends.
    func guarding<T: Sendable>(
        cleanUp: @escaping @Sendable () -> Void, _ body: () async throws -> T
    ) async rethrows -> T {
        let key = nextKey.withLock { value in
            value += 1
            return value
        }
        actions.withLock { $0[key] = cleanUp }
        defer { _ = actions.withLock { $0.removeValue(forKey: key) } }
        return try await body()
    }

    /// Waits for the user, whose interrupt then ends the process at once: a read from a terminal cannot be called off.
    func whileAsking<T: Sendable>(_ body: () async throws -> T) async rethrows -> T {
        questions.withLock { $0 += 1 }
        defer { questions.withLock { $0 -= 1 } }
        return try await body()
    }

    /// Runs a body that an interrupt ends, in a command whose signals are for others otherwise.
    @discardableResult
    func whileInterruptible<Answer: Sendable>(_ body: @escaping @Sendable () async throws -> Answer) async throws
        -> Answer
    {
        let work = Task { try await body() }
        let watcher = Task { await watch(work) }
        defer { watcher.cancel() }
        return try await work.value
    }

    /// Waits for SIGINT, SIGTERM or SIGHUP, cleans up and ends the process: 130 for an interrupt from the keyboard.
    ///
    /// `work` is cancelled first and has some time to end what it started: compilers, temporary files. Once the user was
    /// told so, a second signal takes that away.
    func watch<Answer: Sendable>(_ work: Task<Answer, any Error>) async {
        guard let queue = try? SignalQueue([Interruption.interrupt, Interruption.terminate, Interruption.hangUp]),
            let signal = try? await queue.next()
        else { return }
        taken.withLock { $0 = signal }
        for cleanUp in actions.withLock({ Array($0.values) }) { cleanUp() }
        work.cancel()
        if questions.withLock({ $0 == 0 }) { await waitForEnd(of: work, queue) }
        // What does not end in time is left to the kernel.
        CurrentProcess.exit(128 + signal)
    }

    private func waitForEnd<Answer: Sendable>(of work: Task<Answer, any Error>, _ queue: SignalQueue) async {
        let told = ContinuousClock.now + Self.patience
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                _ = await work.result
                return true
            }
            group.addTask {
                try? await EventLoop.shared.sleep(for: Self.patience)
                Output.process().writeError("\nEnding what was started... interrupt again to leave it\n")
                return false
            }
            group.addTask {
                // A terminal that goes away says so more than once.
                while (try? await queue.next()) != nil { if ContinuousClock.now >= told { return true } }
                return false
            }
            group.addTask {
                try? await EventLoop.shared.sleep(for: Self.limit)
                return true
            }
            while let isOver = await group.next() { if isOver { break } }
            group.cancelAll()
        }
    }
}
