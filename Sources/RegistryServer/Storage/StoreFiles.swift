import Linux

/// Files below one open directory.
///
/// Every name is relative to the directory and made of parts that were checked by a grammar, so none leads out of it.
/// What is visible under a final name is whole and on the disk: it was written aside, synchronised and renamed.
final class StoreFiles: Sendable {
    private let root: SharedDescriptor
    /// The directory's path, for messages.
    let path: String

    /// Where things are written before they have a name.
    static let asideFolder = "tmp"

    /// Opens a directory, which is made when missing.
    init(path: String) throws(SystemError) {
        self.path = path
        try Files.makeDirectories(path, mode: 0o700)
        root = try Files.open(path, [.readOnly, .directory]).shared()
    }

    // MARK: Reading

    func open(_ name: String, _ flags: OpenFlags = .readOnly) throws(SystemError) -> FileDescriptor {
        try Files.open(name, flags.union(.noFollow), mode: 0o600, at: root.raw)
    }

    /// Opens a file; nil when there is none.
    func openIfPresent(_ name: String) throws(SystemError) -> SharedDescriptor? {
        do throws(SystemError) {
            return try open(name).shared()
        } catch let error where error.errno == .ENOENT || error.errno == .ENOTDIR {
            return nil
        }
    }

    /// A small file's bytes; nil when there is none.
    func read(_ name: String, limit: Int) throws(SystemError) -> [UInt8]? {
        guard let file = try openIfPresent(name) else { return nil }
        return try file.readAll(limit: limit)
    }

    func status(_ name: String) throws(SystemError) -> FileStatus? {
        try Files.statusIfPresent(name, followLinks: false, at: root.raw)
    }

    /// The names in a directory, sorted by their bytes; none where it is missing.
    func list(_ name: String) throws(SystemError) -> [String] {
        do throws(SystemError) {
            return try Files.list(name, at: root.raw).map(\.name)
        } catch let error where error.errno == .ENOENT {
            return []
        }
    }

    // MARK: Writing

    /// Makes a directory and those above it, durably.
    func ensureDirectory(_ name: String) throws(SystemError) {
        do throws(SystemError) {
            try Files.makeDirectory(name, mode: 0o700, at: root.raw)
        } catch let error where error.errno == .EEXIST {
            return
        } catch let error where error.errno == .ENOENT {
            guard let parent = Self.parent(of: name) else { throw error }
            try ensureDirectory(parent)
            return try ensureDirectory(name)
        }
        try synchronizeDirectory(of: name)
    }

    /// Writes bytes aside and waits until they are on the disk.
    ///
    /// - Returns: the name they have meanwhile.
    func writeAside(_ bytes: [UInt8]) throws(SystemError) -> String {
        let name = "\(Self.asideFolder)/\(try Random.hex(bytes: 12))"
        let file = try open(name, [.writeOnly, .create, .exclusive])
        do throws(SystemError) {
            try file.writeAll(bytes)
            try file.synchronize()
        } catch {
            remove(name)
            throw error
        }
        return name
    }

    /// Gives what was written aside its final name, durably, in place of what has it.
    func adopt(_ aside: String, as name: String) throws(SystemError) {
        try Files.rename(aside, to: name, at: root.raw)
        try synchronizeDirectory(of: name)
    }

    /// Replaces a file's content in one durable step.
    func write(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        let aside = try writeAside(bytes)
        do throws(SystemError) {
            try adopt(aside, as: name)
        } catch {
            remove(aside)
            throw error
        }
    }

    /// Makes an empty file, durably; one that is there already gets the present time.
    func mark(_ name: String) throws(SystemError) {
        if try touch(name) { return }
        _ = try open(name, [.writeOnly, .create])
        try synchronizeDirectory(of: name)
    }

    /// Gives a file the present time; false when there is none.
    @discardableResult
    func touch(_ name: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try Files.setTimes(name, modified: Clock.now(), at: root.raw)
            return true
        } catch let error where error.errno == .ENOENT {
            return false
        }
    }

    /// Removes a file, durably; false when there was none.
    @discardableResult
    func removeDurably(_ name: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try Files.unlink(name, at: root.raw)
        } catch let error where error.errno == .ENOENT || error.errno == .ENOTDIR {
            return false
        }
        try synchronizeDirectory(of: name)
        return true
    }

    /// Removes a file nobody needs; a failure leaves it to the next start.
    func remove(_ name: String) { try? Files.unlink(name, at: root.raw) }

    /// Removes a directory that is empty; false when it is not.
    @discardableResult
    func removeIfEmpty(_ name: String) -> Bool { (try? Files.removeDirectory(name, at: root.raw)) != nil }

    /// Removes a directory with all it holds.
    func removeTree(_ name: String) throws(SystemError) { try Files.removeTree(name, at: root.raw) }

    private func synchronizeDirectory(of name: String) throws(SystemError) {
        let directory = try Files.open(Self.parent(of: name) ?? ".", [.readOnly, .directory], at: root.raw)
        do throws(SystemError) {
            try directory.synchronize()
        } catch let error where error.errno == .EINVAL {
            // Some file systems cannot synchronise a directory.
            return
        }
    }

    private static func parent(of name: String) -> String? {
        name.lastIndex(of: "/").map { String(name[..<$0]) }
    }
}
