import Diagnostics

/// Why a build ended without a result.
///
/// What a user reads is in the diagnostics; codes are those of `BuildCode`.
package struct BuildFailure: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// The Dockerfile, a flag or a source makes no sense.
        case invalid
        /// A stage, an image, a file, a secret is not there.
        case notFound
        /// A process of RUN ended with this code.
        case process(exitCode: Int32)
        /// Something is asked for that was not allowed.
        case forbidden
        /// The host or a registry failed.
        case failed
        case cancelled
    }

    package var kind: Kind
    package var diagnostics: [Diagnostic]

    package init(_ kind: Kind, _ diagnostics: [Diagnostic]) {
        self.kind = kind
        self.diagnostics = diagnostics
    }

    package init(_ kind: Kind, _ diagnostic: Diagnostic) { self.init(kind, [diagnostic]) }
}

/// Codes of diagnostics of builds.
package enum BuildCode {
    /// The Dockerfile makes no sense.
    package static let invalid = "SC7001"
    /// Something it names is not there.
    package static let notFound = "SC7002"
    /// A process ended with a code other than 0.
    package static let process = "SC7003"
    /// An entitlement is missing.
    package static let forbidden = "SC7004"
    /// The host, a registry or another source failed.
    package static let failed = "SC7005"
    /// A warning of `--check`.
    package static let check = "SC7010"
}
