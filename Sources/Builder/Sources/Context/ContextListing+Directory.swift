import Archives
import Dockerfile
import Linux

extension ContextListing {
    /// Lists a directory: for the client, which asks the kernel about each file once and opens each directory once.
    ///
    /// Links are listed and never followed; sockets, pipes and devices are left out. What is mounted below is listed
    /// too.
    ///
    /// - Parameters:
    ///   - root: the open directory.
    ///   - rules: what is left out.
    package init(walking root: SharedDescriptor, ignoring rules: IgnoreRules? = nil) throws(SystemError) {
        let rules = rules.flatMap { $0.isEmpty ? nil : $0 }
        var walk = Walk(rules: rules)
        try walk.run(root)
        files = walk.files
    }

    private struct Level {
        let descriptor: SharedDescriptor
        let path: [UInt8]
        var names: ArraySlice<DirectoryEntry>
        /// A directory that is left out and is listed only with something in it.
        var pending: File?
    }

    private struct Walk {
        let rules: IgnoreRules?
        var files: [File] = []
        var levels: [Level] = []

        mutating func run(_ root: SharedDescriptor) throws(SystemError) {
            levels = [Level(descriptor: root, path: [], names: try Files.list(descriptor: root.raw)[...])]
            while let level = levels.last {
                guard let name = level.names.first else {
                    levels.removeLast()
                    continue
                }
                levels[levels.count - 1].names.removeFirst()
                try visit(name, in: level)
            }
        }

        private mutating func visit(_ name: DirectoryEntry, in level: Level) throws(SystemError) {
            let path = TreePath.join(level.path, name.nameBytes)
            let isOut = rules?.excludes(path.span) ?? false
            if isOut, name.kind != .directory && name.kind != .unknown { return }
            if isOut, let rules, !rules.mayContainIncluded(path.span) { return }
            let status: FileStatus
            do throws(SystemError) {
                status = try Files.status(name.nameBytes, followLinks: false, at: level.descriptor.raw)
            } catch let error where error.errno == .ENOENT {
                return
            }
            guard var file = File(path: path, status) else { return }
            switch file.kind {
            case .link: file.target = try Files.readLinkBytes(name.nameBytes, at: level.descriptor.raw)
            case .directory:
                let opened = try Files.open(
                    name.nameBytes, [.readOnly, .directory, .noFollow], at: level.descriptor.raw
                ).shared()
                if !isOut { add(file) }
                levels.append(
                    Level(
                        descriptor: opened, path: path, names: try Files.list(descriptor: opened.raw)[...],
                        pending: isOut ? file : nil))
                return
            case .regular: break
            }
            if !isOut { add(file) }
        }

        private mutating func add(_ file: File) {
            for index in levels.indices {
                guard let pending = levels[index].pending else { continue }
                files.append(pending)
                levels[index].pending = nil
            }
            files.append(file)
        }
    }

    /// Opens files for the host of the build to read.
    ///
    /// - Throws: for one that cannot be read.
    package func open(_ indices: [Int], root: SharedDescriptor) throws(SystemError) -> [SharedDescriptor] {
        let source = ContextFiles(root)
        var result: [SharedDescriptor] = []
        for index in indices where files.indices.contains(index) {
            result.append(try source.open(files[index].path, [.readOnly, .nonBlocking]))
        }
        return result
    }

    /// Writes the archive of files that the host of the build asks for.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - indices: the files' places in the listing, ascending.
    ///   - root: the directory that was listed.
    ///   - sink: gets the bytes in order.
    /// - Throws: `ArchiveError` for a file that has another size now, or is gone, and what `sink` throws.
    package func writeArchive(
        of indices: [Int], root: SharedDescriptor, to sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        let source = ContextFiles(root)
        for index in indices where files.indices.contains(index) {
            let file = files[index]
            var entry = TarEntry(path: file.path, kind: .regular)
            entry.size = file.size
            let changed = ArchiveError.malformed(
                entry: entry.name, offset: 0, reason: "it was changed while it was sent; run the build again")
            let opened = try source.open(file.path, [.readOnly, .nonBlocking])
            let status = try opened.status()
            guard status.kind == .regular, UInt64(clamping: status.size) == file.size else { throw changed }
            try TarWriter.header(of: entry).withUnsafeBytes { try sink($0) }
            var left = file.size
            while left > 0 {
                let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: left)))
                let count = try opened.read(into: window)
                guard count > 0 else { throw changed }
                try sink(UnsafeRawBufferPointer(rebasing: window.prefix(count)))
                left -= UInt64(count)
            }
            try TarWriter.padding(after: file.size).withUnsafeBytes { try sink($0) }
        }
        try TarWriter.endMarker.withUnsafeBytes { try sink($0) }
    }
}

extension ContextListing.File {
    /// A file of this kind of status; nil for sockets, pipes and devices.
    fileprivate init?(path: [UInt8], _ status: FileStatus) {
        switch status.kind {
        case .regular: self.init(path: path, kind: .regular)
        case .directory: self.init(path: path, kind: .directory)
        case .symbolicLink: self.init(path: path, kind: .link)
        default: return nil
        }
        mode = UInt16(truncatingIfNeeded: status.mode)
        modified = status.modified.nanosecondsSinceEpoch
        guard kind == .regular else { return }
        size = UInt64(clamping: status.size)
        changed = status.changed.nanosecondsSinceEpoch
        inode = status.inode
    }
}
