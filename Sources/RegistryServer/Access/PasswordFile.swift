import Diagnostics
import Linux
import Synchronization

/// The users of an htpasswd file; it is read again when it was changed.
final class PasswordFile: Sendable {
    private struct State {
        var users: [String: String]
        var seen: FileStatus?
        var looked: Int64
    }

    private let path: String
    private let state: Mutex<State>
    private let log: @Sendable (String) -> Void
    /// Told when the users are others than before.
    private let onChange: @Sendable () -> Void

    /// Reads a file.
    ///
    /// - Throws: `Diagnostic` with the line that is wrong.
    init(
        path: String, log: @escaping @Sendable (String) -> Void, onChange: @escaping @Sendable () -> Void
    ) throws(Diagnostic) {
        self.path = path
        self.log = log
        self.onChange = onChange
        let (users, seen) = try Self.load(path)
        state = Mutex(State(users: users, seen: seen, looked: Clock.monotonic()))
    }

    /// The hash of a user's password; nil for a stranger.
    func hash(of user: String) -> String? {
        refresh()
        return state.withLock { $0.users[user] }
    }

    /// Any hash, to spend as much time on a stranger as on a user.
    var anyHash: String? { state.withLock { $0.users.values.first } }

    /// Looks once a second whether the file was changed.
    private func refresh() {
        let isDue = state.withLock { state in
            guard Clock.monotonic() - state.looked > 1_000_000_000 else { return false }
            state.looked = Clock.monotonic()
            return true
        }
        guard isDue, let status = try? Files.status(path) else { return }
        let isSame = state.withLock { state in
            state.seen.map { $0.inode == status.inode && $0.modified == status.modified && $0.size == status.size }
                ?? false
        }
        guard !isSame else { return }
        do throws(Diagnostic) {
            let (users, seen) = try Self.load(path)
            state.withLock {
                $0.users = users
                $0.seen = seen
            }
            onChange()
            log("read \(path) again: \(users.count) users")
        } catch {
            state.withLock { $0.seen = status }
            log("the users stay as they were: \(error.summary): \(error.detail ?? "")")
        }
    }

    private static func load(_ path: String) throws(Diagnostic) -> ([String: String], FileStatus) {
        let status: FileStatus
        let text: String
        do throws(SystemError) {
            status = try Files.status(path)
            text = try Files.readText(path, limit: 4 << 20)
        } catch {
            throw Diagnostic(
                code: "SC4205", summary: "the file of users \(path) cannot be read", detail: "\(error)",
                hint: "make it with `htpasswd -cB \(path) USER`")
        }
        return (try parse(text, path: path), status)
    }

    /// Reads lines of `USER:HASH`.
    static func parse(_ text: String, path: String) throws(Diagnostic) -> [String: String] {
        var users: [String: String] = [:]
        // CR LF is one character: a split at LF alone would pass over it.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else {
                throw bad(path, index + 1, "it is not USER:HASH", hint: "write it with `htpasswd -B \(path) USER`")
            }
            let user = String(line[..<colon])
            let hash = line[line.index(after: colon)...]
            guard PasswordHash.isBcrypt(hash) else {
                throw bad(
                    path, index + 1, "the hash of `\(TerminalText.line(user))` is not bcrypt (`$2y$…`)",
                    hint: "write it anew with `htpasswd -B \(path) \(TerminalText.line(user))`")
            }
            guard users.updateValue(String(hash), forKey: user) == nil else {
                throw bad(
                    path, index + 1, "`\(TerminalText.line(user))` is there a second time",
                    hint: "remove one of the lines")
            }
        }
        return users
    }

    private static func bad(_ path: String, _ line: Int, _ reason: String, hint: String) -> Diagnostic {
        Diagnostic(
            code: "SC4206", summary: "\(path), line \(line): this is no user of the registry", detail: reason + ".",
            hint: hint)
    }
}
