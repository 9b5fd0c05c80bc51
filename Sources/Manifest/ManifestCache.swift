import Archives
import Diagnostics
import JSONText
import Linux

/// Compiled manifests and their documents on disk.
///
/// An entry is a file whose first line is the SHA-256 of the rest; one that does not match is reported and made anew.
package struct ManifestCache: Sendable {
    /// The directory.
    package var directory: String

    /// A cache in a directory; it is made when first written.
    package init(directory: String) { self.directory = directory }

    /// `$XDG_CACHE_HOME/stackctl`, or `~/.cache/stackctl`, or a directory for the user id.
    package static func defaultDirectory(environment: [String: String] = Environment.all) -> String {
        if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return base + "/stackctl" }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/stackctl" }
        return "/var/tmp/stackctl-cache-\(CurrentProcess.uid)"
    }

    /// What a lookup found.
    enum Lookup: Sendable {
        case absent
        case damaged(String)
        case found([UInt8])
    }

    var programs: String { directory + "/programs" }
    var documents: String { directory + "/documents" }
    var moduleCache: String { directory + "/modules" }
    /// How the path of a running compile's directory begins.
    var buildPrefix: String { directory + "/build-" }

    func program(_ key: String) -> String { "\(programs)/\(key).json" }
    func document(_ key: String) -> String { "\(documents)/\(key).json" }

    /// Makes the directories, for the user alone: what is in them is run.
    func prepare() throws(SystemError) {
        try Files.makeDirectories(directory, mode: 0o700)
        for child in [programs, documents, moduleCache] { try Files.makeDirectories(child, mode: 0o700) }
    }

    /// Whether the directory can be trusted: ours, and writable by nobody else.
    func isTrusted() -> Bool {
        guard let status = try? Files.statusIfPresent(directory, followLinks: true) else { return true }
        return status.kind == .directory && status.uid == CurrentProcess.uid && status.mode & 0o022 == 0
    }

    /// Reads an entry and checks it.
    func read(_ path: String) -> Lookup {
        guard let bytes = try? Files.readAll(path, limit: 256 << 20) else { return .absent }
        guard let newline = bytes.firstIndex(of: 0x0A) else { return .damaged(path) }
        let content = Array(bytes[(newline + 1)...])
        guard String(decoding: bytes[..<newline], as: UTF8.self) == SHA256.hex(of: content) else {
            return .damaged(path)
        }
        return .found(content)
    }

    /// The record in an entry; a damaged one is warned of and counts as absent.
    func record(_ path: String, warnings: inout [Diagnostic]) -> JSONValue? {
        switch read(path) {
        case .absent:
            return nil
        case .damaged(let path):
            warnings.append(Self.warning(path))
            return nil
        case .found(let content):
            return try? JSONValue.parse(content)
        }
    }

    /// Writes an entry in one step.
    func write(_ path: String, _ content: [UInt8]) throws(SystemError) {
        try Files.writeAtomically(
            path, Array((SHA256.hex(of: content) + "\n").utf8) + content, mode: 0o600, fsync: false)
    }

    /// The warning for a damaged entry.
    static func warning(_ path: String) -> Diagnostic {
        Diagnostic(
            severity: .warning, code: "SC1230", summary: "a damaged entry of the manifest cache was replaced",
            detail: "\(path) did not match its checksum.",
            hint: "when this happens again, check the disk")
    }

    /// Removes the oldest entries beyond a number of each kind.
    func prune(programs programLimit: Int = 64, documents documentLimit: Int = 512) {
        prune(programs, keeping: programLimit * 2)
        prune(documents, keeping: documentLimit)
        pruneBuilds()
    }

    /// Removes what compiles left that were killed: none takes an hour.
    private func pruneBuilds() {
        for entry in (try? Files.list(directory)) ?? [] {
            let path = "\(directory)/\(entry.name)"
            guard path.hasPrefix(buildPrefix), let status = try? Files.status(path, followLinks: false),
                Clock.now().seconds - Int64(status.modified.seconds) > 3600
            else { continue }
            try? Files.removeTree(path)
        }
    }

    private func prune(_ directory: String, keeping limit: Int) {
        guard let entries = try? Files.list(directory), entries.count > limit else { return }
        let aged = entries.compactMap { entry -> (path: String, age: Int64)? in
            let path = "\(directory)/\(entry.name)"
            return (try? Files.status(path)).map { (path, Int64($0.modified.seconds)) }
        }
        for entry in aged.sorted(by: { $0.age < $1.age }).dropLast(limit) { _ = try? Files.unlinkIfPresent(entry.path) }
    }
}
