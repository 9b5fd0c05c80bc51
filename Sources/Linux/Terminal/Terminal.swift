import CLinux
import Glibc

/// The size of a terminal in characters.
package struct TerminalSize: Sendable, Hashable {
    package var rows: UInt16
    package var columns: UInt16

    /// A size from its parts.
    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

/// The terminal somebody sits at, and ones of our own.
package enum Terminal {
    /// Whether a descriptor is a terminal.
    package static func isTerminal(_ descriptor: Int32) -> Bool {
        linux_isatty(descriptor) == 1
    }

    /// The size of a terminal; nil when the descriptor is none or it does not know.
    package static func size(_ descriptor: Int32) -> TerminalSize? {
        var size = TerminalSize(rows: 0, columns: 0)
        guard linux_window_size(descriptor, &size.rows, &size.columns) == 0, size.columns > 0 else { return nil }
        return size
    }

    /// Tells a terminal its size; its foreground processes get `SIGWINCH`.
    package static func setSize(_ descriptor: Int32, _ size: TerminalSize) throws(SystemError) {
        _ = try system("TIOCSWINSZ") { linux_set_window_size(descriptor, size.rows, size.columns) }
    }

    /// Makes a pseudo terminal of the host's `/dev/pts`.
    package static func openPTY(size: TerminalSize? = nil) throws(SystemError) -> PseudoTerminal {
        let master = try Files.open("/dev/ptmx", [.readWrite, .noControllingTerminal])
        let raw = master.raw
        var number: UInt32 = 0
        _ = try system("TIOCSPTLCK") { linux_pty_unlock(raw) }
        _ = try system("TIOCGPTN") { linux_pty_number(raw, &number) }
        if let size { try setSize(raw, size) }
        return PseudoTerminal(master: master, path: "/dev/pts/\(number)")
    }
}

/// A pseudo terminal: we hold the master, a program gets the other side.
package struct PseudoTerminal: ~Copyable, Sendable {
    /// What the program writes is read here.
    package var master: FileDescriptor
    /// The program's side.
    package let path: String

    /// Opens the program's side.
    package func openSlave() throws(SystemError) -> FileDescriptor {
        try Files.open(path, [.readWrite, .noControllingTerminal])
    }
}

/// Raw mode of a terminal: each key comes at once, nothing is echoed or interpreted.
///
/// Ends with this value's life.
package struct RawMode: ~Copyable {
    private let descriptor: Int32
    private let before: termios

    private init(_ descriptor: Int32, before: termios) {
        self.descriptor = descriptor
        self.before = before
    }

    /// Switches a terminal.
    ///
    /// Throws `ENOTTY` when it is none.
    package static func enter(_ descriptor: Int32) throws(SystemError) -> RawMode {
        var current = termios()
        _ = try system("tcgetattr") { tcgetattr(descriptor, &current) }
        let mode = RawMode(descriptor, before: current)
        cfmakeraw(&current)
        _ = try system("tcsetattr") { tcsetattr(descriptor, TCSADRAIN, &current) }
        return mode
    }

    /// Switches off no more than the echo, for a password: lines and signals stay.
    ///
    /// Throws `ENOTTY` when it is no terminal.
    package static func withoutEcho(_ descriptor: Int32) throws(SystemError) -> RawMode {
        var current = termios()
        _ = try system("tcgetattr") { tcgetattr(descriptor, &current) }
        let mode = RawMode(descriptor, before: current)
        current.c_lflag &= ~tcflag_t(ECHO)
        _ = try system("tcsetattr") { tcsetattr(descriptor, TCSAFLUSH, &current) }
        return mode
    }

    deinit {
        var saved = before
        _ = tcsetattr(descriptor, TCSADRAIN, &saved)
    }

    /// Puts the terminal back now.
    package consuming func restore() {}
}

/// The standard streams as text goes to them: whole, unbuffered, errors ignored as nobody could be told.
package struct Console: Sendable {
    private let descriptor: Int32

    /// Standard output.
    package static let output = Console(descriptor: 1)
    /// Standard error.
    package static let error = Console(descriptor: 2)

    /// Writes text as it is.
    ///
    /// Returns false when the reader is gone.
    @discardableResult
    package func write(_ text: String) -> Bool {
        write(Array(text.utf8))
    }

    /// Writes bytes.
    ///
    /// Returns false when the reader is gone.
    @discardableResult
    package func write(_ bytes: [UInt8]) -> Bool {
        do throws(SystemError) {
            try put(bytes)
            return true
        } catch {
            return false
        }
    }

    /// Writes bytes.
    ///
    /// Throws `EPIPE` when the reader is gone, `ENOSPC` when it is a file on a full disk, …
    package func put(_ bytes: [UInt8]) throws(SystemError) {
        try Transfer.drain("write", bytes) { pointer, count, _ in waitingWrite(pointer, count) }
    }

    /// Writes text and a line end.
    @discardableResult
    package func line(_ text: String) -> Bool {
        write(text + "\n")
    }

    /// Whether a person reads it.
    package var isTerminal: Bool { Terminal.isTerminal(descriptor) }

    /// Its size, when it is a terminal.
    package var size: TerminalSize? { Terminal.size(descriptor) }

    /// The stream may be non-blocking, since a terminal is shared with other programs.
    private func waitingWrite(_ pointer: UnsafeRawPointer?, _ count: Int) -> Int {
        while true {
            let written = Glibc.write(descriptor, pointer, count)
            if written >= 0 || Errno.current != .EAGAIN { return written }
            var record = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&record, 1, -1)
        }
    }
}
