/// The text of an instruction, its lines joined.
struct LogicalLine {
    /// The bytes without line ends, comments and the characters that join lines.
    private(set) var bytes: [UInt8] = []
    /// First and last line, from 1.
    var firstLine: Int
    var lastLine: Int
    /// Where in the file each part of it begins.
    private var parts: [(offset: Int, source: Int)] = []

    init(firstLine: Int) {
        self.firstLine = firstLine
        lastLine = firstLine
    }

    /// Adds a part of the file.
    mutating func append(_ source: [UInt8], _ range: Range<Int>) {
        parts.append((bytes.count, range.lowerBound))
        bytes += source[range]
    }

    /// Where in the file a byte is.
    func source(of offset: Int) -> Int {
        var low = 0
        var high = parts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if parts[middle].offset <= offset { low = middle } else { high = middle }
        }
        guard low < parts.count else { return 0 }
        return parts[low].source + offset - parts[low].offset
    }

    /// The text as it was written, without spaces at its ends.
    var text: String { String(decoding: bytes[...].trimmed, as: UTF8.self) }
}

extension UInt8 {
    /// A space as Go's `unicode.IsSpace` has it, of those in ASCII.
    var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension ArraySlice<UInt8> {
    /// Without spaces at both ends.
    var trimmed: ArraySlice<UInt8> {
        guard let start = firstIndex(where: { !$0.isSpace }), let end = lastIndex(where: { !$0.isSpace }) else {
            return self[endIndex...]
        }
        return self[start...end]
    }

    var text: String { String(decoding: self, as: UTF8.self) }
}
