import Diagnostics

/// A compose project in its canonical form: all files merged, every short notation written out, paths absolute.
///
/// The form of each element is what `docker compose config --format json` prints of it.
package struct ComposeProject: Sendable {
    /// Its name.
    package var name: String
    /// The directory that relative paths start from, absolute.
    package var directory: String
    /// The compose files, absolute, as they were given or found.
    package var files: [String]
    /// The files the environment of interpolation comes from.
    package var environmentFiles: [String] = []
    /// The environment of interpolation.
    package var environment: [String: String] = [:]
    /// The profiles that are active.
    package var profiles: [String] = []
    /// The services that are active.
    package var services = ComposeMap()
    /// The services of profiles that are not.
    package var disabledServices = ComposeMap()
    package var networks = ComposeMap()
    package var volumes = ComposeMap()
    package var secrets = ComposeMap()
    package var configs = ComposeMap()
    package var models = ComposeMap()
    /// `x-…` of the top level.
    package var extensions = ComposeMap()
    /// What deserves attention; no errors.
    package var diagnostics: [Diagnostic] = []

    /// Whether `$` was replaced, so that one that is printed has to be doubled.
    var isInterpolated = true
    /// Whether defaults are filled in.
    var isNormalized = true
    /// Whether names were checked against each other.
    var checksConsistency = true
    /// Whether what no service uses is kept.
    var keepsUnusedResources = false
    /// What is wrong with services that are not active, by their names.
    var deferredProblems: [String: [Diagnostic]] = [:]
    /// What is declared and used by no active service, by section.
    var unused: [Section: ComposeMap] = [:]

    package init(name: String, directory: String, files: [String]) {
        self.name = name
        self.directory = directory
        self.files = files
    }
}
