import CLinux
import Glibc
import Synchronization

/// Tells when a file changes, appears, goes or is replaced (`inotify`): to follow a log that is rotated.
///
/// It watches the file's directory, so the file need not be there; the directory must. All watchers of the process share
/// one inotify instance, of which a user may have few (`fs.inotify.max_user_instances`).
package final class FileWatcher: Sendable {
    private let changes: AsyncStream<DirectoryWatches.Finding>
    private let token: DirectoryWatches.Token

    /// Starts watching: every change from now on is seen.
    package init(_ path: String) throws(SystemError) {
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let last = slash.map { path[path.index(after: $0)...] } ?? path[...]
        let (stream, teller) = AsyncStream.makeStream(
            of: DirectoryWatches.Finding.self, bufferingPolicy: .bufferingNewest(1))
        changes = stream
        token = try DirectoryWatches.shared.add(directory, name: Array(last.utf8), teller)
    }

    deinit { close() }

    /// Waits until the file has changed since the last call, or since the watcher was made.
    ///
    /// Throws `EBADF` after `close`, `ENOENT` when the directory is gone.
    package func changed() async throws {
        for await finding in changes {
            if finding == .changed { return }
            throw SystemError(
                call: "inotify", errno: .ENOENT, subject: String(decoding: token.name ?? [], as: UTF8.self))
        }
        try Task.checkCancellation()
        throw SystemError(call: "inotify", errno: .EBADF, subject: String(decoding: token.name ?? [], as: UTF8.self))
    }

    /// Stops watching.
    package func close() { DirectoryWatches.shared.remove(token) }
}

/// The process's one inotify instance: a watch for each directory, and who wants to hear of it.
final class DirectoryWatches: Sendable {
    static let shared = DirectoryWatches()

    enum Finding: Sendable { case changed, gone }

    /// Who is told, and of what.
    struct Token: Sendable {
        let id: Int
        let watch: Int32
        /// Nil for whatever is in the directory.
        let name: [UInt8]?
    }

    private struct Listener {
        let name: [UInt8]?
        /// Whether the teller ends with the directory.
        let endsWhenGone: Bool
        let teller: AsyncStream<Finding>.Continuation
    }

    private let number: Int32
    private let failure: Errno
    private let state = Mutex<(listeners: [Int32: [Int: Listener]], next: Int)>(([:], 0))

    private init() {
        number = inotify_init1(O_CLOEXEC | O_NONBLOCK)
        failure = Errno.current
        if number >= 0 { listen() }
    }

    /// Watches a directory for a listener, with the others that watch it.
    func add(
        _ directory: String, name: [UInt8]?, _ teller: AsyncStream<Finding>.Continuation, endsWhenGone: Bool = true
    ) throws(SystemError) -> Token {
        guard number >= 0 else { throw SystemError(call: "inotify_init", errno: failure) }
        // IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVE_SELF
        let mask: UInt32 = 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
        // Under the lock: a watch that is taken away at the same moment would be given out again.
        return try state.withLock { state throws(SystemError) in
            let watch = try system("inotify_add_watch", path: directory) { inotify_add_watch(number, $0, mask) }
            state.next += 1
            state.listeners[watch, default: [:]][state.next] = Listener(
                name: name, endsWhenGone: endsWhenGone, teller: teller)
            return Token(id: state.next, watch: watch, name: name)
        }
    }

    /// Forgets a listener, and the watch with its last one.
    func remove(_ token: Token) {
        let listener = state.withLock { state -> Listener? in
            let listener = state.listeners[token.watch]?.removeValue(forKey: token.id)
            if listener != nil, state.listeners[token.watch]?.isEmpty == true {
                state.listeners[token.watch] = nil
                _ = inotify_rm_watch(number, token.watch)
            }
            return listener
        }
        if listener?.endsWhenGone == true { listener?.teller.finish() }
    }

    private func listen() {
        EventLoop.shared.whenReadable(number) { [self] in
            while let events = try? Transfer.collect("read", upTo: 64 << 10, { Glibc.read(number, $0, $1) }),
                !events.isEmpty
            {
                tell(events)
            }
            listen()
        }
    }

    private func tell(_ bytes: [UInt8]) {
        var told: [(listener: Listener, finding: Finding)] = []
        state.withLock { state in
            for event in InotifyEvent.parse(bytes) {
                if event.mask & 0x4000 != 0 {
                    // IN_Q_OVERFLOW: events were lost, so assume everybody's was among them.
                    told += state.listeners.values.flatMap(\.values).map { ($0, .changed) }
                } else if event.mask & 0x8000 != 0 {
                    // IN_IGNORED: the directory is gone.
                    told += (state.listeners.removeValue(forKey: event.watch) ?? [:]).values.map { ($0, .gone) }
                } else {
                    let listeners = (state.listeners[event.watch] ?? [:]).values
                    told += listeners.filter { $0.name == nil || $0.name == event.name }.map { ($0, .changed) }
                }
            }
        }
        for (listener, finding) in told {
            listener.teller.yield(finding)
            if finding == .gone, listener.endsWhenGone { listener.teller.finish() }
        }
    }
}

/// What inotify(7) says in one `struct inotify_event`.
struct InotifyEvent {
    var watch: Int32
    var mask: UInt32
    var name: [UInt8]

    /// Watch (4), mask (4), cookie (4), length of the name (4), name padded with NUL; what is cut off is left out.
    static func parse(_ bytes: [UInt8]) -> [InotifyEvent] {
        var events: [InotifyEvent] = []
        bytes.withUnsafeBytes { bytes in
            var position = 0
            while position + 16 <= bytes.count {
                let watch = bytes.loadUnaligned(fromByteOffset: position, as: Int32.self)
                let mask = bytes.loadUnaligned(fromByteOffset: position + 4, as: UInt32.self)
                let length = Int(bytes.loadUnaligned(fromByteOffset: position + 12, as: UInt32.self))
                guard length <= bytes.count - position - 16 else { return }
                let name = bytes[(position + 16)..<(position + 16 + length)].prefix { $0 != 0 }
                position += 16 + length
                events.append(InotifyEvent(watch: watch, mask: mask, name: Array(name)))
            }
        }
        return events
    }
}
