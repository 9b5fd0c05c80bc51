import CLinux
import Glibc
import Synchronization

/// What a program that ran to its end left.
package struct ProcessResult: Sendable {
    package var status: ExitStatus
    package var standardOutput: [UInt8]
    package var standardError: [UInt8]
    /// Whether the time was up and its process group was killed.
    package var timedOut: Bool
    /// Whether an output had more bytes than the limit; the rest was read and dropped.
    package var truncated: Bool

    /// The output as text.
    package var outputText: String { String(decoding: standardOutput, as: UTF8.self) }
    /// The error output as text.
    package var errorText: String { String(decoding: standardError, as: UTF8.self) }
}

/// One line a program wrote, without its line end.
package struct OutputLine: Sendable, Hashable {
    /// Where it wrote.
    package enum Stream: Sendable, Hashable {
        case standardOutput, standardError
    }

    package var stream: Stream
    package var text: String

    /// A line.
    package init(stream: Stream, text: String) {
        self.stream = stream
        self.text = text
    }
}

extension Spawn {
    /// Runs a program to its end and collects what it writes.
    ///
    /// The program leads its own process group, which is killed when the time is up or the task is cancelled; where the
    /// request asks for a session, all of that. The request's descriptors 0, 1 and 2 are replaced.
    /// - Parameters:
    ///   - input: what it reads.
    ///   - timeout: how long it may take; nil is for ever.
    ///   - outputLimit: bytes kept of each output.
    ///   - onLine: called for each line as it comes, of either output.
    /// - Throws: `SystemError` when it cannot be started, `CancellationError`.
    package static func run(
        _ request: SpawnRequest, input: [UInt8] = [], timeout: Duration? = nil, outputLimit: Int = 1 << 20,
        onLine: (@Sendable (OutputLine) -> Void)? = nil
    ) async throws -> ProcessResult {
        let (child, pipes) = try launch(request)
        let ownsSession = request.newSession
        let timeUp = Flag()
        return try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await feed(input, to: pipes.input) }
                if let timeout {
                    group.addTask {
                        try await EventLoop.shared.sleep(for: timeout)
                        timeUp.set()
                        try? child.sendToGroup(SIGKILL)
                    }
                }
                let (outputReader, errorReader) = (PipeReader(pipes.output), PipeReader(pipes.errors))
                async let output = collect(outputReader, .standardOutput, outputLimit, onLine)
                async let errors = collect(errorReader, .standardError, outputLimit, onLine)
                defer { pipes.close() }
                let status: ExitStatus
                do {
                    status = try await child.exitStatus()
                } catch {
                    group.cancelAll()
                    try? child.sendToGroup(SIGKILL)
                    if ownsSession { await BlockingExecutor.shared.run { child.killSession() } }
                    throw error
                }
                if timeUp.isSet, ownsSession { await BlockingExecutor.shared.run { child.killSession() } }
                // A grandchild may hold the outputs open for ever, and write to them: what it writes later is not this
                // program's.
                group.addTask {
                    try await EventLoop.shared.sleep(for: .seconds(2))
                    outputReader.writerEnded()
                    errorReader.writerEnded()
                }
                let (first, second) = await (output, errors)
                group.cancelAll()
                while let _ = try? await group.next() {}
                try Task.checkCancellation()
                return ProcessResult(
                    status: status, standardOutput: first.bytes, standardError: second.bytes,
                    timedOut: timeUp.isSet, truncated: first.truncated || second.truncated)
            }
        } onCancel: {
            try? child.sendToGroup(SIGKILL)
        }
    }

    private final class Flag: Sendable {
        private let value = Mutex(false)

        var isSet: Bool { value.withLock { $0 } }

        func set() {
            value.withLock { $0 = true }
        }
    }

    private struct Pipes: Sendable {
        var input: AsyncDescriptor
        var output: AsyncDescriptor
        var errors: AsyncDescriptor

        func close() {
            input.close()
            output.close()
            errors.close()
        }
    }

    private static func launch(_ request: SpawnRequest) throws(SystemError) -> (ChildProcess, Pipes) {
        let input = try Pipe().separate()
        let output = try Pipe().separate()
        let errors = try Pipe().separate()
        var request = request
        request.descriptors[0] = input.reading.raw
        request.descriptors[1] = output.writing.raw
        request.descriptors[2] = errors.writing.raw
        if !request.newSession { request.newProcessGroup = true }
        let pipes = Pipes(
            input: try AsyncDescriptor(try input.writing.duplicate()),
            output: try AsyncDescriptor(try output.reading.duplicate()),
            errors: try AsyncDescriptor(try errors.reading.duplicate()))
        let child = try start(request)
        return (child, pipes)
    }

    private static func feed(_ input: [UInt8], to pipe: AsyncDescriptor) async {
        // A program that does not read all its input is no failure of ours, and must not end us by a signal.
        if !input.isEmpty { Signals.ignoreBrokenPipe() }
        try? await pipe.writeAll(input)
        pipe.close()
    }

    private static func collect(
        _ reader: PipeReader, _ stream: OutputLine.Stream, _ limit: Int,
        _ onLine: (@Sendable (OutputLine) -> Void)?
    ) async -> (bytes: [UInt8], truncated: Bool) {
        var kept: [UInt8] = []
        var truncated = false
        var lines = LineSplitter()
        while let chunk = try? await reader.next() {
            let room = max(0, limit - kept.count)
            kept.append(contentsOf: chunk.prefix(room))
            if chunk.count > room { truncated = true }
            guard let onLine else { continue }
            for text in lines.add(chunk) { onLine(OutputLine(stream: stream, text: text)) }
        }
        if let onLine, let rest = lines.finish() { onLine(OutputLine(stream: stream, text: rest)) }
        return (kept, truncated)
    }
}

/// Cuts a stream of bytes into lines; a line longer than 64 KiB is cut there.
struct LineSplitter {
    private var pending: [UInt8] = []

    /// The lines that these bytes complete, without `\n` or `\r\n`.
    mutating func add(_ chunk: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in chunk {
            if byte == 10 {
                if pending.last == 13 { pending.removeLast() }
                lines.append(take())
            } else {
                pending.append(byte)
                if pending.count >= 64 << 10 { lines.append(take()) }
            }
        }
        return lines
    }

    /// What is left without a line end.
    mutating func finish() -> String? {
        pending.isEmpty ? nil : take()
    }

    private mutating func take() -> String {
        defer { pending.removeAll(keepingCapacity: true) }
        return String(decoding: pending, as: UTF8.self)
    }
}
