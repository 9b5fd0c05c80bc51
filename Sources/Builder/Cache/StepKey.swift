import Archives
import Dockerfile
import Linux
import OCI

/// What the result of a step depends on, as one digest.
///
/// Layers are named by what they hold, and files by their contents, so that a step whose input came out the same is
/// found whatever happened before it. Only files and what is told here count; nothing is ever found by an image's
/// configuration alone.
struct StepKey {
    private let hash = SHA256()

    /// - Parameter kind: what kind of step it is; with a number that changes with what a key is made of.
    init(_ kind: String) { add("kind", kind) }

    func add(_ name: String, _ value: String) {
        // With lengths: no two lists of values give the same bytes.
        hash.update(Array("\(name.utf8.count):\(name)\(value.utf8.count):\(value)".utf8))
    }

    func add(_ name: String, _ value: String?) {
        if let value { add(name, value) }
    }

    func add(_ name: String, _ values: [String]) {
        add(name, "\(values.count)")
        for value in values { add("", value) }
    }

    func add(_ name: String, _ value: Bool) {
        if value { add(name, "true") }
    }

    /// Adds layers, lowest first.
    func add(_ name: String, layers: [Digest]) { add(name, layers.map(\.description)) }

    func add(_ name: String, _ value: Timestamp?) {
        if let value { add(name, value.rfc3339) }
    }

    /// `sha256:…`; to be asked once.
    func finish() -> String { "sha256:" + hash.finishHex() }
}

extension StepKey {
    /// Adds all that COPY and ADD say, but for the contents of inline files, which are in the digest of the sources.
    func add(_ transfer: EvaluatedTransfer) {
        add("add", transfer.isAdd)
        add("destination", transfer.destination)
        add("owner", transfer.owner)
        add("mode", transfer.mode)
        add("link", transfer.isLinked)
        add("parents", transfer.keepsParents)
        add("exclude", transfer.excluded)
        add("checksum", transfer.checksum)
        add("git", transfer.keepsGitDirectory)
        add("unpack", transfer.unpacks.map { "\($0)" })
        add(
            "sources",
            transfer.sources.map { source in
                switch source {
                case .path(let path): "path:\(path)"
                case .inline(let name, let content): "inline:\(name.utf8.count):\(name)\(content)"
                case .web(let address): "web:\(address)"
                case .git(let address): "git:\(address)"
                }
            })
    }

    /// Adds all that RUN says but for what is hidden: secrets' contents, agents, proxies.
    func add(_ run: EvaluatedRun) {
        add("arguments", run.arguments)
        add("script", run.script)
        add("environment", run.environment)
        add("insecure", run.isInsecure)
        add("devices", run.devices)
        for mount in run.mounts {
            add("mount", mount.kind.rawValue)
            add("target", mount.target)
            add("source", mount.source)
            add("readOnly", mount.isReadOnly)
            add("id", mount.id)
            add("variable", mount.environmentName)
            add("required", mount.isRequired)
            add("sharing", mount.kind == .cache ? mount.sharing.rawValue : nil)
            add("mode", mount.mode.map { String($0, radix: 8) })
            add("owner", "\(mount.userID):\(mount.groupID)")
            add("size", mount.size.map { "\($0)" })
        }
    }
}
