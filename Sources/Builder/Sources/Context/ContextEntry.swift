import Archives
import Diagnostics
import Linux
import Synchronization

/// The context of one key: what is on the disk of it, changed by one build at a time.
///
/// Blocking. The directory has `index` and one directory of files that it names; whatever else is there is left of a
/// build that was cut short, or is still used by one.
final class ContextEntry: Sendable {
    private struct State {
        var current: ContextGeneration?
        var isLoaded = false
    }

    let directory: String
    private let state = Mutex(State())

    init(directory: String) { self.directory = directory }

    private var indexPath: String { directory + "/index" }

    /// What is there; nil where nothing is.
    func current() -> ContextUse? {
        state.withLock { state in
            load(&state)
            return state.current.map { ContextUse($0) }
        }
    }

    /// Whether a build uses it.
    var isUsed: Bool { state.withLock { ($0.current?.uses ?? 0) > 0 } }

    /// Notes that it was used now.
    func touch() { try? Files.setTimes(indexPath, modified: Clock.now()) }

    /// Forgets and removes all of it, unless it is used.
    func remove() throws -> Bool {
        try state.withLock { state in
            guard (state.current?.uses ?? 0) == 0 else { return false }
            state.current = nil
            state.isLoaded = true
            try Files.removeTree(directory)
            return true
        }
    }

    private func load(_ state: inout State) {
        guard !state.isLoaded else { return }
        state.isLoaded = true
        let found = (try? Files.readAll(indexPath, limit: 1 << 30)).flatMap { ContextIndex.decode($0) }
        var kept: ContextGeneration?
        if let (index, name) = found, let root = try? open(name), Self.isComplete(index, in: root) {
            kept = ContextGeneration(path: "\(directory)/\(name)", root: root, index: index)
        }
        state.current = kept
        // A build that was cut short left the rest.
        for entry in (try? Files.list(directory)) ?? [] where entry.name != "index" && entry.name != kept?.name {
            try? Files.removeTree("\(directory)/\(entry.name)")
        }
    }

    private func open(_ name: String) throws(SystemError) -> SharedDescriptor {
        let root = try Files.open("\(directory)/\(name)", [.readOnly, .directory])
        return root.shared()
    }

    /// Whether each file is there with its size and time: after the host lost its power they may not be.
    private static func isComplete(_ index: ContextIndex, in root: SharedDescriptor) -> Bool {
        index.listing.files.allSatisfy { file in
            guard let status = try? Files.status(file.path, followLinks: false, at: root.raw) else { return false }
            switch file.kind {
            case .directory: return status.kind == .directory
            case .link: return status.kind == .symbolicLink
            case .regular:
                return status.kind == .regular && UInt64(clamping: status.size) == file.size
                    && status.modified == Timestamp(nanosecondsSinceEpoch: file.modified)
            }
        }
    }

    /// Makes the files on the disk those of a listing.
    ///
    /// - Parameters:
    ///   - base: what contents that did not change are taken from.
    ///   - received: paths of new contents by their places in the listing, and their digests.
    func commit(
        _ listing: ContextListing, over base: ContextUse?, comparison: ContextComparison, received: ReceivedContents
    ) throws -> ContextUse {
        let index = ContextIndex(
            listing, digests: Self.digests(listing, base?.generation.index, comparison, received),
            absent: Set(received.held.keys))
        return try state.withLock { state in
            load(&state)
            return try commit(index, over: base, comparison, received, state: &state)
        }
    }

    private func commit(
        _ index: ContextIndex, over base: ContextUse?, _ comparison: ContextComparison, _ received: ReceivedContents,
        state: inout State
    ) throws -> ContextUse {
        let own = base?.generation
        let canChange = own != nil && state.current === own && own?.uses == 1
        let path = if canChange, let own { own.path } else { directory + "/" + (try Random.hex(bytes: 8)) }
        // What is on the disk is not what the index says until it is written anew.
        if canChange { try Files.unlinkIfPresent(indexPath) }
        do {
            try Files.makeDirectories(path, mode: 0o700)
            let root = try Files.open(path, [.readOnly, .directory]).shared()
            let change = ContextChange(
                files: ContextFiles(root), listing: index.listing, base: own, comparison: comparison,
                received: received)
            if canChange { try change.inPlace() } else { try change.fromNothing() }
            let made = ContextGeneration(path: path, root: root, index: index)
            try Files.writeAtomically(indexPath, index.encoded(directory: made.name), mode: 0o600, fsync: false)
            if !canChange { state.current?.replace() }
            state.current = made
            return ContextUse(made)
        } catch {
            // What is half changed is no context any more.
            if canChange { state.current = nil }
            BlockingExecutor.shared.submit { try? Files.removeTree(path) }
            throw error
        }
    }

    /// Keeps the digest of a content that nobody had read before, for the builds to come.
    func remember(_ digest: [UInt8], at index: Int, in generation: ContextGeneration) {
        generation.setDigest(digest, at: index)
        state.withLock { state in
            guard state.current === generation else { return }
            let bytes = generation.index.encoded(directory: generation.name)
            // Without it the content is only read once more.
            try? Files.writeAtomically(indexPath, bytes, mode: 0o600, fsync: false)
        }
    }

    private static func digests(
        _ listing: ContextListing, _ base: ContextIndex?, _ comparison: ContextComparison, _ received: ReceivedContents
    ) -> [UInt8] {
        let empty = SHA256().finish()
        let none = [UInt8](repeating: 0, count: ContextIndex.digestSize)
        var result: [UInt8] = []
        result.reserveCapacity(listing.files.count * ContextIndex.digestSize)
        for (index, file) in listing.files.enumerated() {
            if file.kind != .regular {
                result.append(contentsOf: none)
            } else if let digest = received.digests[index] {
                result.append(contentsOf: digest)
            } else if file.size > 0, let base, comparison.isSame[index], let old = comparison.old[index] {
                result.append(contentsOf: base.digest(at: old))
            } else if received.held[index] != nil {
                result.append(contentsOf: none)
            } else {
                result.append(contentsOf: empty)
            }
        }
        return result
    }
}

/// Contents that came from a client.
struct ReceivedContents: Sendable {
    /// The directory they are in, named by their places in the listing; nil where there are none.
    var directory: TemporaryTree?
    /// The 32 bytes of their digests, by their places.
    var digests: [Int: [UInt8]] = [:]
    /// Files that stay where they are, by their places.
    var held: [Int: HeldFile] = [:]
}

/// How a listing differs from the one before.
struct ContextComparison: Sendable {
    /// The place of each file's path in the old listing.
    private(set) var old: [Int?]
    /// Whether each regular file has the content of the old one.
    private(set) var isSame: [Bool]
    /// Places in the old listing whose path is not in the new one, or is of another kind.
    private(set) var vanished: [Int] = []
    /// Places of contents that are wanted.
    private(set) var needed: [Int] = []

    init(_ listing: ContextListing, with base: ContextListing?) {
        let files = listing.files
        let before = base?.files ?? []
        old = Array(repeating: nil, count: files.count)
        isSame = Array(repeating: false, count: files.count)
        var next = 0
        for (index, file) in files.enumerated() {
            while next < before.count, ContextListing.precedes(before[next].path, file.path) {
                vanished.append(next)
                next += 1
            }
            if next < before.count, before[next].path == file.path {
                if before[next].kind == file.kind { old[index] = next } else { vanished.append(next) }
                isSame[index] = file.hasContent(of: before[next])
                next += 1
            }
            if file.kind == .regular, file.size > 0, !isSame[index] { needed.append(index) }
        }
        vanished.append(contentsOf: next..<before.count)
    }

    /// Says that a content comes anew although it did not change.
    mutating func renew(_ index: Int) { isSame[index] = false }
}

/// Makes the files of a listing.
struct ContextChange {
    let files: ContextFiles
    let listing: ContextListing
    let base: ContextGeneration?
    let comparison: ContextComparison
    let received: ReceivedContents

    /// Changes the files of the generation before.
    func inPlace() throws {
        let before = base?.index.listing.files ?? []
        // What is in a directory goes before it.
        for index in comparison.vanished.reversed() { try files.remove(before[index].path) }
        for (index, file) in listing.files.enumerated() {
            let old = comparison.old[index].map { before[$0] }
            switch file.kind {
            case .directory:
                if old?.mode != file.mode { try files.makeDirectory(file.path, mode: file.mode) }
            case .link:
                if old?.target != file.target || old?.modified != file.modified { try makeLink(file) }
            case .regular:
                if !comparison.isSame[index] { try place(file, at: index) }
            }
        }
        try setTimes()
    }

    /// Makes the files anew, those that did not change as second names of the ones before.
    func fromNothing() throws {
        for (index, file) in listing.files.enumerated() {
            switch file.kind {
            case .directory: try files.makeDirectory(file.path, mode: file.mode)
            case .link: try makeLink(file)
            case .regular:
                if comparison.isSame[index], let base {
                    try files.link(file.path, to: try ContextFiles(base.root).open(file.path, .path))
                } else {
                    try place(file, at: index)
                }
            }
        }
        try setTimes()
    }

    private func makeLink(_ file: ContextListing.File) throws {
        try files.makeLink(
            file.path, target: file.target, modified: Timestamp(nanosecondsSinceEpoch: file.modified))
    }

    /// Puts content that came, or none, at a path.
    private func place(_ file: ContextListing.File, at index: Int) throws {
        let modified = Timestamp(nanosecondsSinceEpoch: file.modified)
        if received.held[index] != nil {
            // Of the same size, so that all but the content can be told by it.
            let empty = try files.create(file.path)
            try empty.truncate(to: Int64(clamping: file.size))
            return try files.finish(empty, mode: file.mode, modified: modified)
        }
        guard let directory = received.directory, received.digests[index] != nil else {
            return try files.finish(try files.create(file.path), mode: file.mode, modified: modified)
        }
        let content = try Files.open("\(directory.path)/\(index)", [.readOnly, .noFollow]).shared()
        try files.finish(content, mode: file.mode, modified: modified)
        try files.link(file.path, to: content)
    }

    private func setTimes() throws {
        for file in listing.files.reversed() where file.kind == .directory {
            try files.setTime(of: file.path, Timestamp(nanosecondsSinceEpoch: file.modified))
        }
    }
}
