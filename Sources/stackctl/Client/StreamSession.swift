import Diagnostics
import Engine
import HTTP
import Linux
import Synchronization

/// The streams of a container or an exec, between the user's terminal and the daemon.
struct StreamSession: Sendable {
    /// How a session came to its end.
    enum End: Sendable, Equatable {
        /// The program's output ended.
        case ended
        /// The user typed the keys that leave it running.
        case detached
    }

    let daemon: DaemonClient
    let stream: HijackedStream
    let output: Output
    /// Whether the program has a terminal; ours is then raw and its size is passed on.
    let hasTerminal: Bool
    /// Whether our input is the program's.
    let takesInput: Bool
    /// Whether the program's output comes to us.
    var showsOutput = true
    /// What is asked to give the program's terminal another size: `containers`, ID, or `exec`, ID.
    let resizing: (kind: String, id: String)
    /// The keys that leave the program running.
    var detachKeys = DetachKeys.standard

    /// Copies until the program's output ends or the user leaves.
    func run() async throws -> End {
        let rawTerminal = hasTerminal && takesInput && Terminal.isTerminal(0) ? try RawTerminal(0) : nil
        defer { rawTerminal?.restore() }
        return try await Interruption.shared.guarding {
            rawTerminal?.restore()
        } _: {
            let changes = hasTerminal && Terminal.isTerminal(1) ? try? Interruption.sizeChanges() : nil
            // The program has its size before it gets what was typed.
            let first = changes.map { _ in
                Task { try? await withTimeout(.seconds(1)) { await passSize() } }
            }
            let sizes = changes.map { changes in
                Task {
                    await first?.value
                    while (try? await changes.next()) != nil { await passSize() }
                }
            }
            let left = Left()
            let keys =
                takesInput
                ? Task {
                    await first?.value
                    await copyInput(left)
                } : nil
            defer {
                first?.cancel()
                sizes?.cancel()
                keys?.cancel()
            }
            if !takesInput { await stream.shutdownWrite() }
            guard showsOutput else {
                await keys?.value
                return left.isSet ? .detached : .ended
            }
            do {
                try await copyOutput()
            } catch {
                // Whoever detached closed the stream under the one who reads it.
                guard left.isSet else { throw error }
            }
            return left.isSet ? .detached : .ended
        }
    }

    private final class Left: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    private func copyOutput() async throws {
        var decoder = StreamFrameDecoder()
        while true {
            let bytes = try await stream.read(max: 64 * 1024)
            if bytes.isEmpty { return }
            if hasTerminal {
                output.write(bytes: bytes)
            } else {
                for frame in try decoder.decode(bytes) { output.write(frame) }
            }
        }
    }

    /// Ends the program's input when ours ends; its output goes on.
    private func copyInput(_ left: Left) async {
        guard let source = try? FileDescriptor.duplicating(0).shared() else { return }
        var detector = DetachDetector(keys: hasTerminal ? detachKeys.bytes : [])
        while !Task.isCancelled {
            // A terminal or a file cannot be waited for in the event loop alike: a thread of its own reads.
            let bytes = try? await BlockingExecutor.shared.run { () throws(SystemError) -> [UInt8] in
                try source.read(upTo: 32 * 1024)
            }
            guard let bytes, !bytes.isEmpty else { break }
            let (passed, isLeaving) = detector.take(bytes)
            do {
                if !passed.isEmpty { try await stream.write(passed) }
            } catch { return }
            if isLeaving {
                left.set()
                stream.close()
                return
            }
        }
        await stream.shutdownWrite()
    }

    private func passSize() async {
        guard let size = Terminal.size(1) ?? Terminal.size(0) else { return }
        let target = Target(resizing.kind, resizing.id, "resize").with("h", "\(size.rows)").with("w", "\(size.columns)")
        _ = try? await daemon.post(target.text)
    }
}

/// A terminal in raw mode until it is restored, which may be asked for twice and from any task.
final class RawTerminal: Sendable {
    private let mode: Mutex<RawMode?>

    /// Switches the terminal.
    init(_ descriptor: Int32) throws(SystemError) {
        mode = Mutex(try RawMode.enter(descriptor))
    }

    /// Puts the terminal back as it was.
    func restore() {
        mode.withLock { $0 = nil }
    }
}

/// Keys that leave a program running, as `--detach-keys` names them.
struct DetachKeys: Sendable, Equatable {
    /// `ctrl-p,ctrl-q`.
    static let standard = DetachKeys(bytes: [16, 17])

    let bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads `ctrl-p,ctrl-q`, `ctrl-@`, `a,b`.
    ///
    /// - Throws: `Diagnostic` (SC0201) for a key that is none.
    init(_ text: String) throws(Diagnostic) {
        var bytes: [UInt8] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let byte = Engine.DetachKeys.typedByte(of: word) else {
                throw FlagProblem.sentence(
                    "invalid detach keys (\(text)): Unknown character: '\(word)'",
                    hint: "write letters or ctrl-LETTER, with commas between: ctrl-p,ctrl-q")
            }
            bytes.append(byte)
        }
        self.bytes = bytes
    }
}

/// Passes the signals that come to us on to a container, until it is stopped.
final class SignalProxy: Sendable {
    /// Not those of the terminal's size and of children, and not those that nobody can catch.
    private static let signals: [Int32] = [1, 2, 3, 10, 12, 14, 15, 18, 20]
    private let queue: SignalQueue
    private let task: Task<Void, Never>

    init(daemon: DaemonClient, container: String) throws(SystemError) {
        let queue = try SignalQueue(SignalProxy.signals)
        self.queue = queue
        task = Task {
            while let signal = try? await queue.next() {
                let target = Target("containers", container, "kill").with("signal", "\(signal)")
                _ = try? await daemon.post(target.text)
            }
        }
    }

    /// Signals have their usual effect again.
    func stop() {
        task.cancel()
        queue.close()
    }
}
