/// What a step may ask a caller's ssh agent: which keys there are, and to sign by one.
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
}
