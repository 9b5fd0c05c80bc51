/// What this build calls itself.
enum Version {
    /// The released version.
    static let number = "0.1.0"

    /// What `--version` prints.
    static let line = "stackctl \(number)"
}
