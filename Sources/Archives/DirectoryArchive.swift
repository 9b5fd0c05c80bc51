import Linux

/// Writes the files of a directory as a tar, in one pass and in little memory.
package enum DirectoryArchive {
    /// Writes the archive.
    ///
    /// Blocking. A file that becomes shorter while it is read ends in zeros, one that becomes longer is cut: its size
    /// was told before its contents.
    ///
    /// - Parameters:
    ///   - root: the open directory; links in it are never followed and mounts below it not entered.
    ///   - sink: gets the bytes in order; what it throws ends the writing.
    package static func write(
        _ root: SharedDescriptor, choices: DirectoryWalker.Choices = .init(),
        to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        try append(root, choices: choices, to: sink)
        try give(TarWriter.endMarker, to: sink)
    }

    /// Writes the files of a directory as a part of an archive, whose end the caller writes.
    ///
    /// Blocking, as `write`.
    ///
    /// - Parameter latest: later times become this one; nil keeps all.
    package static func append(
        _ root: SharedDescriptor, choices: DirectoryWalker.Choices = .init(), latest: Timestamp? = nil,
        to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var walker = try DirectoryWalker(root, limits: .init(), choices: choices)
        try append(&walker, prefix: choices.prefix, latest: latest, to: sink)
    }

    /// Writes the archive of one file in a directory.
    ///
    /// Blocking.
    package static func write(
        name: [UInt8], in directory: SharedDescriptor, choices: DirectoryWalker.Choices = .init(),
        to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var walker = try DirectoryWalker(name: name, in: directory, limits: .init(), choices: choices)
        try append(&walker, prefix: nil, latest: nil, to: sink)
        try give(TarWriter.endMarker, to: sink)
    }

    private static func append(
        _ walker: inout DirectoryWalker, prefix: [UInt8]?, latest: Timestamp?,
        to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        while var file = try walker.next() {
            if let latest { file.entry.modified = min(file.entry.modified, latest) }
            file.entry.path = placed(file.entry.path, below: prefix)
            if file.entry.kind == .hardLink { file.entry.linkTarget = placed(file.entry.linkTarget, below: prefix) }
            try give(try TarWriter.header(of: file.entry), to: sink)
            guard let contents = file.contents, file.entry.size > 0 else { continue }
            var left = file.entry.size
            var hasEnded = false
            while left > 0 {
                let window = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(clamping: left)))
                var count = 0
                if !hasEnded {
                    do throws(SystemError) { count = try contents.read(into: window) } catch { throw .system(error) }
                }
                if count == 0 {
                    hasEnded = true
                    window.initializeMemory(as: UInt8.self, repeating: 0)
                    count = window.count
                }
                try sink(UnsafeRawBufferPointer(rebasing: window.prefix(count)))
                left -= UInt64(count)
            }
            try give(TarWriter.padding(after: file.entry.size), to: sink)
        }
    }

    private static func placed(_ path: [UInt8], below prefix: [UInt8]?) -> [UInt8] {
        guard let prefix else { return path }
        guard !path.isEmpty else { return prefix }
        let slash = UInt8(ascii: "/")
        return (prefix == [slash] ? prefix : prefix + [slash]) + path
    }

    /// Gives bytes to a sink that takes a buffer.
    package static func give(
        _ bytes: [UInt8], to sink: (UnsafeRawBufferPointer) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var failure: ArchiveError?
        bytes.withUnsafeBytes { raw in
            do throws(ArchiveError) { try sink(raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
