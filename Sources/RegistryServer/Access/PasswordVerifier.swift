import Archives
import HTTP
import Linux
import Synchronization

/// Verifies users and their passwords, and remembers for a while whom it has verified: bcrypt is slow on purpose.
final class PasswordVerifier: Sendable {
    private let file: PasswordFile
    private let known: KnownPasswords
    private let gate = HashingGate(limit: 2, queue: 64)

    /// - Throws: `Diagnostic` with the line that is wrong.
    init(path: String, log: @escaping @Sendable (String) -> Void) throws {
        try PasswordHash.check()
        let known = try KnownPasswords()
        self.known = known
        file = try PasswordFile(path: path, log: log) { known.forget() }
    }

    /// Whether the password is the user's.
    ///
    /// - Throws: `APIFailure` where too many wait already.
    func verify(user: String, password: String) async throws -> Bool {
        let hash = await BlockingExecutor.shared.run { self.file.hash(of: user) }
        let mark = known.mark(user, password, hash ?? "")
        if hash != nil, known.contains(mark) { return true }
        guard let tried = hash ?? file.anyHash else { return false }
        guard await gate.enter() else {
            throw APIFailure(
                429, .tooManyRequests, "too many passwords wait to be verified", headers: ["Retry-After": "5"])
        }
        let isRight = await BlockingExecutor.shared.run { PasswordHash.matches(password, tried) }
        await gate.leave()
        guard isRight, hash != nil else { return false }
        known.add(mark)
        return true
    }
}

/// Passwords that were right a short while ago, as codes that tell nothing.
private final class KnownPasswords: Sendable {
    private let key: [UInt8]
    private let marks = Mutex<[[UInt8]: Int64]>([:])
    private static let nanoseconds: Int64 = 300_000_000_000
    private static let limit = 1024

    init() throws(SystemError) { key = try Random.bytes(32) }

    func mark(_ user: String, _ password: String, _ hash: String) -> [UInt8] {
        HMACSHA256.code(Array(user.utf8) + [0] + Array(hash.utf8) + [0] + Array(password.utf8), key: key)
    }

    func contains(_ mark: [UInt8]) -> Bool {
        marks.withLock { $0[mark].map { $0 > Clock.monotonic() } ?? false }
    }

    func add(_ mark: [UInt8]) {
        marks.withLock {
            if $0.count >= Self.limit { $0 = $0.filter { $0.value > Clock.monotonic() } }
            if $0.count >= Self.limit { $0 = [:] }
            $0[mark] = Clock.monotonic() + Self.nanoseconds
        }
    }

    func forget() { marks.withLock { $0 = [:] } }
}

/// Lets few hash at once, so that strangers cannot take all processors.
private actor HashingGate {
    private var free: Int
    private let queue: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(limit: Int, queue: Int) {
        free = limit
        self.queue = queue
    }

    /// Waits for a place; false where too many do.
    func enter() async -> Bool {
        if free > 0 {
            free -= 1
            return true
        }
        guard waiting.count < queue else { return false }
        await withCheckedContinuation { waiting.append($0) }
        return true
    }

    func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
