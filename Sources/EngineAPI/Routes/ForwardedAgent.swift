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
    /// Bytes of one message; OpenSSH's agent takes as many.
    private static let longest = 256 << 10

    /// - Parameter spawn: runs what serves one connection, until that is closed.
    init(_ raw: HijackedStream, spawn: @escaping @Sendable (@escaping @Sendable () async -> Void) -> Void) {
        self.raw = raw
        self.spawn = spawn
        line = AgentLine(raw)
    }

    /// Reads the caller's answers until the caller goes away.
    func run() async {
        var pending: [UInt8] = []
        while let answer = try? await Self.message(&pending, { try await raw.read() }) { await line.deliver(answer) }
        await line.end()
    }

    func connect() async throws -> AsyncSocket {
        let ends = try SocketPair().separate()
        let ours = try AsyncSocket(try ends.first.duplicate())
        let theirs = try AsyncSocket(try ends.second.duplicate())
        spawn { [line] in
            var pending: [UInt8] = []
            while let message = try? await Self.message(&pending, { try await ours.read() }) {
                guard
                    let answer = AgentRequest.isAllowed(message) ? await line.exchange(message) : AgentRequest.refusal,
                    (try? await ours.writeAll(answer)) != nil
                else { break }
            }
            ours.close()
        }
        return theirs
    }

    /// The next whole message, its length included; nil at the end, or where it is too long.
    static func message(_ pending: inout [UInt8], _ read: () async throws -> [UInt8]) async throws -> [UInt8]? {
        while true {
            if pending.count >= 4 {
                let length = pending.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                guard length <= longest else { return nil }
                if pending.count >= 4 + length {
                    let message = Array(pending.prefix(4 + length))
                    pending.removeFirst(4 + length)
                    return message
                }
            }
            let piece = try await read()
            guard !piece.isEmpty else { return nil }
            pending += piece
        }
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
