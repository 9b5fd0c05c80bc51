/// Reading of passwd(5) and group(5): first match wins, malformed lines are skipped.
enum AccountFile {
    /// A line of passwd.
    struct User {
        var name: [UInt8]
        var uid: UInt32
        var gid: UInt32
        var home: KernelString
    }

    /// A user by name, or by number.
    static func user(named name: [UInt8], number: UInt32?, in file: [UInt8]) -> User? {
        for line in file.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count >= 6, let uid = identifier(fields[2]), let gid = identifier(fields[3]) else { continue }
            let byName = !name.isEmpty && fields[0].elementsEqual(name)
            guard byName || (number != nil && number == uid) else { continue }
            let home = fields[5].isEmpty ? KernelString("/") : KernelString(bytes: Array(fields[5]))
            return User(name: Array(fields[0]), uid: uid, gid: gid, home: home)
        }
        return nil
    }

    /// A group's number by its name.
    static func group(named name: [UInt8], in file: [UInt8]) -> UInt32? {
        for line in file.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count >= 3, fields[0].elementsEqual(name) else { continue }
            if let gid = identifier(fields[2]) { return gid }
        }
        return nil
    }

    /// The groups that list a user as a member.
    static func groups(of user: [UInt8], in file: [UInt8], maximum: Int) -> [UInt32] {
        guard !user.isEmpty else { return [] }
        var found: [UInt32] = []
        for line in file.split(separator: 0x0A) where found.count < maximum {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count >= 4, let gid = identifier(fields[2]) else { continue }
            for member in fields[3].split(separator: 0x2C) where member.elementsEqual(user) {
                if !found.contains(gid) { found.append(gid) }
            }
        }
        return found
    }

    /// A user or group number: decimal digits, less than the reserved last one.
    static func identifier(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard text.count <= 10, text.first != 0x2D, let value = StatusLineReader.parse(text) else { return nil }
        return value < Int64(UInt32.max) ? UInt32(value) : nil
    }
}
