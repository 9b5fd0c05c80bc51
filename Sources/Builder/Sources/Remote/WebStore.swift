import Archives
import HTTP
import ImageStore
import Linux
import Registry
import Synchronization

/// A file that came from the web.
struct WebFile: Sendable {
    /// Open for reading; it stays as it is.
    let file: SharedDescriptor
    let size: UInt64
    /// SHA-256, 64 hexadecimal digits.
    let digest: String
    /// What it is called: the last part of its address's path, or what the server says; nil where neither says.
    let name: String?
    /// When the server says that it was changed last.
    let modified: Timestamp?
}

/// Files of the web, kept for the next build, which only asks whether they changed.
///
/// Blocking. A file is `<id>.data` with `<id>.facts` beside it: lines of a name, a space and a value.
final class WebStore: Sendable {
    /// Downloads wait for others' servers, and must not take the threads of the engine.
    static let threads = BlockingExecutor(limit: 16)
    /// Bytes of one file.
    private static let limit: UInt64 = 1 << 36

    private let directory: String
    /// When each was last asked about, on the monotonic clock.
    private let asked = Mutex<[String: Int64]>([:])
    /// Held while a file and what is said of it are looked at or replaced together.
    private let placing = Mutex(())

    init(directory: String) { self.directory = directory }

    private struct Facts {
        var values: [String: String] = [:]

        init() {}

        init(_ text: String) {
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: " ", maxSplits: 1)
                if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
            }
        }

        var size: UInt64 { values["size"].flatMap { UInt64($0) } ?? 0 }

        var text: String { values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)\n" }.joined() }
    }

    /// Gets a file, from here where it did not change.
    ///
    /// - Parameters:
    ///   - checksum: the digest it must have, 64 hexadecimal digits; with one that is here nobody is asked.
    ///   - mayBeRecent: whether one that was asked about in the last ten minutes is good enough.
    /// - Throws: `BuildFailure`, `RegistryError`.
    func get(
        _ address: String, checksum: String?, mayBeRecent: Bool, _ cancellation: CancellationFlag
    ) throws -> WebFile {
        try Files.makeDirectories(directory, mode: 0o700)
        let id = String(SHA256.hex(of: Array(address.utf8)).prefix(32))
        let (known, kept) = placing.withLock { _ -> (Facts?, WebFile?) in
            guard let known = facts(id) else { return (nil, nil) }
            // A recent answer may be somebody else's, who pinned nothing.
            let isWanted = checksum.map { $0 == known.values["digest"] } ?? (mayBeRecent && wasAsked(id))
            return (known, isWanted ? try? open(id, known, address) : nil)
        }
        if let kept { return kept }
        let made = try fetch(address, id, known, cancellation)
        if let checksum, made.digest != checksum {
            throw BuildFailure.badTransfer(
                "digest mismatch sha256:\(made.digest): sha256:\(checksum)",
                detail: "\(address) is not what --checksum says")
        }
        asked.withLock { $0[id] = Clock.monotonic() }
        return made
    }

    private func wasAsked(_ id: String) -> Bool {
        asked.withLock { $0[id].map { Clock.monotonic() - $0 < 600_000_000_000 } ?? false }
    }

    private func facts(_ id: String) -> Facts? {
        (try? Files.readText("\(directory)/\(id).facts", limit: 1 << 16)).map { Facts($0) }
    }

    private func open(_ id: String, _ facts: Facts, _ address: String) throws -> WebFile {
        let file = try Files.open("\(directory)/\(id).data").shared()
        guard let digest = facts.values["digest"], UInt64(clamping: try file.status().size) == facts.size else {
            throw SystemError(call: "open", errno: .ENOENT, subject: address)
        }
        try? Files.setTimes("\(directory)/\(id).facts", modified: Clock.now())
        return WebFile(
            file: file, size: facts.size, digest: digest, name: facts.values["name"],
            modified: facts.values["modified"].flatMap { Timestamp(httpDate: $0) })
    }

    private func fetch(_ address: String, _ id: String, _ known: Facts?, _ cancellation: CancellationFlag) throws
        -> WebFile
    {
        var conditions: HTTPHeaders = ["Accept-Encoding": "identity"]
        if let known, Files.exists("\(directory)/\(id).data") {
            if let tag = known.values["etag"] { conditions.set("If-None-Match", tag) }
            if let time = known.values["modified"] { conditions.set("If-Modified-Since", time) }
        }
        let path = "\(directory)/\(try Random.hex(bytes: 8)).part"
        let file = try Files.open(path, [.readWrite, .create, .exclusive], mode: 0o600).shared()
        defer { _ = try? Files.unlinkIfPresent(path) }
        let hash = SHA256()
        var writeback = Writeback()
        let answer = try WebFetch { cancellation.isCancelled }.get(address, headers: conditions) { piece in
            hash.update(piece)
            guard hash.byteCount <= Self.limit else {
                throw BuildFailure.badTransfer("\(address) has more than \(Self.limit) bytes")
            }
            try file.writeAll(piece)
            writeback.reached(Int64(hash.byteCount), of: file)
            if hash.byteCount % (64 << 20) < UInt64(piece.count) { try SpareRoom.check(directory) }
        }
        if answer.status == 304,
            let file = placing.withLock({ _ in self.facts(id).flatMap { try? open(id, $0, address) } })
        {
            return file
        }
        guard answer.status == 200 else {
            throw BuildFailure.missingAddress(address, status: answer.status)
        }
        var facts = Facts()
        facts.values["address"] = address
        facts.values["etag"] = answer.headers["ETag"]
        facts.values["modified"] = answer.headers["Last-Modified"]
        facts.values["size"] = String(hash.byteCount)
        facts.values["name"] = WebName.name(of: address, disposition: answer.headers["Content-Disposition"])
        facts.values["digest"] = hash.finishHex()
        let placed = facts
        return try placing.withLock { _ in
            // Never beside facts that say something else.
            try Files.unlinkIfPresent("\(directory)/\(id).facts")
            try Files.rename(path, to: "\(directory)/\(id).data")
            try Files.writeAtomically("\(directory)/\(id).facts", Array(placed.text.utf8), mode: 0o600, fsync: false)
            return try open(id, placed, address)
        }
    }
}

extension WebStore: CacheShelf {
    func records() async throws -> [CacheRecord] { try await BlockingExecutor.shared.run { try self.list() } }

    private func list() throws(SystemError) -> [CacheRecord] {
        guard Files.exists(directory) else { return [] }
        var result: [CacheRecord] = []
        for name in try Files.list(directory).map(\.name) where name.hasSuffix(".facts") {
            let id = String(name.dropLast(6))
            guard let facts = facts(id), let status = try? Files.status("\(directory)/\(name)") else { continue }
            result.append(
                CacheRecord(
                    id: id, kind: .web, description: facts.values["address"] ?? id, size: Int64(clamping: facts.size),
                    created: status.modified, lastUsed: status.modified))
        }
        return result
    }

    /// Whoever reads it has it until he is done.
    func remove(_ id: String) async throws -> Int64? {
        guard id.utf8.count == 32, id.allSatisfy(\.isHexDigit) else { return nil }
        return try await BlockingExecutor.shared.run {
            guard let facts = self.facts(id) else { return nil }
            try Files.unlinkIfPresent("\(self.directory)/\(id).facts")
            try Files.unlinkIfPresent("\(self.directory)/\(id).data")
            return Int64(clamping: facts.size)
        }
    }
}

/// What a file of the web is called.
enum WebName {
    /// The last part of the address's path, or the name the server gives; nil where there is none.
    static func name(of address: String, disposition: String?) -> String? {
        let afterScheme = address.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2)
        let rest = afterScheme.first ?? ""
        let path = rest.prefix { $0 != "?" && $0 != "#" }
        if let slash = path.firstIndex(of: "/"), let last = path[slash...].split(separator: "/").last,
            let name = checked(decoded(last))
        {
            return name
        }
        guard let given = disposition?.text(after: "filename=") else { return nil }
        let value = given.prefix(while: { $0 != ";" }).filter { $0 != "\"" }
        return value.split(separator: "/").last.flatMap { checked(String($0)) }
    }

    private static func checked(_ name: String) -> String? {
        let isGood = !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255 && !name.hasPrefix(".wh.")
        return isGood && name.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "/") } ? name : nil
    }

    /// Without percent-encoding (RFC 3986).
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    /// What follows a text in this one; nil where it is not in it.
    fileprivate func text(after text: String) -> Substring? {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(text) { return rest.dropFirst(text.count) }
            rest = rest.dropFirst()
        }
        return nil
    }
}

extension Timestamp {
    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, IMF-fixdate); nil for anything else.
    init?(httpDate text: String) {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", parts[1].count == 2, parts[3].count == 4,
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        self.init(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
