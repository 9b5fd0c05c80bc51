import Diagnostics
import Linux
import OCI
import Synchronization

/// What a registry keeps on disk: contents by digest, shared by all repositories, and for each repository the names of
/// what it has.
///
/// Everything here blocks.
final class RegistryStore: Sendable {
    let files: StoreFiles
    let locks = StoreLocks()
    let recent = RecentNames()
    let usage = StorageUsage()
    /// How long a content that no manifest names is kept after it was last spoken of.
    let grace: Duration
    private let lock: StoreLock

    /// The layout this program reads and writes.
    private static let format = "stackctl-registry 1\n"

    /// Opens a root, which is made when missing, and takes it for this process.
    ///
    /// - Throws: `Diagnostic` where it cannot be written, is of another format, or another server has it.
    init(path: String, grace: Duration) throws(Diagnostic) {
        self.grace = grace
        do throws(SystemError) {
            files = try StoreFiles(path: path)
            lock = try StoreLock.take(path)
            for folder in [StoreFiles.asideFolder, StoreLayout.repositories, StoreLayout.uploads] {
                try files.ensureDirectory(folder)
            }
            for algorithm in Digest.Algorithm.allCases {
                try files.ensureDirectory("\(StoreLayout.contents)/\(algorithm.rawValue)")
            }
            // What was being written when the last process ended belongs to nobody.
            for name in try files.list(StoreFiles.asideFolder) { files.remove("\(StoreFiles.asideFolder)/\(name)") }
            if let found = try files.read("format", limit: 64) {
                guard found == Array(Self.format.utf8) else {
                    throw SystemError(call: "read", errno: .EPROTO, subject: "\(path)/format")
                }
            } else {
                try files.write("format", Array(Self.format.utf8))
            }
        } catch {
            throw Self.diagnostic(error, path)
        }
    }

    private static func diagnostic(_ error: SystemError, _ path: String) -> Diagnostic {
        switch error.errno {
        case .EBUSY:
            Diagnostic(
                code: "SC4202", summary: "another registry server has the root \(path)",
                hint: "stop it, or give this one a root of its own: --root DIR")
        case .EPROTO:
            Diagnostic(
                code: "SC4203", summary: "\(path) holds a registry of another format",
                detail: "`format` there is not the one this version writes.",
                hint: "use the version of stackctl that wrote it, or give another directory: --root DIR")
        default:
            Diagnostic(
                code: "SC4201", summary: "the registry's root \(path) cannot be used", detail: "\(error)",
                hint: "give a directory that can be written: --root DIR")
        }
    }

    // MARK: Repositories

    /// Every repository, by name.
    func repositories() throws -> [RepositoryName] {
        try files.list(StoreLayout.repositories).compactMap(StoreLayout.repositoryName(folder:)).sorted()
    }

    func exists(_ repository: RepositoryName) throws -> Bool {
        try files.status(StoreLayout.repository(repository)) != nil
    }
}

/// Keeps a root for one process.
final class StoreLock: Sendable {
    private let lock: FileLock

    private init(_ lock: consuming FileLock) { self.lock = lock }

    /// Takes `<root>/lock`.
    ///
    /// - Throws: `EBUSY` where another process has it.
    static func take(_ root: String) throws(SystemError) -> StoreLock {
        guard let lock = try FileLock.acquire("\(root)/lock", wait: false) else {
            throw SystemError(call: "flock", errno: .EBUSY, subject: "\(root)/lock")
        }
        return StoreLock(lock)
    }
}

/// How much is stored; counted once, then kept up to date.
final class StorageUsage: Sendable {
    struct Total: Sendable, Hashable {
        var contents: Int64 = 0
        var bytes: Int64 = 0
    }

    /// What was known when a count began.
    struct Mark: Sendable, Hashable {
        fileprivate var total = Total()
        /// How often something came or went.
        fileprivate var changes = 0
    }

    private let state = Mutex(Mark())

    var now: Total { state.withLock { $0.total } }

    var mark: Mark { state.withLock { $0 } }

    /// Takes in what was counted, unless something came or went since the count began.
    ///
    /// - Parameter isLast: takes it in all the same, with what has come and gone: of that the count may have some twice.
    /// - Returns: whether it was taken in.
    func set(_ counted: Total, countedSince before: Mark, isLast: Bool) -> Bool {
        state.withLock { state in
            guard isLast || state.changes == before.changes else { return false }
            state.total.contents += counted.contents - before.total.contents
            state.total.bytes += counted.bytes - before.total.bytes
            return true
        }
    }

    func add(bytes: Int64) { change(contents: 1, bytes: bytes) }

    func remove(bytes: Int64) { change(contents: -1, bytes: -bytes) }

    private func change(contents: Int64, bytes: Int64) {
        state.withLock {
            $0.changes += 1
            $0.total.contents += contents
            $0.total.bytes += bytes
        }
    }
}
