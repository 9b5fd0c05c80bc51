import Archives
import Diagnostics
import Linux

/// Gets files of repositories, by Debian's `git`.
///
/// The program has no settings of the host's users, asks for nothing, runs no hooks and speaks to remotes only; it is
/// killed with all it started when the time is up or nobody wants the result.
struct GitCheckout {
    private static let program = "/usr/bin/git"
    private static let limit = Duration.seconds(900)

    let reference: GitReference
    /// For what is being made, closed to others.
    let parent: String

    private var environment: [String] {
        [
            "PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
            "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false",
            "GIT_ALLOW_PROTOCOL=http:https:git:ssh",
            "GIT_SSH_COMMAND=ssh -F /dev/null -o BatchMode=yes -o IdentityFile=none -o IdentitiesOnly=yes"
                + " -o IdentityAgent=none",
            "GIT_LFS_SKIP_SMUDGE=1",
        ]
    }

    /// The address without what is to be kept from layers, histories and messages.
    private var shown: String {
        reference.remote.hasPrefix("http") ? Provenance.withoutUser(reference.remote) : reference.remote
    }

    /// The login of the address, which git adds when it connects and writes nowhere.
    ///
    /// Source: git-config(1), "GIT_CONFIG_COUNT", "url.<base>.insteadOf".
    private var login: [String] {
        guard shown != reference.remote, let slash = shown.dropFirst(8).firstIndex(of: "/") else { return [] }
        let tail = shown[slash...].count - 1
        return [
            "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.\(reference.remote.dropLast(tail)).insteadOf",
            "GIT_CONFIG_VALUE_0=\(shown.dropLast(tail))",
        ]
    }

    /// The commit that the reference means now.
    ///
    /// - Throws: `BuildFailure`.
    func commit() async throws -> String {
        if reference.isCommit { return try checked(reference.reference.lowercased()) }
        let wanted = reference.reference.isEmpty ? "HEAD" : reference.reference
        let listed = try await git("ls-remote", "--quiet", shown, wanted, wanted + "^{}")
        var found: [String: String] = [:]
        for line in listed.split(separator: "\n") {
            let parts = line.split(separator: "\t")
            if parts.count == 2, parts[0].count >= 40, parts[0].allSatisfy(\.isHexDigit) {
                found[String(parts[1])] = String(parts[0])
            }
        }
        let names = [wanted, "refs/heads/\(wanted)", "refs/tags/\(wanted)", "refs/\(wanted)"]
        // A tag that is an object of its own points at the commit.
        guard let commit = names.lazy.compactMap({ found[$0 + "^{}"] ?? found[$0] }).first else {
            throw BuildFailure(
                .notFound,
                Diagnostic(
                    code: BuildCode.notFound, summary: "repository does not contain ref \(wanted)",
                    detail: shown,
                    hint: "give a branch, a tag, or a commit with all of its digits"))
        }
        return try checked(commit)
    }

    private func checked(_ commit: String) throws -> String {
        guard let checksum = reference.checksum else { return commit }
        guard checksum.count >= 7, commit.hasPrefix(checksum.lowercased()) else {
            throw BuildFailure.badTransfer(
                "expected checksum to match \(checksum), got \(commit)", detail: shown)
        }
        return commit
    }

    /// The files of a commit.
    ///
    /// - Throws: `BuildFailure`.
    func tree(of commit: String, keepingGitDirectory: Bool) async throws -> FileTree {
        let parent = parent
        let directory = try await BlockingExecutor.shared.run { () throws(SystemError) in
            try TemporaryTree(in: parent, prefix: "git-")
        }
        let work = directory.path + "/work"
        _ = try await git("init", "--quiet", work)
        _ = try await git("-C", work, "remote", "add", "origin", shown)
        try await fetch(commit, into: work)
        _ = try await git("-C", work, "checkout", "--quiet", "--detach", commit)
        if reference.hasSubmodules, Files.exists(work + "/.gitmodules") {
            _ = try await git(
                "-C", work, "submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
        }
        let time = try await git("-C", work, "show", "--no-patch", "--format=%ct", commit)
        let moment = Timestamp(seconds: Int64(time.split(separator: "\n").first ?? "") ?? 0)
        let subdirectory = reference.directory
        return try await BlockingExecutor.shared.run {
            try Self.settle(
                try Files.open(work, [.readOnly, .directory]).shared(), keepsGit: keepingGitDirectory, time: moment)
            // Whoever lists it begins at the start.
            let root = try Files.open(work, [.readOnly, .directory]).shared()
            guard !subdirectory.isEmpty else { return FileTree(root: root, belongsToRoot: true, lifetime: directory) }
            let reader = try TreeReader(FileTree(root: root, belongsToRoot: true))
            let path = try TreePath.resolve(Array(subdirectory.utf8)) { try reader.link($0) }
            guard try reader.status(path)?.kind == .directory else {
                throw BuildFailure.missingSource(
                    Array(subdirectory.utf8), hint: "no such directory is in the repository")
            }
            return FileTree(
                root: try reader.open(path, [.readOnly, .directory]), belongsToRoot: true, lifetime: directory)
        }
    }

    /// Fetches a commit alone where the remote gives it so, else its branch or tag, else everything.
    private func fetch(_ commit: String, into work: String) async throws {
        let name = reference.reference.isEmpty ? "HEAD" : reference.reference
        let ways = [
            ["--depth=1", "--no-tags", "origin", commit], ["--depth=1", "--no-tags", "origin", name],
            ["--tags", "origin", "+refs/heads/*:refs/remotes/origin/*"],
        ]
        var failure: (any Error)?
        for way in ways {
            do {
                _ = try await git(words: ["-C", work, "fetch", "--quiet", "--no-write-fetch-head"] + way)
                // A tag can have any name, that of a commit too.
                let found = try await git("-C", work, "rev-parse", "--verify", "--quiet", commit + "^{object}")
                guard found.split(separator: "\n").first.map(String.init) == commit else {
                    throw BuildFailure.badTransfer("\(commit) is a name and no commit", detail: shown)
                }
                _ = try await git("-C", work, "cat-file", "-e", commit + "^{commit}")
                return
            } catch let error as BuildFailure {
                // The first says most where all fail for one reason.
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    @discardableResult
    private func git(_ words: String...) async throws -> String { try await git(words: words) }

    private func git(words: [String]) async throws -> String {
        guard Files.exists(Self.program) else {
            throw BuildFailure(
                .failed,
                Diagnostic(
                    code: BuildCode.failed, summary: "\(shown) cannot be fetched: git is not installed",
                    hint: "apt-get install git"))
        }
        let settings = [
            "core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "protocol.version=2",
            "advice.detachedHead=false", "init.defaultBranch=main", "http.followRedirects=initial",
            "core.symlinks=true", "submodule.recurse=false", "safe.directory=*",
        ].flatMap { ["-c", $0] }
        let request = SpawnRequest(
            executable: .path(Self.program), arguments: ["git"] + settings + words, environment: environment + login,
            workingDirectory: "/", newSession: true)
        let result = try await Spawn.run(request, timeout: Self.limit, outputLimit: 4 << 20)
        guard result.status.isSuccess, !result.timedOut else {
            let lines = result.errorText.split(separator: "\n").suffix(5).joined(separator: "\n")
            throw BuildFailure(
                .failed,
                Diagnostic(
                    code: BuildCode.failed,
                    summary: result.timedOut
                        ? "\(shown) was not fetched within \(Self.limit)"
                        : "\(shown) cannot be fetched",
                    detail: lines.isEmpty ? nil : lines,
                    hint: "see that the address is right; repositories that want a password are not read"))
        }
        return result.outputText
    }

    /// Gives files the time of the commit and the modes that git knows, and takes git's own away.
    private static func settle(_ root: SharedDescriptor, keepsGit: Bool, time: Timestamp) throws {
        var directories: [(SharedDescriptor, isRoot: Bool)] = [(root, true)]
        while let (directory, isRoot) = directories.popLast() {
            for entry in try Files.list(descriptor: directory.raw) {
                let name = entry.nameBytes
                if name.elementsEqual(".git".utf8), !keepsGit {
                    try Files.removeTree(name, at: directory.raw)
                    continue
                }
                let isOwn = isRoot && name.elementsEqual(".git".utf8)
                let status = try Files.status(name, followLinks: false, at: directory.raw)
                if status.kind == .directory, !isOwn {
                    let below = try Files.open(name, [.readOnly, .directory, .noFollow], at: directory.raw).shared()
                    directories.append((below, false))
                    try Files.chmod(name, mode: 0o755, at: directory.raw)
                } else if status.kind == .regular {
                    try Files.chmod(name, mode: status.mode & 0o100 != 0 ? 0o755 : 0o644, at: directory.raw)
                }
                try Files.setTimes(name, modified: time, at: directory.raw)
            }
        }
    }
}
