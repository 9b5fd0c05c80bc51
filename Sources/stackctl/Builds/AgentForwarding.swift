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

    /// Passes messages on until the daemon ends the connection.
    func run() async {
        var agent: AsyncSocket?
        var (asked, answered): ([UInt8], [UInt8]) = ([], [])
        while let message = try? await AgentRequest.next(&asked, { try await stream.read() }) {
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
                answer = try? await AgentRequest.next(&answered) { try await socket.read() }
            }
            if answer == nil {
                agent?.close()
                agent = nil
            }
            guard (try? await stream.write(answer ?? AgentRequest.refusal)) != nil else { break }
        }
        agent?.close()
    }
}
