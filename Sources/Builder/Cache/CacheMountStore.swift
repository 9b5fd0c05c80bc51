import Archives
import Dockerfile
import Linux
import Synchronization

/// The directories that `RUN --mount=type=cache` keeps from build to build.
///
/// A cache has more than one directory where builds used it at the same time and did not want to share.
///
/// Source: BuildKit's sharing modes: `shared` is for any number at once, `private` takes another directory while one is
/// in use, `locked` waits for it.
package final class CacheMountStore: Sendable {
    /// A directory of a cache that a step has.
    struct Lease: Sendable {
        let name: String
        /// The directory itself.
        let root: SharedDescriptor
    }

    /// Owner and mode of a new directory.
    struct Appearance: Sendable, Hashable {
        var mode: UInt32
        var user: UInt32
        var group: UInt32
    }

    fileprivate enum Use {
        /// By so many steps, all of which share.
        case shared(Int)
        case alone
    }

    fileprivate struct State {
        var used: [String: Use] = [:]
        /// Directories that are used, but not made and filled yet.
        var unready: Set<String> = []
        /// Who waits for a directory of a cache, by the cache's key.
        var waiting: [Int: (key: String, wake: AsyncStream<Void>.Continuation)] = [:]
        var next = 0
    }

    let directory: String
    private let state = Mutex(State())

    /// - Parameter directory: where the caches are; made when the first is.
    init(directory: String) { self.directory = directory }

    /// What the names of a cache's directories begin with.
    ///
    /// - Parameter origin: what its first content is; caches with different first contents are different ones.
    static func key(id: String, origin: String) -> String {
        let hash = SHA256()
        hash.update(Array(id.utf8) + [0] + Array(origin.utf8))
        return String(hash.finishHex().prefix(32))
    }

    /// Takes a directory of a cache, waiting for it where it is to be locked.
    ///
    /// - Parameter fill: puts the first content into a new directory; blocking.
    /// - Throws: `CancellationError`, `SystemError`, and what `fill` throws.
    func take(
        id: String, key: String, sharing: EvaluatedMount.Sharing, appearance: Appearance,
        fill: @escaping @Sendable (SharedDescriptor) throws -> Void
    ) async throws -> Lease {
        while true {
            try Task.checkCancellation()
            // Before the look, so that no release is missed.
            let (released, number) = wait(for: key)
            defer { state.withLock { _ = $0.waiting.removeValue(forKey: number) } }
            let names = try await BlockingExecutor.shared.run { [directory] () throws(SystemError) in
                try Self.instances(of: key, in: directory)
            }
            if let claim = claim(key, names, sharing) {
                return try await open(claim.name, isFirst: claim.isFirst, id: id, appearance, fill)
            }
            for await _ in released { break }
        }
    }

    /// Gives a directory back.
    func release(_ lease: Lease) async {
        let path = "\(directory)/\(lease.name)"
        await BlockingExecutor.shared.run { try? Files.setTimes("\(path)/id", modified: Clock.now()) }
        letGo(lease.name)
    }

    /// Takes a directory that nobody uses, to be removed; false where it is used.
    func claimUnused(_ name: String) -> Bool {
        state.withLock { state in
            guard state.used[name] == nil else { return false }
            state.used[name] = .alone
            state.unready.insert(name)
            return true
        }
    }

    /// Whether a step uses a directory.
    func isUsed(_ name: String) -> Bool { state.withLock { $0.used[name] != nil } }

    /// One user less.
    func letGo(_ name: String) {
        let woken = state.withLock { state in
            switch state.used[name] {
            case .shared(let count) where count > 1: state.used[name] = .shared(count - 1)
            default: state.used[name] = nil
            }
            state.unready.remove(name)
            return state.waiters(for: name)
        }
        for wake in woken { wake.yield() }
    }

    private func wait(for key: String) -> (released: AsyncStream<Void>, number: Int) {
        let (released, wake) = AsyncStream<Void>.makeStream()
        let number = state.withLock { state in
            state.next += 1
            state.waiting[state.next] = (key, wake)
            return state.next
        }
        return (released, number)
    }

    /// Chooses a directory and marks it used; nil where one has to be waited for.
    private func claim(
        _ key: String, _ names: [String], _ sharing: EvaluatedMount.Sharing
    ) -> (name: String, isFirst: Bool)? {
        state.withLock { state in
            let used = state.used.keys.filter { $0.hasPrefix(key) }.sorted()
            if sharing == .shared {
                for name in used {
                    guard case .shared(let count) = state.used[name] else { continue }
                    if state.unready.contains(name) { return nil }
                    state.used[name] = .shared(count + 1)
                    return (name, false)
                }
            }
            let free = names.first { state.used[$0] == nil }
            if sharing == .locked, free == nil, !used.isEmpty { return nil }
            let known = Set(names).union(used)
            let new = (0...known.count).lazy.map { "\(key)-\($0)" }.first { !known.contains($0) }
            guard let name = free ?? new else { return nil }
            state.used[name] = sharing == .shared ? .shared(1) : .alone
            state.unready.insert(name)
            return (name, true)
        }
    }

    /// Opens a directory that was claimed; the first user makes it where it is not there.
    private func open(
        _ name: String, isFirst: Bool, id: String, _ appearance: Appearance,
        _ fill: @escaping @Sendable (SharedDescriptor) throws -> Void
    ) async throws -> Lease {
        let (path, parent) = ("\(directory)/\(name)", directory)
        do {
            let root = try await BlockingExecutor.shared.run {
                if isFirst, !Files.exists(path) { try Self.make(path, in: parent, id: id, appearance, fill) }
                return try Files.open("\(path)/data", [.readOnly, .directory, .noFollow]).shared()
            }
            if isFirst {
                let woken = state.withLock { state in
                    state.unready.remove(name)
                    return state.waiters(for: name)
                }
                for wake in woken { wake.yield() }
            }
            return Lease(name: name, root: root)
        } catch {
            letGo(name)
            throw error
        }
    }

    /// Makes a directory: half made it has another name.
    private static func make(
        _ path: String, in parent: String, id: String, _ appearance: Appearance,
        _ fill: (SharedDescriptor) throws -> Void
    ) throws {
        let half = "\(parent)/\(halfPrefix)\(try Random.hex(bytes: 8))"
        try Files.makeDirectories(half, mode: 0o700)
        do {
            try Files.makeDirectory("\(half)/data", mode: 0o755)
            let data = try Files.open("\(half)/data", [.readOnly, .directory, .noFollow]).shared()
            try fill(data)
            // Last: what is copied brings its own.
            if appearance.user != 0 || appearance.group != 0 {
                try Files.chown("\(half)/data", uid: appearance.user, gid: appearance.group)
            }
            try Files.chmod("\(half)/data", mode: appearance.mode)
            try Files.write("\(half)/id", Array(id.utf8), mode: 0o600)
            try Files.rename(half, to: path, replace: false)
        } catch {
            try? Files.removeTree(half)
            throw error
        }
    }

    /// What names of directories that are being made or removed begin with.
    static let halfPrefix = ".half-"

    /// The directories of a cache, the oldest first.
    private static func instances(of key: String, in directory: String) throws(SystemError) -> [String] {
        guard Files.exists(directory) else { return [] }
        return try Files.list(directory).map(\.name).filter { $0.hasPrefix("\(key)-") }
            .sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
    }
}

extension CacheMountStore.State {
    fileprivate func waiters(for name: String) -> [AsyncStream<Void>.Continuation] {
        waiting.values.filter { name.hasPrefix($0.key) }.map(\.wake)
    }
}
