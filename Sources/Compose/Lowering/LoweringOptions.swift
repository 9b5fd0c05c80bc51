/// What `up` and its kin ask for beyond what the file says.
package struct LoweringOptions: Sendable, Hashable {
    /// `--scale`, by service.
    package var scale: [String: Int] = [:]
    /// Whether containers are started once made.
    package var starts = true
    /// `--pull`: in place of every service's `pull_policy`.
    package var pullPolicy: String?
    /// Whether images with a `build` are resources of the stack, and so are built where their inputs changed (`--no-build`).
    package var builds = true
    /// Services the document has although they are outside the plan's targets; edges to others are left out.
    package var ignoresDependencies = false
    /// Whether the document is only looked at, never applied: then variables of secrets and configs may be unset.
    package var onlyLooks = false
    /// Where the host's API listens, for services with `use_api_socket`.
    package var apiSocket = "/var/run/docker.sock"

    package init() {}
}
