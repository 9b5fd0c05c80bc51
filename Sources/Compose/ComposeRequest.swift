/// Where compose files and what they name are read from.
///
/// Paths are absolute.
package protocol ComposeFiles: Sendable {
    /// The bytes of a file; nil where there is none.
    ///
    /// - Throws: what keeps it from being read, as a sentence: a directory, no permission, too large.
    func read(_ path: String) throws(ComposeFileFailure) -> [UInt8]?

    /// Whether there is a file or directory.
    func exists(_ path: String) -> Bool
}

/// Why a file cannot be read.
package struct ComposeFileFailure: Error, Sendable, Hashable {
    /// The reason, as the end of a sentence: "is a directory".
    package var reason: String

    package init(_ reason: String) { self.reason = reason }
}

/// What the user asks to be loaded.
package struct ComposeRequest: Sendable {
    /// Absolute paths, the later ones override the earlier ones; empty looks for one from the working directory upwards.
    package var files: [String] = []
    /// Texts for paths that are no files, such as "-", which is standard input.
    package var texts: [String: [UInt8]] = [:]
    /// `--project-directory`, absolute.
    package var projectDirectory: String?
    /// `--project-name`.
    package var projectName: String?
    /// `--profile`, as often as given; `*` is all.
    package var profiles: [String] = []
    /// `--env-file`, absolute; nil takes `.env` of the project's directory.
    package var environmentFiles: [String]?
    /// The caller's environment.
    package var environment: [String: String] = [:]
    /// Where the user is, absolute.
    package var workingDirectory: String
    /// Whether `$` is replaced (`--no-interpolate`).
    package var interpolates = true
    /// Whether defaults are filled in (`--no-normalize`).
    package var normalizes = true
    /// Whether relative paths become absolute ones (`--no-path-resolution`).
    package var resolvesPaths = true
    /// Whether names are checked against each other (`--no-consistency`).
    package var checksConsistency = true
    /// Whether networks, volumes, secrets and configs that no service uses are kept (`--all-resources`).
    package var keepsUnusedResources = false

    package init(workingDirectory: String) { self.workingDirectory = workingDirectory }
}
