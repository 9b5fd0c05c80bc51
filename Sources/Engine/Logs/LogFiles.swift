import Linux

/// A container's log and its rotated predecessors: `log`, `log.1`, `log.2`, …, newest first.
package struct LogFiles: Sendable {
    private let path: String
    /// No container keeps more.
    private static let most = 1000

    /// The log at `path` and what rotation made of it.
    package init(path: String) { self.path = path }

    /// An opened log file; it stays the same file when rotation renames it.
    package struct OpenFile: Sendable {
        let descriptor: SharedDescriptor
        let identity: Identity
        /// How far it was read, in bytes.
        var offset: Int64 = 0
    }

    struct Identity: Sendable, Hashable {
        let device: DeviceNumber
        let inode: UInt64
    }

    /// Every file, newest first.
    ///
    /// Blocks.
    func openAll() throws -> [OpenFile] {
        // A rotation between two opens would show one file twice or never; then we look again.
        for _ in 0..<20 {
            let newest = try open(0)
            var files = newest.map { [$0] } ?? []
            // A rotation that is under way, or was cut short, leaves one number free.
            var missing = newest == nil ? 1 : 0
            for index in 1..<Self.most where missing < 2 {
                if let file = try open(index) { files.append(file) } else { missing += 1 }
            }
            let isWhole = Set(files.map(\.identity)).count == files.count
            if isWhole, try open(0)?.identity == newest?.identity { return files }
        }
        return try open(0).map { [$0] } ?? []
    }

    /// The files that follow `file`, oldest first, when it was rotated away; none while it is the newest.
    ///
    /// Blocks.
    func successors(of file: OpenFile) throws -> [OpenFile] {
        if let status = try Files.statusIfPresent(path),
            Identity(device: status.device, inode: status.inode) == file.identity
        {
            return []
        }
        let files = try openAll()
        let position = files.firstIndex { $0.identity == file.identity } ?? files.count
        return files[..<position].reversed()
    }

    private func open(_ index: Int) throws -> OpenFile? {
        let name = index == 0 ? path : "\(path).\(index)"
        do throws(SystemError) {
            let descriptor = try Files.open(name, .readOnly).shared()
            let status = try descriptor.status()
            return OpenFile(
                descriptor: descriptor, identity: Identity(device: status.device, inode: status.inode))
        } catch {
            if error.errno == .ENOENT { return nil }
            throw error
        }
    }

    /// Finds where the last `lines` lines begin: the files to read, oldest first, the first with its offset set.
    ///
    /// Blocks.
    func tail(_ lines: Int, of files: [OpenFile], selection: LogSelection) throws -> [OpenFile] {
        var remaining = lines
        var result: [OpenFile] = []
        for var file in files {
            if remaining <= 0 { break }
            file.offset = try Self.startOfLast(&remaining, in: file, selection)
            result.append(file)
        }
        guard lines > 0 else {
            guard var newest = files.first else { return [] }
            newest.offset = try newest.descriptor.status().size
            return [newest]
        }
        return result.reversed()
    }

    /// Walks a file backwards; counts accepted whole lines down and returns the offset of the earliest counted.
    private static func startOfLast(
        _ remaining: inout Int, in file: OpenFile, _ selection: LogSelection
    ) throws -> Int64 {
        var end = try file.descriptor.status().size
        var carried: [UInt8] = []
        while end > 0 {
            let start = max(0, end - 65536)
            var block = try file.descriptor.pread(upTo: Int(end - start), at: start)
            let blockCount = block.count
            block += carried
            var lineEnd = block.count
            var index = blockCount - 1
            while index >= 0 {
                if block[index] == 0x0A {
                    if index + 1 < lineEnd, counts(block[(index + 1)..<lineEnd], selection) {
                        // One line too many: what is wanted begins behind its LF.
                        if remaining == 0 { return start + Int64(lineEnd) + 1 }
                        remaining -= 1
                    }
                    lineEnd = index
                }
                index -= 1
            }
            carried = Array(block[..<lineEnd])
            end = start
        }
        if counts(carried[...], selection) {
            if remaining == 0 { return Int64(carried.count) + 1 }
            remaining -= 1
        }
        return 0
    }

    /// Whether a line is the end of a wanted line of output.
    private static func counts(_ line: ArraySlice<UInt8>, _ selection: LogSelection) -> Bool {
        guard let record = LogRecord(line: line) else { return false }
        return !record.isPartial && selection.accepts(record.stream)
    }
}
