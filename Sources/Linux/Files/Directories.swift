import CLinux
import Glibc

/// One name in a directory.
package struct DirectoryEntry: Sendable, Hashable {
    /// The name for people; bytes that are not UTF-8 are replaced.
    package var name: String { String(decoding: nameBytes, as: UTF8.self) }
    /// The name as it is.
    package var nameBytes: [UInt8]
    package var kind: FileKind
    package var inode: UInt64

    package init(nameBytes: [UInt8], kind: FileKind, inode: UInt64) {
        self.nameBytes = nameBytes
        self.kind = kind
        self.inode = inode
    }
}

extension Files {
    /// The entries of a directory, without `.` and `..`, sorted by their bytes.
    package static func list(
        _ path: some SystemPath, at directory: Int32 = AT_FDCWD
    ) throws(SystemError) -> [DirectoryEntry] {
        let handle = try open(path, [.readOnly, .directory], at: directory)
        return try naming(path) { () throws(SystemError) in try list(descriptor: handle.raw) }
    }

    /// The entries of an open directory, from where its position is; sorted by their bytes.
    package static func list(descriptor: Int32) throws(SystemError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        while true {
            let chunk = try Transfer.collect("getdents64", upTo: 32 << 10) { linux_getdents(descriptor, $0, UInt($1)) }
            if chunk.isEmpty { break }
            parse(chunk, into: &entries)
        }
        entries.sort { $0.nameBytes.lexicographicallyPrecedes($1.nameBytes) }
        return entries
    }

    /// `struct linux_dirent64`: inode (8), offset (8), length (2), type (1), name with its NUL.
    private static func parse(_ chunk: [UInt8], into entries: inout [DirectoryEntry]) {
        chunk.withUnsafeBytes { bytes in
            var position = 0
            while position + 19 <= bytes.count {
                let inode = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                let length = Int(bytes.loadUnaligned(fromByteOffset: position + 16, as: UInt16.self))
                let type = bytes[position + 18]
                guard length >= 19, position + length <= bytes.count else { return }
                let name = Array(bytes[(position + 19)..<(position + length)].prefix { $0 != 0 })
                position += length
                if name == [46] || name == [46, 46] { continue }
                entries.append(DirectoryEntry(nameBytes: name, kind: FileKind(entryType: type), inode: inode))
            }
        }
    }
}
