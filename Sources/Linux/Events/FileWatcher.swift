import CLinux
import Glibc
import Synchronization

/// Tells when a file changes, appears, goes or is replaced (`inotify`): to follow a log that is rotated.
///
/// It watches the file's directory, so the file need not be there; the directory must.
package final class FileWatcher: Sendable {
    private let descriptor: AsyncDescriptor
    private let name: [UInt8]

    /// Starts watching: every change from now on is seen.
    package init(_ path: String) throws(SystemError) {
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let last = slash.map { path[path.index(after: $0)...] } ?? path[...]
        name = Array(last.utf8)
        let number = try system("inotify_init") { inotify_init1(O_CLOEXEC | O_NONBLOCK) }
        descriptor = AsyncDescriptor(nonBlocking: FileDescriptor(owning: number))
        // IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF
        let mask: UInt32 = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
        _ = try system("inotify_add_watch", path: directory) { inotify_add_watch(number, $0, mask) }
    }

    /// Waits until the file has changed since the last call, or since the watcher was made.
    ///
    /// Throws `EBADF` after `close`, `ENOENT` when the directory is gone.
    package func changed() async throws {
        while true {
            let events = try await descriptor.read(upTo: 64 << 10)
            switch Self.scan(events, for: name) {
            case .changed: return
            case .gone:
                throw SystemError(call: "inotify", errno: .ENOENT, subject: String(decoding: name, as: UTF8.self))
            case .other: continue
            }
        }
    }

    /// Stops watching.
    package func close() {
        descriptor.close()
    }

    enum Finding {
        case changed, gone, other
    }

    /// `struct inotify_event`: watch (4), mask (4), cookie (4), length of the name (4), name padded with NUL.
    static func scan(_ events: [UInt8], for name: [UInt8]) -> Finding {
        var finding = Finding.other
        events.withUnsafeBytes { bytes in
            var position = 0
            while position + 16 <= bytes.count {
                let mask = bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self)
                let length = Int(bytes.loadUnaligned(fromByteOffset: position + 12, as: UInt32.self))
                guard length <= bytes.count - position - 16 else { return }
                let entry = bytes[(position + 16)..<(position + 16 + length)].prefix { $0 != 0 }
                position += 16 + length
                // IN_Q_OVERFLOW: events were lost, so assume ours was among them.
                if mask & 0x4000 != 0 || entry.elementsEqual(name) { finding = .changed }
                // IN_IGNORED: the directory is gone.
                if mask & 0x8000 != 0, finding == .other { finding = .gone }
            }
        }
        return finding
    }
}
