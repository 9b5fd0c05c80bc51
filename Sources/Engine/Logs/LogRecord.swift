import Linux

/// One record of a container's log: `2026-01-02T03:04:05.123456789Z stdout F text`.
package struct LogRecord: Sendable, Hashable {
    /// Which stream the text came from.
    package enum Stream: UInt8, Sendable, Hashable { case stdout = 1, stderr = 2 }

    /// When the supervisor read it, RFC 3339 with nine digits: 30 bytes.
    package var time: String
    /// The stream.
    package var stream: Stream
    /// Whether the line goes on in the next record of the stream.
    package var isPartial: Bool
    /// The text, without the line's end.
    package var text: [UInt8]

    /// A record.
    package init(time: String, stream: Stream, isPartial: Bool, text: [UInt8]) {
        self.time = time
        self.stream = stream
        self.isPartial = isPartial
        self.text = text
    }

    /// Reads one line of the log file without its LF; `nil` for a line that is none of ours (a torn write).
    package init?(line: ArraySlice<UInt8>) {
        let fields = line.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count >= 3, let mark = fields[2].first, fields[2].count == 1 else { return nil }
        guard fields[0].count == 30, fields[0].last == 0x5A else { return nil }
        switch Array(fields[1]) {
        case Array("stdout".utf8): stream = .stdout
        case Array("stderr".utf8): stream = .stderr
        default: return nil
        }
        switch mark {
        case UInt8(ascii: "F"): isPartial = false
        case UInt8(ascii: "P"): isPartial = true
        default: return nil
        }
        time = String(decoding: fields[0], as: UTF8.self)
        text = fields.count == 4 ? Array(fields[3]) : []
    }
}

/// Cuts the bytes of log files into records, keeping an incomplete last line for the next bytes.
package struct LogParser: Sendable {
    private var pending: [UInt8] = []
    /// A line of ours is at most 16 KiB of text and a short head; anything longer is not ours.
    private static let longestLine = 64 * 1024

    /// A parser at the start of a line.
    package init() {}

    /// The records that `bytes` complete.
    package mutating func records(_ bytes: [UInt8]) -> [LogRecord] {
        var records: [LogRecord] = []
        var start = 0
        if !pending.isEmpty {
            guard let end = bytes.firstIndex(of: 0x0A) else {
                pending += bytes
                if pending.count > Self.longestLine { pending = [] }
                return []
            }
            pending += bytes[..<end]
            if let record = LogRecord(line: pending[...]) { records.append(record) }
            pending = []
            start = end + 1
        }
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            if let record = LogRecord(line: bytes[start..<end]) { records.append(record) }
            start = end + 1
        }
        if start < bytes.count { pending = Array(bytes[start...].prefix(Self.longestLine)) }
        return records
    }

    /// Forgets an incomplete line: the file it was in will not grow any more.
    package mutating func reset() { pending = [] }
}

/// What of a log is wanted.
package struct LogSelection: Sendable, Hashable {
    /// Whether stdout is wanted.
    package var stdout = true
    /// Whether stderr is wanted.
    package var stderr = true
    /// Only records from then on.
    package var since: Timestamp?
    /// Only records before.
    package var until: Timestamp?
    /// Only the last so many lines.
    package var tail: Int?
    /// Whether to go on until the container has ended.
    package var follow = false

    /// Everything there is.
    package init() {}

    func accepts(_ stream: LogRecord.Stream) -> Bool { stream == .stdout ? stdout : stderr }
}
