import Engine

/// The versions of Docker's API that are spoken.
package enum APIVersion {
    /// The newest, which is served where no version is named.
    package static let newest = 51
    /// The oldest.
    package static let oldest = 24

    /// Takes `/v1.N` off a path.
    ///
    /// A path without it is of the newest version.
    ///
    /// - Throws: Docker's texts for versions that are too old or too new.
    static func split(_ path: String) throws(EngineError) -> (minor: Int, path: String) {
        guard path.hasPrefix("/v") else { return (newest, path) }
        let rest = path.dropFirst(2)
        let text = rest.prefix { $0 != "/" }
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else {
            return (newest, path)
        }
        guard (major, minor) >= (1, oldest) else {
            throw EngineError(
                .invalid,
                "client version \(text) is too old. Minimum supported API version is 1.\(oldest), please upgrade your client to a newer version"
            )
        }
        guard (major, minor) <= (1, newest) else {
            throw EngineError(
                .invalid, "client version \(text) is too new. Maximum supported API version is 1.\(newest)")
        }
        let path = String(rest.dropFirst(text.count))
        return (minor, path.isEmpty ? "/" : path)
    }
}
