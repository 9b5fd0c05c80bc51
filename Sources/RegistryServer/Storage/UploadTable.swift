import Linux
import OCI
import Synchronization

/// The uploads under way; they outlive the process.
final class UploadTable: Sendable {
    private let store: RegistryStore
    private let limit: Int
    private let expiry: Duration
    private let sessions = Mutex<[String: UploadSession]>([:])
    private let count: Mutex<Int>

    /// The uploads of a store.
    ///
    /// - Parameters:
    ///   - limit: most at once.
    ///   - expiry: how long one may rest.
    init(_ store: RegistryStore, limit: Int, expiry: Duration) throws {
        self.store = store
        self.limit = limit
        self.expiry = expiry
        count = Mutex(try store.files.list(StoreLayout.uploads).count)
    }

    /// How many there are.
    var total: Int { count.withLock { $0 } }

    /// Begins an upload; nil where there are too many.
    func begin(in repository: RepositoryName, algorithm: Digest.Algorithm?) throws -> UploadSession? {
        let isFree = count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
        guard isFree else { return nil }
        do {
            let id = try Self.newID()
            let folder = StoreLayout.upload(id)
            try store.files.ensureDirectory(folder)
            let name = try store.files.open("\(folder)/repository", [.writeOnly, .create, .exclusive])
            try name.writeAll(Array(repository.description.utf8))
            let file = try store.files.open("\(folder)/data", [.readWrite, .create, .exclusive]).shared()
            let session = UploadSession(id: id, repository: repository, file: file, offset: 0, algorithm: algorithm)
            sessions.withLock { $0[id] = session }
            return session
        } catch {
            count.withLock { $0 -= 1 }
            throw error
        }
    }

    /// The upload of an id in a repository; nil where there is none.
    func session(_ id: String, in repository: RepositoryName) throws -> UploadSession? {
        guard Self.isID(id) else { return nil }
        if let known = sessions.withLock({ $0[id] }) { return known.repository == repository ? known : nil }
        let folder = StoreLayout.upload(id)
        guard let name = try store.files.read("\(folder)/repository", limit: 1024),
            String(decoding: name, as: UTF8.self) == repository.description,
            try store.files.status("\(folder)/data") != nil
        else { return nil }
        let file = try store.files.open("\(folder)/data", .readWrite).shared()
        let session = UploadSession(
            id: id, repository: repository, file: file, offset: try file.status().size, algorithm: nil)
        return sessions.withLock {
            if let other = $0[id] { return other }
            $0[id] = session
            return session
        }
    }

    /// Makes what was uploaded a blob of the session's repository; the session is over.
    func commit(_ session: UploadSession, _ digest: Digest, size: Int64) throws {
        let aside = "\(StoreFiles.asideFolder)/\(session.id)"
        try store.files.adopt("\(StoreLayout.upload(session.id))/data", as: aside)
        defer { store.files.remove(aside) }
        try store.addBlob(digest, aside: aside, size: size, to: session.repository)
        remove(session.id)
    }

    /// Drops an upload and what came of it.
    func remove(_ id: String) {
        sessions.withLock { $0[id] = nil }
        guard (try? store.files.status(StoreLayout.upload(id))) != nil else { return }
        if (try? store.files.removeTree(StoreLayout.upload(id))) != nil { count.withLock { $0 -= 1 } }
    }

    /// Drops uploads that rest for longer than they may; how many.
    @discardableResult
    func expire() throws -> Int {
        var dropped = 0
        for id in try store.files.list(StoreLayout.uploads) {
            if let known = sessions.withLock({ $0[id] }) {
                guard known.end(idle: expiry.wholeNanoseconds) else { continue }
            } else {
                let folder = StoreLayout.upload(id)
                guard let status = try store.files.status("\(folder)/data") ?? store.files.status(folder),
                    Clock.now().since(status.modified) > expiry
                else { continue }
            }
            remove(id)
            dropped += 1
        }
        return dropped
    }

    /// A random UUID (RFC 9562, version 4).
    private static func newID() throws(SystemError) -> String {
        var bytes = try Random.bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for (position, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(position) { text.append(UInt8(ascii: "-")) }
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether a text is an id as they are made here; nothing else becomes part of a path.
    private static func isID(_ text: String) -> Bool {
        text.utf8.count == 36
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == UInt8(ascii: "-")
            }
    }
}
