/// What can go wrong while speaking HTTP.
package enum HTTPError: Error, Sendable, Equatable {
    /// The peer's bytes are not HTTP as we accept it.
    case malformed(String)
    /// The head is longer than allowed.
    case headTooLarge
    /// The body is longer than allowed, in bytes.
    case bodyTooLarge(limit: Int)
    /// A transfer coding that is not spoken here.
    case unsupportedCoding(String)
    /// The peer sent nothing for too long.
    case timeout
    /// The peer closed in the middle of a message.
    case truncated
    /// The response was already begun or ended.
    case responseMisuse(String)

    /// The status a server answers with.
    package var status: Int {
        switch self {
        case .malformed, .truncated: 400
        case .headTooLarge: 431
        case .bodyTooLarge: 413
        case .unsupportedCoding: 501
        case .timeout: 408
        case .responseMisuse: 500
        }
    }

    /// One sentence for the peer.
    package var text: String {
        switch self {
        case .malformed(let reason): "malformed request: \(reason)"
        case .headTooLarge: "request header fields too large"
        case .bodyTooLarge(let limit): "request body is larger than \(limit) bytes"
        case .unsupportedCoding(let coding): "transfer coding \(coding) is not supported"
        case .timeout: "request timed out"
        case .truncated: "the connection was closed in the middle of a message"
        case .responseMisuse(let reason): reason
        }
    }
}

/// Limits on what a peer may send.
package struct HTTPLimits: Sendable, Equatable {
    /// Bytes of a whole head: start line and fields.
    package var headBytes = 64 * 1024
    /// Field lines in a head.
    package var headFields = 256
    /// Seconds for a head to be complete once its first byte came, and for each silence within a body.
    package var stallSeconds = 20
    /// Seconds that one write may take until the peer is given up: one that reads slowly reads on, one that stopped
    /// reading keeps a connection, and what is shown by it, no longer than this.
    package var writeSeconds = 3600
    /// Connections served at once; more wait in the kernel's queue.
    package var connections = 16384

    /// The defaults.
    package init() {}
}
