import Builder
import HTTP
import Linux

/// A caller's ssh agent at the other end of a connection.
///
/// Each message is a length in four bytes, most significant first, and as many bytes; each gets one answer of the same
/// form. The caller's end passes them on, one after the other.
///
/// Source: draft-miller-ssh-agent, section 3.
final class ForwardedAgent: AgentConnector {
    private let raw: HijackedStream
    private let line: AgentLine
    private let spawn: @Sendable (@escaping @Sendable () async -> Void) -> Void
    /// - Parameter spawn: runs what serves one connection, until that is closed.
    init(_ raw: HijackedStream, spawn: @escaping @Sendable (@escaping @Sendable () async -> Void) -> Void) {
        self.raw = raw
        self.spawn = spawn
        line = AgentLine(raw)
    }

    /// Reads the caller's answers until the caller goes away.
    func run() async {
        var pending: [UInt8] = []
        while let answer = try? await AgentRequest.next(&pending, { try await raw.read() }) {
            await line.deliver(answer)
        }
        await line.end()
    }

    func connect() async throws -> AsyncSocket {
        let ends = try SocketPair().separate()
        let ours = try AsyncSocket(try ends.first.duplicate())
        let theirs = try AsyncSocket(try ends.second.duplicate())
        spawn { [line] in
            var pending: [UInt8] = []
            while let message = try? await AgentRequest.next(&pending, { try await ours.read() }) {
                guard
                    let answer = AgentRequest.isAllowed(message) ? await line.exchange(message) : AgentRequest.refusal,
                    (try? await ours.writeAll(answer)) != nil
                else { break }
            }
            ours.close()
        }
        return theirs
    }
}

/// Lets one message after the other be answered.
private actor AgentLine {
    private let raw: HijackedStream
    private var isBusy = false
    private var isOver = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var asking: CheckedContinuation<[UInt8]?, Never>?
    private var early: [UInt8]?

    init(_ raw: HijackedStream) { self.raw = raw }

    /// The answer to a message; nil where the caller is gone.
    func exchange(_ message: [UInt8]) async -> [UInt8]? {
        if isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
        defer { if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() } }
        early = nil
        guard !isOver, (try? await raw.write(message)) != nil else { return nil }
        if let early { return early }
        guard !isOver else { return nil }
        return await withCheckedContinuation { asking = $0 }
    }

    func deliver(_ answer: [UInt8]) {
        guard let asking else {
            early = answer
            return
        }
        self.asking = nil
        asking.resume(returning: answer)
    }

    func end() {
        isOver = true
        asking?.resume(returning: nil)
        asking = nil
    }
}
