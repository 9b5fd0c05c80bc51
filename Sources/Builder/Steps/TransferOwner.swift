import Linux

/// A user and a group by number.
struct FileOwner: Sendable, Hashable {
    var uid: UInt32
    var gid: UInt32
}

/// What `--chown` says, or USER.
///
/// Source: Dockerfile reference, "COPY --chown": a user without a group is of the group of the same number, a user by
/// name of the group in /etc/passwd.
struct TransferOwner: Sendable, Hashable {
    /// What a name means that the image does not know.
    enum Unknown: Sendable, Hashable {
        case failure
        /// 0, as with BuildKit's WORKDIR.
        case root
    }

    private static let fileLimit = 4 << 20

    private let user: String
    private let group: String
    private let whereUnknown: Unknown

    init(_ text: String, whereUnknown: Unknown = .failure) {
        self.whereUnknown = whereUnknown
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        user = parts.first ?? ""
        group = parts.count > 1 ? parts[1] : ""
    }

    /// Whether the image's account files are needed.
    var hasNames: Bool { Self.number(user) == nil && !user.isEmpty || Self.number(group) == nil && !group.isEmpty }

    /// The numbers.
    ///
    /// Blocks.
    ///
    /// - Parameter root: the image's files; nil where there are none.
    func resolved(in root: TreeReader?) throws -> FileOwner {
        var owner = FileOwner(uid: 0, gid: 0)
        if let number = Self.number(user) {
            owner = FileOwner(uid: number, gid: number)
        } else if !user.isEmpty {
            let lines = try Self.fields("etc/passwd", in: root)
            if let line = lines.first(where: { $0.count >= 4 && $0[0] == user }), let uid = Self.number(line[2]) {
                owner = FileOwner(uid: uid, gid: Self.number(line[3]) ?? 0)
            } else if whereUnknown == .failure {
                throw BuildFailure.missing("user", user, in: "/etc/passwd", among: lines.compactMap(\.first))
            }
        }
        if let number = Self.number(group) {
            owner.gid = number
        } else if !group.isEmpty {
            let lines = try Self.fields("etc/group", in: root)
            if let line = lines.first(where: { $0.count >= 3 && $0[0] == group }), let gid = Self.number(line[2]) {
                owner.gid = gid
            } else if whereUnknown == .failure {
                throw BuildFailure.missing("group", group, in: "/etc/group", among: lines.compactMap(\.first))
            }
        }
        return owner
    }

    /// A number that is an id; the last one of 32 bits means none.
    private static func number(_ text: String) -> UInt32? {
        // Swift would read a sign too.
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt32(text).flatMap { $0 == .max ? nil : $0 }
    }

    /// The fields of each line; nothing where there is no such file.
    private static func fields(_ path: String, in root: TreeReader?) throws -> [[String]] {
        guard let root else { return [] }
        let resolved = try TreePath.resolve(Array(path.utf8)) { try root.link($0) }
        guard try root.status(resolved)?.kind == .regular else { return [] }
        let bytes = try root.open(resolved, [.readOnly, .nonBlocking]).readAll(limit: fileLimit)
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }
}
