import HTTP
import Linux
import Synchronization

/// The two directions of a running exec, between the user's terminal and the daemon.
struct ExecSession: Sendable {
    let daemon: DaemonClient
    let id: String
    let stream: HijackedStream
    let output: Output

    /// Copies until the program's output ends.
    ///
    /// - Parameter terminal: whether the program has a terminal; ours is then raw and its size is passed on.
    func run(terminal: Bool, input: Bool) async throws {
        let rawTerminal = terminal && input ? try RawTerminal(0) : nil
        defer { rawTerminal?.restore() }
        try await Interruption.shared.guarding {
            rawTerminal?.restore()
        } _: {
            let sizes = terminal ? Task { await passSizes() } : nil
            let keys = input ? Task { await copyInput() } : nil
            defer {
                sizes?.cancel()
                keys?.cancel()
            }
            if !input { await stream.shutdownWrite() }
            try await copyOutput(framed: !terminal)
        }
    }

    private func copyOutput(framed: Bool) async throws {
        var decoder = StreamFrameDecoder()
        while true {
            let bytes = try await stream.read(max: 64 * 1024)
            if bytes.isEmpty { return }
            if framed {
                for frame in try decoder.decode(bytes) { output.write(frame) }
            } else {
                output.write(bytes: bytes)
            }
        }
    }

    /// Ends the program's input when ours ends; its output goes on.
    private func copyInput() async {
        guard let source = try? FileDescriptor.duplicating(0).shared() else { return }
        while !Task.isCancelled {
            // A terminal or a file cannot be waited for in the event loop alike: a thread of its own reads.
            let bytes = try? await BlockingExecutor.shared.run { () throws(SystemError) -> [UInt8] in
                try source.read(upTo: 32 * 1024)
            }
            guard let bytes, !bytes.isEmpty else { break }
            do { try await stream.write(bytes) } catch { return }
        }
        await stream.shutdownWrite()
    }

    private func passSizes() async {
        guard let changes = try? Interruption.sizeChanges() else { return }
        repeat {
            guard let size = Terminal.size(0) else { return }
            let target = Target("exec", id, "resize").with("h", "\(size.rows)").with("w", "\(size.columns)")
            _ = try? await daemon.post(target.text)
        } while (try? await changes.next()) != nil
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
