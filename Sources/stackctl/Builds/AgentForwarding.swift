import Builder
import HTTP
import Linux

/// Passes what steps ask an ssh agent on to the calling user's.
///
/// Each message is a length in four bytes, most significant first, and as many bytes; each has one answer.
///
/// Source: draft-miller-ssh-agent, section 3.
struct AgentForwarding: Sendable {
    let stream: HijackedStream
    /// The agent's socket.
    let path: String

    private static let longest = 256 << 10

    /// Passes messages on until the daemon ends the connection.
    func run() async {
        var agent: AsyncSocket?
        var (asked, answered): ([UInt8], [UInt8]) = ([], [])
        while let message = await Self.message(&asked, { try await stream.read() }) {
            // Whatever the daemon lets through.
            guard AgentRequest.isAllowed(message) else {
                guard (try? await stream.write(AgentRequest.refusal)) != nil else { break }
                continue
            }
            if agent == nil {
                agent = try? await AsyncSocket.connect(unix: path)
                answered = []
            }
            var answer: [UInt8]?
            if let socket = agent, (try? await socket.writeAll(message)) != nil {
                answer = await Self.message(&answered) { try await socket.read() }
            }
            if answer == nil {
                agent?.close()
                agent = nil
            }
            guard (try? await stream.write(answer ?? AgentRequest.refusal)) != nil else { break }
        }
        agent?.close()
    }

    /// The next whole message; nil at the end, or where it is too long.
    private static func message(_ pending: inout [UInt8], _ read: () async throws -> [UInt8]) async -> [UInt8]? {
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
            guard let piece = try? await read(), !piece.isEmpty else { return nil }
            pending += piece
        }
    }
}
