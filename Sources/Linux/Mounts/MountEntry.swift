/// One line of `/proc/PID/mountinfo` (proc(5)).
package struct MountEntry: Sendable, Hashable {
    package var id: UInt64
    package var parentID: UInt64
    package var device: DeviceNumber
    /// The directory of the file system that is mounted.
    package var root: String
    /// Where, seen from the process's root.
    package var target: String
    /// Options of this mount (`ro`, `nosuid`).
    package var options: [String]
    /// Propagation (`shared:1`, `master:2`) and other tags.
    package var tags: [String]
    package var type: String
    /// What is mounted: a device, a name, `none`.
    package var source: String
    /// Options of the file system.
    package var superOptions: [String]

    /// Reads one line; nil when it is not one.
    ///
    /// Escapes (`\040`) are undone.
    package init?(line: String) {
        let fields = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: true)
        guard fields.count >= 9, let separator = fields[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }),
            fields.count >= separator + 3, let id = UInt64(Substring(fields[0])),
            let parent = UInt64(Substring(fields[1])), let device = Self.device(Substring(fields[2]))
        else { return nil }
        self.id = id
        parentID = parent
        self.device = device
        root = Self.unescape(fields[3])
        target = Self.unescape(fields[4])
        options = Self.list(fields[5])
        tags = fields[6..<separator].map(Self.unescape)
        type = Self.unescape(fields[separator + 1])
        source = Self.unescape(fields[separator + 2])
        superOptions = fields.count > separator + 3 ? Self.list(fields[separator + 3]) : []
    }

    /// Every entry of a file's text; lines that are none are left out.
    package static func parse(_ text: String) -> [MountEntry] {
        text.split(separator: "\n").compactMap { MountEntry(line: String($0)) }
    }

    private static func device(_ text: Substring) -> DeviceNumber? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = UInt32(parts[0]), let minor = UInt32(parts[1]) else { return nil }
        return DeviceNumber(major: major, minor: minor)
    }

    private static func list(_ field: Substring.UTF8View) -> [String] {
        field.split(separator: UInt8(ascii: ",")).map(unescape)
    }

    /// Three octal digits after a backslash are one byte; any other backslash stands for itself.
    static func unescape(_ field: some Sequence<UInt8>) -> String {
        let bytes = Array(field)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count {
                let digits = bytes[(index + 1)...(index + 3)]
                let value = digits.reduce(0) { $0 * 8 + Int($1) - 48 }
                if digits.allSatisfy({ (48...55).contains($0) }), let byte = UInt8(exactly: value) {
                    result.append(byte)
                    index += 4
                    continue
                }
            }
            result.append(bytes[index])
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}
