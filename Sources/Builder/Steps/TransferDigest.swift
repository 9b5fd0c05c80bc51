import Archives
import Dockerfile
import ImageStore
import Linux

/// The digest of what a transfer copies.
enum TransferDigest {
    private static let form = "stackctl transfer 1"

    /// - Parameter plan: over no layers.
    static func digest(
        of plan: inout TransferPlan, _ step: TransferStep, fetched: [TransferSources.Fetched?],
        _ cancellation: CancellationFlag
    ) throws -> String {
        let record = Record(cancellation)
        record.add(form)
        record.add(step.transfer.isAdd ? "ADD" : "COPY")
        record.add(step.workingDirectory)
        record.add(step.transfer.destination)
        record.add(step.transfer.isLinked ? "linked" : "")
        record.add(step.transfer.unpacks.map { $0 ? "unpacks" : "keeps" } ?? "")
        record.add(step.transfer.keepsGitDirectory ? "git" : "")
        record.add(step.transfer.mode ?? "")
        record.add(plan.owner.map { "\($0.uid):\($0.gid)" } ?? "")
        for source in step.transfer.sources {
            switch source {
            // What a source is called can become its name.
            case .path(let text), .web(let text), .git(let text): record.add(text)
            case .inline(let name, _): record.add(name)
            }
        }
        for case .commit(let commit)? in fetched { record.add(commit) }
        for node in try plan.ordered(epoch: nil) { try record.add(node) }
        return record.finish()
    }

    /// The digest of a tree below a path.
    static func digest(of reader: TreeReader, path: [UInt8], _ cancellation: CancellationFlag) throws -> String {
        var plan = TransferPlan(over: nil, owner: nil, mode: nil)
        let source = try TreePath.resolve(path) { try reader.link($0) }
        guard let status = try reader.status(source) else { throw BuildFailure.missingSource(path) }
        // A file alone needs a name.
        let target = status.kind == .directory ? [] : [UInt8(ascii: "f")]
        try plan.copy(source, of: reader, to: target, TransferPlan.Selection(excluded: PathRules([])))
        let record = Record(cancellation)
        record.add(form)
        for node in try plan.ordered(epoch: nil) { try record.add(node) }
        return record.finish()
    }

    /// Hashes values one after the other, each with its length.
    private struct Record {
        private let hash = SHA256()
        private let cancellation: CancellationFlag

        init(_ cancellation: CancellationFlag) { self.cancellation = cancellation }

        func add(_ bytes: [UInt8]) {
            hash.update(LittleEndianNumber.bytes(UInt64(bytes.count)))
            hash.update(bytes)
        }

        func add(_ text: String) { add(Array(text.utf8)) }

        func add(_ number: UInt64) { hash.update(LittleEndianNumber.bytes(number)) }

        func add(_ node: TransferPlan.Node) throws {
            let entry = node.entry
            add(entry.path)
            add(UInt64(entry.kind.rawValue))
            add(UInt64(entry.mode))
            add(UInt64(entry.userID))
            add(UInt64(entry.groupID))
            add(entry.linkTarget)
            add(UInt64(entry.device.major))
            add(UInt64(entry.device.minor))
            for attribute in entry.attributes.sorted(by: { $0.name < $1.name }) {
                add(attribute.name)
                add(attribute.value)
            }
            add(entry.size)
            add(try TransferDigest.content(of: node, cancellation))
        }

        func finish() -> String { hash.finishHex() }
    }

    private static func content(of node: TransferPlan.Node, _ cancellation: CancellationFlag) throws -> String {
        try cancellation.check()
        switch node.content {
        case nil: return ""
        case .bytes(let bytes): return SHA256.hex(of: bytes)
        case .file(let reader, let path):
            if let known = reader.tree.known?.digest(of: path) { return known }
            if let held = reader.tree.held[path] {
                try held.read(cancellation)
                return held.digest.map { SHA256.hex($0) } ?? ""
            }
            if node.entry.size == 0 { return SHA256.hex(of: []) }
            return try hash(try reader.open(path, [.readOnly, .nonBlocking]), from: 0, size: node.entry.size)
        case .part(let file, let offset, _): return try hash(file, from: offset, size: node.entry.size)
        }
    }

    private static func hash(_ file: SharedDescriptor, from start: Int64, size: UInt64) throws -> String {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(min(size, 1 << 18)), alignment: 4096)
        defer { buffer.deallocate() }
        let hash = SHA256()
        var left = size
        while left > 0 {
            let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: left)))
            let count = try file.pread(into: window, at: start + Int64(size - left))
            if count == 0 { break }
            hash.update(UnsafeRawBufferPointer(rebasing: window.prefix(count)))
            left -= UInt64(count)
        }
        return hash.finishHex()
    }
}

/// Numbers as eight bytes, the lowest first.
enum LittleEndianNumber {
    static func bytes(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    static func value(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
