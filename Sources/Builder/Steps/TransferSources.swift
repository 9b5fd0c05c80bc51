import Archives
import Diagnostics
import Dockerfile
import ImageStore
import Linux

/// What the sources of COPY or ADD are, found in their trees, and where they go.
struct TransferSources {
    /// A source that was elsewhere.
    enum Fetched: Sendable {
        case web(WebFile)
        /// A repository's files.
        case tree(FileTree)
        /// A repository's commit, where no files are wanted.
        case commit(String)
    }

    let step: TransferStep
    /// For each source that is elsewhere.
    private let fetched: [Fetched?]
    /// Where archives are unpacked meanwhile; nil is for a digest: archives count as they are.
    private let spool: String?
    private let cancellation: CancellationFlag
    private var isForDigest: Bool { spool == nil }
    let excluded: PathRules
    /// The destination from the root, as it is written but without `.` and `..`.
    private let destination: [UInt8]
    /// Whether it says that it is a directory.
    private let isDirectory: Bool

    init(_ step: TransferStep, fetched: [Fetched?], spool: String?, _ cancellation: CancellationFlag) throws {
        self.step = step
        self.fetched = fetched
        self.spool = spool
        self.cancellation = cancellation
        excluded = try PathRules(step.transfer.excluded)
        let text = step.transfer.destination
        let whole = text.hasPrefix("/") ? text : step.workingDirectory + "/" + text
        destination = TreePath.clean(whole)
        isDirectory =
            text.isEmpty || text == "." || text.hasSuffix("/") || text.hasSuffix("/.") || text == ".."
            || text.hasSuffix("/..")
    }

    /// Puts the sources into a plan, in their order.
    ///
    /// Blocks.
    func add(to plan: inout TransferPlan) throws {
        let sources = step.transfer.sources
        var files = 0
        for (index, source) in sources.enumerated() {
            switch source {
            case .path(let text): files += try add(path: text, to: &plan)
            case .inline(let name, let content):
                files += 1
                let target = try target(named: TreePath.clean(name), isDirectory: false, in: &plan)
                try plan.place(
                    bytes: Array(content.utf8), at: target, modified: step.epoch ?? Timestamp(seconds: 0))
            case .web, .git:
                guard let found = fetched[index] else { continue }
                files += 1
                try add(found, to: &plan)
            }
        }
        if !isForDigest, sources.count > 1 || files > 1 { try requireDirectory(plan) }
    }

    /// Several files have one place only where that is a directory.
    private func requireDirectory(_ plan: TransferPlan) throws {
        var plan = plan
        if isDirectory { return }
        if case .directory? = try plan.presence(try plan.resolve(destination)) { return }
        let word = step.transfer.isAdd ? "ADD" : "COPY"
        throw BuildFailure.badTransfer(
            "When using \(word) with more than one source file, the destination must be a directory and end with a /",
            hint: "write `\(step.transfer.destination)/`")
    }

    // MARK: Elsewhere

    private func add(_ source: Fetched, to plan: inout TransferPlan) throws {
        switch source {
        case .commit: return
        case .tree(let tree):
            let target = try target(named: [], isDirectory: true, in: &plan)
            try plan.copy([], of: try TreeReader(tree), to: target, TransferPlan.Selection(excluded: excluded))
        case .web(let file):
            if step.transfer.unpacks == true, try unpack(file.file, to: &plan) { return }
            let name = file.name ?? "__unnamed__"
            let path = try target(named: Array(name.utf8), isDirectory: false, in: &plan)
            try plan.place(file, at: path)
        }
    }

    /// Unpacks a file where it is an archive; false where it is none, or archives are left as they are.
    private func unpack(_ file: SharedDescriptor, to plan: inout TransferPlan) throws -> Bool {
        guard let spool, let archive = try UnpackedArchive(file, spool: spool) else { return false }
        try plan.unpack(archive, to: try plan.resolve(destination))
        return true
    }

    // MARK: Paths

    /// Copies what a word of the instruction stands for.
    ///
    /// - Returns: how many things it stands for.
    private func add(path text: String, to plan: inout TransferPlan) throws -> Int {
        guard let tree = step.origin else {
            throw BuildFailure.badTransfer(
                "\(step.title): there is no build context to copy `\(text)` from",
                hint: "give a context, or copy with --from=…")
        }
        let reader = try TreeReader(tree)
        if step.transfer.keepsParents { return try addWithParents(text, of: reader, to: &plan) }
        let wanted = TreePath.clean(text)
        guard Self.isPattern(wanted) else {
            try copy(wanted, of: reader, written: text, to: &plan)
            return 1
        }
        let matches = try Self.matches(wanted, in: reader).filter {
            !excluded.match(TreePath.name($0))
        }
        for match in matches { try copy(match, of: reader, written: text, to: &plan) }
        return matches.count
    }

    private func copy(
        _ path: [UInt8], of reader: TreeReader, written text: String, to plan: inout TransferPlan
    ) throws {
        let source = try TreePath.resolve(path) { try reader.link($0) }
        guard let status = try reader.status(source), Self.isVisible(source, status, in: reader) else {
            throw try Self.missing(path, resolved: source, in: reader, written: text)
        }
        if status.kind == .regular, step.transfer.unpacks ?? step.transfer.isAdd, !isForDigest {
            let held = reader.tree.held[source]
            if try held?.beginsAsArchive() ?? true {
                try held?.store(in: reader.tree.root, cancellation)
                if try unpack(try reader.open(source, [.readOnly, .nonBlocking]), to: &plan) { return }
            }
        }
        let target = try target(named: path, isDirectory: status.kind == .directory, in: &plan)
        try plan.copy(source, of: reader, to: target, TransferPlan.Selection(excluded: excluded))
    }

    /// `--parents`: what is behind `/./`, or all of the path, is kept below the destination.
    private func addWithParents(_ text: String, of reader: TreeReader, to plan: inout TransferPlan) throws -> Int {
        let bytes = Array(text.utf8)
        let pivot = Array("/./".utf8)
        let cut = bytes.indices.first { bytes[$0...].starts(with: pivot) }
        let base = TreePath.clean(cut.map { Array(bytes[..<$0]) } ?? [])
        let pattern = TreePath.clean(cut.map { Array(bytes[($0 + pivot.count)...]) } ?? bytes)
        let bases = Self.isPattern(base) ? try Self.matches(base, in: reader) : [base]
        let included: PathRules? = pattern.isEmpty ? nil : try PathRules([String(decoding: pattern, as: UTF8.self)])
        for found in bases {
            let source = try TreePath.resolve(found) { try reader.link($0) }
            if !Self.isPattern(pattern) {
                let whole = TreePath.join(source, pattern)
                guard let status = try reader.status(whole), Self.isVisible(whole, status, in: reader) else {
                    throw try Self.missing(
                        TreePath.join(found, pattern), resolved: whole, in: reader, written: text)
                }
            }
            let target = try target(named: found, isDirectory: true, in: &plan)
            try plan.copy(
                source, of: reader, to: target, TransferPlan.Selection(excluded: excluded, included: included))
        }
        return 1
    }

    /// Where a source goes, the directories above it made.
    private func target(named path: [UInt8], isDirectory source: Bool, in plan: inout TransferPlan) throws -> [UInt8] {
        if isForDigest {
            // Where they go depends on the layers below; here each has a place of its own.
            let place = Array("\(plan.nextNumber())".utf8)
            return source ? place : TreePath.join(place, TreePath.name(path))
        }
        let whole = try plan.resolve(destination)
        try plan.makeDirectories(isDirectory ? whole : try plan.resolve(TreePath.parent(destination)))
        var target = whole
        if !source, case .directory? = try plan.presence(whole) { target = TreePath.join(whole, TreePath.name(path)) }
        try plan.makeDirectories(source && (try plan.presence(whole)) == nil ? target : TreePath.parent(target))
        return target
    }

    // MARK: Finding

    private static func isPattern(_ path: [UInt8]) -> Bool {
        GoPathPattern.isPattern(String(decoding: path, as: UTF8.self))
    }

    /// Whether `.dockerignore` lets a path be seen.
    private static func isVisible(_ path: [UInt8], _ status: FileStatus, in reader: TreeReader) -> Bool {
        guard !path.isEmpty, reader.ignored.match(path) else { return true }
        return status.kind == .directory && reader.ignored.mayTakeBack(below: path)
    }

    private static func missing(
        _ path: [UInt8], resolved: [UInt8], in reader: TreeReader, written text: String
    ) throws -> BuildFailure {
        // Clients leave out themselves what is not wanted.
        if try reader.status(resolved) != nil || reader.ignored.match(resolved) {
            return .missingSource(path, hint: "a pattern of .dockerignore leaves it out")
        }
        if climbs(text) {
            return .missingSource(
                path,
                hint: "`..` does not lead out of the context: build a directory above with --file, or give another one"
                    + " with --build-context NAME=DIRECTORY and copy --from=NAME")
        }
        if resolved != path {
            return .missingSource(
                path,
                hint: "it is a link to \(TreePath.shown(resolved)), and links are looked up inside the context only")
        }
        let names = (try? reader.list(TreePath.parent(path)).names.map(\.name)) ?? []
        let near = nearest(String(decoding: TreePath.name(path), as: UTF8.self), among: names)
        return .missingSource(path, hint: near.map { "did you mean `\($0)`?" })
    }

    /// Whether a path leads above where it begins.
    private static func climbs(_ text: String) -> Bool {
        let path = GoPath.clean("./\(text)")
        return path == ".." || path.hasPrefix("../")
    }

    /// The paths that fit a pattern, in the order of their names; below a directory that fits nothing is looked for.
    static func matches(_ pattern: [UInt8], in reader: TreeReader) throws -> [[UInt8]] {
        let parts = TreePath.components(pattern)
        let plain = parts.prefix { !isPattern($0) }
        let base = try TreePath.resolve(Array(plain.joined(separator: [UInt8(ascii: "/")]))) { try reader.link($0) }
        var found = [base]
        for part in parts.dropFirst(plain.count) {
            let text = String(decoding: part, as: UTF8.self)
            guard let glob = GoPathPattern(text) else { throw PathRules.Malformed(pattern: text) }
            var next: [[UInt8]] = []
            for directory in found where try reader.status(directory)?.kind == .directory {
                for entry in try reader.list(directory).names where glob.matches(entry.nameBytes.span) {
                    next.append(TreePath.join(directory, entry.nameBytes))
                }
            }
            found = next
        }
        return try found.filter { path in
            guard let status = try reader.status(path) else { return false }
            return isVisible(path, status, in: reader)
        }
    }
}
