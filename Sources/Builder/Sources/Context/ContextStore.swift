import Archives
import Diagnostics
import ImageStore
import Linux
import Synchronization

/// Contexts that are kept for the next build of their clients, by their keys.
final class ContextStore: Sendable {
    let directory: String
    let allowance = HeldAllowance()
    private let entries = Mutex<[String: ContextEntry]>([:])

    /// - Parameter directory: what an engine before left unfinished there is removed.
    init(directory: String) {
        self.directory = directory
        let left = ((try? Files.list(directory)) ?? []).map(\.name).filter { name in
            // One whose index cannot be read is found by nobody.
            name.contains("-") || (try? Self.head(of: "\(directory)/\(name)/index")) == nil
        }
        guard !left.isEmpty else { return }
        // At once under a name that nobody makes again: the next build of the same context has the same name.
        let doomed = left.compactMap { name -> String? in
            guard !name.contains("-") else { return name }
            guard let mark = try? Random.hex(bytes: 8),
                (try? Files.rename("\(directory)/\(name)", to: "\(directory)/left-\(mark)")) != nil
            else { return nil }
            return "left-\(mark)"
        }
        BlockingExecutor.shared.submit { for name in doomed { try? Files.removeTree("\(directory)/\(name)") } }
    }

    func entry(key: String) -> ContextEntry { entry(id: String(SHA256.hex(of: Array(key.utf8)).prefix(32))) }

    private func entry(id: String) -> ContextEntry {
        entries.withLock { entries in
            if let entry = entries[id] { return entry }
            let entry = ContextEntry(directory: "\(directory)/\(id)")
            entries[id] = entry
            return entry
        }
    }

    /// What is kept; blocks.
    private func list() throws(SystemError) -> [CacheRecord] {
        guard Files.exists(directory) else { return [] }
        var result: [CacheRecord] = []
        for name in try Files.list(directory).map(\.name) where !name.contains("-") {
            guard let (size, lastUsed) = try? Self.head(of: "\(directory)/\(name)/index") else { continue }
            result.append(
                CacheRecord(
                    id: name, kind: .context, description: "[internal] load build context", size: size,
                    created: lastUsed, lastUsed: lastUsed, isInUse: entry(id: name).isUsed))
        }
        return result
    }

    private static func head(of path: String) throws(SystemError) -> (size: Int64, lastUsed: Timestamp) {
        let file = try Files.open(path).shared()
        guard let size = ContextIndex.size(ofEncoded: try file.read(upTo: 64)) else {
            throw SystemError(call: "read", errno: .EINVAL, subject: path)
        }
        return (size, try file.status().modified)
    }
}

extension ContextStore: CacheShelf {
    func records() async throws -> [CacheRecord] { try await BlockingExecutor.shared.run { try self.list() } }

    func remove(_ id: String) async throws -> Int64? {
        guard id.utf8.count == 32, id.allSatisfy(\.isHexDigit) else { return nil }
        return try await BlockingExecutor.shared.run {
            guard let (size, _) = try? Self.head(of: "\(self.directory)/\(id)/index") else { return nil }
            return try self.entry(id: id).remove() ? size : nil
        }
    }
}

/// A context on its way from a client.
final class SynchronizedContext: ContextTransfer {
    let id: String
    let openable: [Int]
    private let wanted: Mutex<[Int]>
    private let entry: ContextEntry
    private let listing: ContextListing
    private let base: ContextUse?
    private let comparison: ContextComparison
    private let incoming: String
    private let allowance: HeldAllowance
    private let received = Mutex(ReceivedContents())
    private let isUnchanged: Bool

    /// Blocks.
    ///
    /// - Parameter opens: whether the client can hand over open files.
    init(
        _ entry: ContextEntry, _ listing: ContextListing, incoming: String, allowance: HeldAllowance, opens: Bool
    ) throws {
        id = try Random.hex(bytes: 16)
        self.entry = entry
        self.listing = listing
        self.incoming = incoming
        self.allowance = allowance
        base = entry.current()
        comparison = ContextComparison(listing, with: base?.generation.index.listing)
        let all = Self.wanted(listing, comparison, base?.generation.index)
        let large = all.filter { opens && listing.files[$0].size >= HeldContent.smallest }
        openable = large.sorted { listing.files[$0].size > listing.files[$1].size }.prefix(HeldContent.most).sorted()
        wanted = Mutex(all.filter { [openable] in !openable.contains($0) })
        isUnchanged = base?.generation.index.listing == listing
    }

    /// Places of contents that are not here.
    private static func wanted(
        _ listing: ContextListing, _ comparison: ContextComparison, _ base: ContextIndex?
    ) -> [Int] {
        guard let base, !base.absent.isEmpty else { return comparison.needed }
        let absent = listing.files.indices.filter { index in
            comparison.isSame[index] && comparison.old[index].map(base.absent.contains) ?? false
        }
        return (comparison.needed + absent).sorted()
    }

    var needed: [Int] { wanted.withLock { $0 } }

    func hold(_ files: [SharedDescriptor]) async -> [Int] {
        let (openable, listing, allowance) = (openable, listing, allowance)
        let held = await BlockingExecutor.shared.run { () -> [Int: HeldFile] in
            guard let mounts = try? LocalMounts() else { return [:] }
            var held: [Int: HeldFile] = [:]
            for (index, file) in zip(openable, files)
            where HeldContent.canHold(file, size: listing.files[index].size, on: mounts) {
                held[index] = allowance.keep(file)
            }
            return held
        }
        received.withLock { $0.held = held }
        let refused = Set(openable).subtracting(held.keys).sorted()
        wanted.withLock { $0 = Set($0).union(refused).sorted() }
        return refused
    }

    func receive(archive: SharedDescriptor) async throws {
        let cancellation = CancellationFlag()
        do {
            let contents = try await withTaskCancellationHandler {
                try await BlockingExecutor.shared.run { [self] in
                    try take(CancellableSource(DescriptorSource(archive), cancellation))
                }
            } onCancel: {
                cancellation.cancel()
            }
            received.withLock { received in
                received.directory = contents.directory
                received.digests = contents.digests
            }
        } catch {
            throw BuildFailure.transferring("reading the build context", error)
        }
    }

    private func take(_ source: any ByteSource) throws -> ReceivedContents {
        let directory = try TemporaryTree(in: incoming, prefix: "incoming-")
        let files = ContextFiles(try directory.open())
        let reader = TarReader(SpareRoom(source, root: incoming), limits: Self.limits)
        var contents = ReceivedContents(directory: directory)
        let writer = SparseWriter()
        for index in needed {
            let wanted = listing.files[index]
            guard let entry = try reader.next() else { throw Self.wrong("it ends before `\(wanted.path.displayText)`") }
            guard entry.kind == .regular, entry.path == wanted.path, entry.size == wanted.size else {
                throw Self.wrong(
                    "`\(wanted.path.displayText)` of \(wanted.size) bytes is wanted, and `\(entry.name)` of "
                        + "\(entry.size) bytes came")
            }
            let file = try files.create(Array(String(index).utf8))
            let hash = SHA256()
            writer.start()
            try reader.readData { data throws(ArchiveError) in
                do throws(SystemError) { try writer.write(data, to: file, hash) } catch { throw .system(error) }
            }
            try writer.finish(file)
            contents.digests[index] = hash.finish()
        }
        if let more = try reader.next() { throw Self.wrong("`\(more.name)` is not wanted") }
        return contents
    }

    private static var limits: TarLimits {
        var limits = TarLimits()
        limits.isConfined = true
        return limits
    }

    private static func wrong(_ reason: String) -> BuildFailure {
        BuildFailure(
            .invalid,
            Diagnostic(
                code: BuildCode.invalid, summary: "the files of the build context that came are not those wanted",
                detail: reason, hint: "run the build again"))
    }

    func tree() async throws -> FileTree {
        let contents = received.withLock { $0 }
        let all = needed + openable
        guard all.allSatisfy({ contents.digests[$0] != nil || contents.held[$0] != nil }) else {
            throw Self.wrong("\(all.count) files are wanted, and they did not come")
        }
        do {
            let use = try await BlockingExecutor.shared.run { [self] in
                defer { entry.touch() }
                if isUnchanged, contents.digests.isEmpty, let base { return base }
                var comparison = comparison
                for index in contents.digests.keys { comparison.renew(index) }
                return try entry.commit(listing, over: base, comparison: comparison, received: contents)
            }
            let held = held(contents.held, in: use.generation)
            return FileTree(
                root: use.generation.root, known: ContextDigests(index: use.generation.index, held: held),
                belongsToRoot: true, memo: use.generation.memo, held: held, lifetime: use)
        } catch {
            throw BuildFailure.transferring("keeping the build context", error)
        }
    }
}

extension SynchronizedContext {
    private func held(
        _ files: [Int: HeldFile], in generation: ContextGeneration
    ) -> [[UInt8]: HeldContent] {
        guard !files.isEmpty else { return [:] }
        let index = generation.index
        var result: [[UInt8]: HeldContent] = [:]
        for (place, file) in files {
            let listed = listing.files[place]
            result[listed.path] = HeldContent(
                path: listed.path, file: file, size: listed.size, digest: index.knownDigest(at: place),
                spool: incoming
            ) { [entry] digest in
                // What was changed after it was listed is not what the listing tells of.
                guard let status = try? file.descriptor.status(), listed.isAsListed(status) else { return false }
                entry.remember(digest, at: place, in: generation)
                return true
            }
        }
        return result
    }
}

extension BuildEngine {
    /// Begins to synchronise a context with what is here of it.
    ///
    /// - Parameters:
    ///   - key: tells contexts apart: who the client is and which directory of his it is.
    ///   - listing: the files the client has now.
    ///   - opens: whether the client can hand over open files.
    /// - Returns: what says which contents are wanted, takes them, and gives the tree. It keeps what is here as it is
    ///   for as long as somebody has it.
    package func beginContext(
        key: String, listing: ContextListing, opens: Bool = false
    ) async throws -> any ContextTransfer {
        let (entry, incoming, allowance) = (contexts.entry(key: key), contexts.directory, contexts.allowance)
        do {
            return try await BlockingExecutor.shared.run {
                try SynchronizedContext(entry, listing, incoming: incoming, allowance: allowance, opens: opens)
            }
        } catch {
            throw BuildFailure.transferring("reading the build context", error)
        }
    }
}
