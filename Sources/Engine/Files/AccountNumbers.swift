import Linux

/// A user and a group by number.
struct AccountNumbers: Sendable, Hashable {
    var uid: UInt32
    var gid: UInt32
}

extension ContainerView {
    /// No account file is longer.
    private static let accountLimit = 4 << 20

    /// The numbers of `user[:group]`, looked up in the container's own files.
    ///
    /// Blocks.
    ///
    /// - Throws: for a name that is not there.
    func owner(named text: String) throws -> AccountNumbers {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let user = parts.first ?? ""
        let line = try accounts("/etc/passwd").first { fields in
            fields.count >= 4 && (fields[0] == user || UInt32(user) != nil && fields[2] == user)
        }
        guard let uid = line.flatMap({ UInt32($0[2]) }) ?? UInt32(user) else {
            throw EngineError(.invalid, "unable to find user \(user): no matching entries in passwd file")
        }
        var gid = line.flatMap { UInt32($0[3]) } ?? 0
        if parts.count == 2 {
            let group = parts[1]
            let found = try accounts("/etc/group").first { $0.count >= 3 && $0[0] == group }
            guard let number = found.flatMap({ UInt32($0[2]) }) ?? UInt32(group) else {
                throw EngineError(.invalid, "unable to find group \(group): no matching entries in group file")
            }
            gid = number
        }
        return AccountNumbers(uid: uid, gid: gid)
    }

    /// The fields of each line; nothing where there is no such file.
    private func accounts(_ path: String) throws(SystemError) -> [[String]] {
        let file: FileDescriptor
        do throws(SystemError) {
            // A pipe in the file's place must not keep the thread.
            file = try Files.openInRoot(root.raw, path, [.readOnly, .nonBlocking])
        } catch let error where error.errno == .ENOENT || error.errno == .ENOTDIR {
            return []
        }
        guard try file.status().kind == .regular else { return [] }
        let text = String(decoding: try file.readAll(limit: Self.accountLimit), as: UTF8.self)
        return text.split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }
}
