import Diagnostics

/// What was asked of whom, for messages: never a query, which may hold a signature.
package struct RequestName: Sendable, Hashable, CustomStringConvertible {
    /// The HTTP method, such as `GET`.
    package let method: String
    /// The address without its query.
    package let address: String

    package var description: String { "\(method) \(address)" }
}

/// One entry of a registry's own list of errors.
///
/// Source: OCI distribution specification, "Error Codes".
package struct RegistryComplaint: Sendable, Hashable, CustomStringConvertible {
    /// A word such as `MANIFEST_UNKNOWN`.
    package let code: String
    /// The registry's sentence.
    package let message: String

    package var description: String { message.isEmpty ? code : "\(code): \(message)" }
}

/// Why something asked of a registry did not happen.
package enum RegistryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// libcurl cannot be used.
    case library(String)
    /// No connection could be made.
    case unreachable(RequestName, String)
    /// The certificate is not to be trusted, or no TLS is spoken.
    case untrusted(RequestName, String)
    /// The connection broke, or nothing came, every time it was tried.
    case interrupted(RequestName, String)
    /// The answer is not what the protocol says; with what came instead.
    case badAnswer(RequestName, String)
    /// The registry wants (other) credentials.
    case unauthorized(RequestName, [RegistryComplaint])
    /// The credentials do not allow it.
    case denied(RequestName, [RegistryComplaint])
    /// What was asked for is not there.
    case notFound(RequestName, [RegistryComplaint])
    /// The registry answered with another error.
    case refused(RequestName, status: Int, [RegistryComplaint], excerpt: String)
    /// An answer is longer than is accepted, in bytes.
    case tooLarge(RequestName, what: String, limit: Int)
    /// The bytes are not those the digest names.
    case digestMismatch(RequestName, expected: String, found: String)
    /// Fewer or more bytes came than the descriptor says.
    case sizeMismatch(RequestName, expected: Int64, found: Int64)
    /// A digest whose algorithm is not computed here.
    case unsupportedDigest(String)
    /// A redirect or a place for a token that is not followed.
    case redirect(RequestName, String)
    /// A file of ours is wrong: its path and why.
    case configuration(path: String, String)
    /// A credential helper failed: its name and why.
    case helper(String, String)
    /// What was to be pushed could not be read.
    case source(RequestName, String)
    /// The caller wanted no more of it.
    case cancelled(RequestName)

    init(_ failure: TransportFailure, _ name: RequestName) {
        switch failure.kind {
        case .library: self = .library(failure.reason)
        case .unresolved, .unconnected: self = .unreachable(name, failure.reason)
        case .handshake, .untrusted, .ownCertificate: self = .untrusted(name, failure.reason)
        case .silence, .broken: self = .interrupted(name, failure.reason)
        case .badReply: self = .badAnswer(name, failure.reason)
        case .source: self = .source(name, failure.reason)
        case .cancelled: self = .cancelled(name)
        }
    }

    package var description: String {
        switch self {
        case .library(let reason): "libcurl cannot be used: \(reason)"
        case .unreachable(let name, let reason): "\(name): no connection: \(reason)"
        case .untrusted(let name, let reason): "\(name): TLS failed: \(reason)"
        case .interrupted(let name, let reason): "\(name): \(reason)"
        case .badAnswer(let name, let reason): "\(name): \(reason)"
        case .unauthorized(let name, let list): "\(name): authentication is required\(Self.text(list))"
        case .denied(let name, let list): "\(name): access is denied\(Self.text(list))"
        case .notFound(let name, let list): "\(name): not found\(Self.text(list))"
        case .refused(let name, let status, let list, let excerpt):
            "\(name): the registry answers \(status)"
                + (list.isEmpty && !excerpt.isEmpty ? ": \(excerpt)" : Self.text(list))
        case .tooLarge(let name, let what, let limit): "\(name): \(what) is longer than \(limit) bytes"
        case .digestMismatch(let name, let expected, let found):
            "\(name): the content's digest is \(found), not \(expected)"
        case .sizeMismatch(let name, let expected, let found):
            "\(name): \(found) bytes came where \(expected) were expected"
        case .unsupportedDigest(let digest): "`\(digest)` cannot be verified here: only sha256 is computed"
        case .redirect(let name, let reason): "\(name): \(reason)"
        case .configuration(let path, let reason): "\(path): \(reason)"
        case .helper(let program, let reason): "\(program): \(reason)"
        case .source(let name, let reason): "\(name): the content to send could not be read: \(reason)"
        case .cancelled(let name): "\(name): cancelled"
        }
    }

    private static func text(_ list: [RegistryComplaint]) -> String {
        list.isEmpty ? "" : " (" + list.map(\.description).joined(separator: "; ") + ")"
    }
}

extension RegistryError {
    /// Whether another host that has the same content may do better.
    var mayBeBetterElsewhere: Bool {
        switch self {
        case .library, .unsupportedDigest, .source, .cancelled: false
        default: true
        }
    }

    /// The stable code of its diagnostic.
    package var code: String {
        switch self {
        case .library: "SC4101"
        case .unreachable: "SC4102"
        case .untrusted: "SC4103"
        case .interrupted: "SC4104"
        case .badAnswer: "SC4105"
        case .unauthorized: "SC4106"
        case .denied: "SC4107"
        case .notFound: "SC4108"
        case .refused: "SC4109"
        case .tooLarge: "SC4110"
        case .digestMismatch: "SC4111"
        case .sizeMismatch: "SC4112"
        case .unsupportedDigest: "SC4113"
        case .redirect: "SC4114"
        case .configuration: "SC4115"
        case .helper: "SC4116"
        case .source: "SC4117"
        case .cancelled: "SC4118"
        }
    }

    private var hint: String? {
        switch self {
        case .library: "apt-get install libcurl4"
        case .unreachable: "check the name, the network, and `mirrors` in registries.json"
        case .untrusted:
            "put the registry's authority into /etc/docker/certs.d/HOST/ca.crt, or name it in registries.json"
        case .interrupted: "run it again: what is complete already is kept"
        case .badAnswer: "check that this is the address of a registry, not of a proxy's or a web site's page"
        case .unauthorized: "stackctl login REGISTRY"
        case .denied: "log in as a user who may do this, and check the repository's name"
        case .notFound: "check the name and the tag"
        case .digestMismatch, .sizeMismatch: "the content is damaged or was changed on the way; nothing of it is used"
        case .refused(_, status: 429, _, _): "wait, or log in: many registries limit anonymous pulls"
        default: nil
        }
    }

    /// The error as users read it.
    ///
    /// - Parameter doing: what was being done, such as "pulling docker.io/library/nginx:latest".
    package func diagnostic(doing: String) -> Diagnostic {
        Diagnostic(code: code, summary: "\(doing) failed", detail: description, hint: hint)
    }
}
