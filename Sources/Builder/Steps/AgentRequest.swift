/// Messages to an ssh agent, and what of them a step may send to its caller's: which keys there are, and to sign by one.
///
/// Keys and locks of the agent are nobody's business in a build, and loading a smart card's library even less
/// (CVE-2023-38408).
///
/// Source: draft-miller-ssh-agent, section 5.1.
package enum AgentRequest {
    /// `SSH_AGENTC_REQUEST_IDENTITIES` and `SSH_AGENTC_SIGN_REQUEST`.
    private static let allowed: Set<UInt8> = [11, 13]

    /// `SSH_AGENT_FAILURE`, its length in front.
    package static let refusal: [UInt8] = [0, 0, 0, 1, 5]

    /// - Parameter message: a whole message, its length in front.
    package static func isAllowed(_ message: [UInt8]) -> Bool { message.count > 4 && allowed.contains(message[4]) }

    /// Bytes of one message; OpenSSH's agent takes as many.
    private static let longest = 256 << 10

    /// The next whole message, its length included; nil at the end, or where it is too long.
    ///
    /// - Parameters:
    ///   - pending: what came of the messages after it.
    ///   - read: gives more bytes, none at the end.
    package static func next(
        _ pending: inout [UInt8], _ read: () async throws -> [UInt8]
    ) async throws -> [UInt8]? {
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
