import Archives
import Linux
import Synchronization

/// The canonical tar of planned files, made as it is read: each content is opened, read once and closed.
final class TransferTar: ByteSource {
    /// What is still to be read of a content.
    private struct Stored {
        let file: SharedDescriptor
        /// Where in it the next bytes are.
        var offset: Int64
        /// Parts that have bytes, with zeros in between; nil is one part.
        var extents: ArraySlice<SparseExtent>?
        /// Where in the content the next byte is.
        var position: UInt64 = 0
        /// Reads it where it is held, and is told its end.
        var along: ReadAlong?

        func pread(into window: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
            guard let along else { return try file.pread(into: window, at: offset) }
            return try along.pread(into: window, at: offset)
        }
    }

    private let nodes: [TransferPlan.Node]
    private let progress: @Sendable (Int64) -> Void
    private let isCancelled: @Sendable () -> Bool
    private var next = 0
    /// Headers and padding that come before anything else.
    private var pending: ArraySlice<UInt8> = []
    private var content: Stored?
    private var left: UInt64 = 0
    private var done: Int64 = 0
    private var reported: Int64 = 0
    private var hasEnded = false

    /// - Parameters:
    ///   - progress: told now and then how many bytes of contents were read.
    ///   - isCancelled: whether nobody wants it any more.
    init(
        _ nodes: [TransferPlan.Node], progress: @escaping @Sendable (Int64) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.nodes = nodes
        self.progress = progress
        self.isCancelled = isCancelled
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        if isCancelled() { throw .source(CancellationError()) }
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            if !pending.isEmpty {
                let count = min(rest.count, pending.count)
                rest.copyBytes(from: pending.prefix(count))
                pending = pending.dropFirst(count)
                filled += count
            } else if left > 0 {
                filled += try readContent(into: rest)
            } else if !(try startNext()) {
                break
            }
        }
        if done - reported >= 8 << 20 || filled == 0 {
            reported = done
            progress(done)
        }
        return filled
    }

    private var current: TransferPlan.Node { nodes[next - 1] }

    private func readContent(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        guard var stored = content else { return 0 }
        let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: left)))
        let count = try Self.read(&stored, into: window)
        guard count > 0 else { throw changed() }
        left -= UInt64(count)
        done += Int64(count)
        if left == 0, let along = stored.along, !along.finish() { throw changed() }
        content = left > 0 ? stored : nil
        if left == 0 { pending = TarWriter.padding(after: current.entry.size)[...] }
        return count
    }

    private static func read(
        _ stored: inout Stored, into window: UnsafeMutableRawBufferPointer
    ) throws(ArchiveError) -> Int {
        var room = window.count
        if let extents = stored.extents {
            guard let extent = extents.first, extent.offset <= stored.position else {
                let end = extents.first?.offset ?? .max
                let count = Int(clamping: min(UInt64(room), end - stored.position))
                UnsafeMutableRawBufferPointer(rebasing: window.prefix(count)).initializeMemory(
                    as: UInt8.self, repeating: 0)
                stored.position += UInt64(count)
                return count
            }
            let over = extent.offset + extent.length - stored.position
            if over == 0 {
                stored.extents = extents.dropFirst()
                return try read(&stored, into: window)
            }
            room = Int(clamping: min(UInt64(room), over))
        }
        let part = UnsafeMutableRawBufferPointer(rebasing: window.prefix(room))
        let count: Int
        do throws(SystemError) {
            count = try stored.pread(into: part)
        } catch {
            throw .system(error)
        }
        stored.offset += Int64(count)
        stored.position += UInt64(count)
        return count
    }

    /// Goes on to the next file; false at the end.
    private func startNext() throws(ArchiveError) -> Bool {
        guard next < nodes.count else {
            defer { hasEnded = true }
            if !hasEnded { pending = TarWriter.endMarker[...] }
            return !hasEnded
        }
        let node = nodes[next]
        next += 1
        var head = try TarWriter.header(of: node.entry)
        if node.isOpaque { head += try TarWriter.header(of: Self.opaqueMarker(of: node.entry)) }
        switch node.content {
        case nil: break
        case .bytes(let bytes): head += bytes + TarWriter.padding(after: UInt64(bytes.count))
        case .part(let file, let offset, let extents):
            if node.entry.size > 0 {
                start(Stored(file: file, offset: offset, extents: extents?[...]), node.entry.size)
            }
        case .file(let reader, let path):
            if node.entry.size > 0, let held = reader.tree.held[path] {
                guard held.size == node.entry.size else { throw changed() }
                start(Stored(file: held.file, offset: 0, along: ReadAlong(held)), node.entry.size)
            } else if node.entry.size > 0 {
                let file = try open(path, of: reader, size: node.entry.size)
                start(Stored(file: file, offset: 0), node.entry.size)
            }
        }
        pending = head[...]
        return true
    }

    private func start(_ stored: Stored, _ size: UInt64) {
        content = stored
        left = size
    }

    private func open(_ path: [UInt8], of reader: TreeReader, size: UInt64) throws(ArchiveError) -> SharedDescriptor {
        let file: SharedDescriptor
        let status: FileStatus
        do throws(SystemError) {
            file = try reader.open(path, [.readOnly, .nonBlocking])
            status = try file.status()
        } catch {
            throw .system(error)
        }
        guard status.kind == .regular, UInt64(clamping: status.size) == size else { throw changed() }
        return file
    }

    private func changed() -> ArchiveError {
        .malformed(entry: current.entry.name, offset: 0, reason: "it was changed while it was copied")
    }

    /// The entry that hides what lower layers have in a directory.
    private static func opaqueMarker(of directory: TarEntry) -> TarEntry {
        var marker = TarEntry(path: TreePath.join(directory.path, Array(".wh..wh..opq".utf8)), kind: .regular)
        marker.modified = directory.modified
        return marker
    }
}
