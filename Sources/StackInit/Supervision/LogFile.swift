import CLinux

/// The log: one record a line, as the container runtime interface has it: `2026-01-02T03:04:05.123456789Z stdout F
/// text`.
///
/// `P` instead of `F`: the line goes on in the stream's next record.
///
/// Memory is two fixed buffers. A full disk stops the reading, and with it the container, but loses nothing.
struct LogFile {
    /// The longest text of one record, in bytes.
    static let recordLimit = 16_384
    /// How much is read from a stream at once, in bytes.
    static let readSize = 65_536

    private let path: UnsafeMutablePointer<CChar>?
    private let pathBytes: KernelString
    private let maximumBytes: UInt64
    private let maximumFiles: UInt32
    private var file: Int32 = -1
    private var size: UInt64 = 0

    /// What a stream's bytes are read into.
    let input = UnsafeMutablePointer<UInt8>.allocate(capacity: readSize)
    private let output = UnsafeMutablePointer<UInt8>.allocate(capacity: outputSize)
    private static let outputSize = 131_072
    /// The bytes waiting in `output`, and how many of them are written.
    private var pending = 0
    private var written = 0
    /// The part of `input` not yet turned into records.
    private var unread = 0..<0
    private var unreadStream: StaticString = "stdout"

    private let stamp = UnsafeMutablePointer<UInt8>.allocate(capacity: LogStamp.length)
    private var stampSecond: Int64 = -1

    init(path: KernelString, maximumBytes: UInt64, maximumFiles: UInt32) {
        self.path = path.isEmpty ? nil : permanentCopy(path)
        pathBytes = path
        self.maximumBytes = maximumBytes
        self.maximumFiles = maximumFiles
    }

    /// Whether bytes wait for a disk that takes no more; then nothing may be read.
    var isBlocked: Bool { pending > written || !unread.isEmpty }

    /// Takes `count` bytes that were read into `input`.
    mutating func take(_ count: Int, stream: StaticString) {
        guard path != nil else { return }
        LogStamp.update(stamp, second: &stampSecond)
        unread = 0..<count
        unreadStream = stream
        drain()
    }

    /// Writes what waits, as far as the disk takes it.
    mutating func drain() {
        while flush(), !unread.isEmpty { fill() }
    }

    /// Turns unread bytes into records until none is left or the output is full.
    private mutating func fill() {
        while !unread.isEmpty, Self.outputSize - pending > Self.recordLimit + 64 {
            let start = input + unread.lowerBound
            let limit = min(unread.count, Self.recordLimit)
            var length = limit
            var full = false
            if let end = memchr(start, 0x0A, limit) {
                length = start.distance(to: end.assumingMemoryBound(to: UInt8.self))
                full = true
            }
            append(start, length, full: full)
            unread = (unread.lowerBound + length + (full ? 1 : 0))..<unread.upperBound
        }
    }

    private mutating func append(_ text: UnsafeMutablePointer<UInt8>, _ length: Int, full: Bool) {
        (output + pending).update(from: stamp, count: LogStamp.length)
        pending += LogStamp.length
        output[pending] = 0x20
        pending += 1
        unreadStream.withUTF8Buffer { name in
            guard let base = name.baseAddress else { return }
            (output + pending).update(from: base, count: name.count)
            pending += name.count
        }
        output[pending] = 0x20
        output[pending + 1] = full ? 0x46 : 0x50
        output[pending + 2] = 0x20
        pending += 3
        (output + pending).update(from: text, count: length)
        pending += length
        output[pending] = 0x0A
        pending += 1
    }

    /// Writes the output; false when the disk does not take all of it.
    private mutating func flush() -> Bool {
        guard pending > written else { return true }
        guard open() else { return false }
        while written < pending {
            let count = write(file, output + written, pending - written)
            if count < 0 && linux_errno() == EINTR { continue }
            guard count > 0 else { return false }
            written += count
            size += UInt64(count)
        }
        pending = 0
        written = 0
        if maximumBytes > 0 && size >= maximumBytes { rotate() }
        return true
    }

    private mutating func open() -> Bool {
        guard file < 0 else { return true }
        guard let path else { return false }
        file = linux_openat(INIT_AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard file >= 0 else { return false }
        var kind = init_file_kind()
        size = init_file_kind(file, &kind) >= 0 ? UInt64(max(kind.size, 0)) : 0
        return true
    }

    /// log.1 becomes log.2 and so on; the oldest goes.
    private mutating func rotate() {
        closeDescriptor(file)
        file = -1
        size = 0
        if maximumFiles < 2 {
            _ = withCString(pathBytes) { unlink($0) }
            return
        }
        var number = Int64(maximumFiles) - 1
        while number > 0 {
            let older = pathBytes + "." + KernelString(bytes: decimalDigits(number))
            let newer =
                number == 1 ? pathBytes : pathBytes + "." + KernelString(bytes: decimalDigits(number - 1))
            _ = withCString(newer) { newer in withCString(older) { rename(newer, $0) } }
            number -= 1
        }
    }
}

/// A time as RFC 3339 with nanoseconds, in a fixed 30 bytes.
enum LogStamp {
    static let length = 30

    /// Writes the present time; the calendar is computed once a second.
    static func update(_ stamp: UnsafeMutablePointer<UInt8>, second: inout Int64) {
        let now = init_wall_clock()
        let seconds = now / 1_000_000_000
        if seconds != second {
            second = seconds
            writeCalendar(stamp, seconds)
        }
        digits(stamp, at: 20, now % 1_000_000_000, count: 9)
    }

    /// Days to a date: Howard Hinnant's `civil_from_days`.
    private static func writeCalendar(_ stamp: UnsafeMutablePointer<UInt8>, _ seconds: Int64) {
        let days = seconds / 86_400 + 719_468
        let era = days / 146_097
        let dayOfEra = days - era * 146_097
        let year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        digits(stamp, at: 0, year + era * 400 + (month <= 2 ? 1 : 0), count: 4)
        digits(stamp, at: 5, month, count: 2)
        digits(stamp, at: 8, dayOfYear - (153 * shifted + 2) / 5 + 1, count: 2)
        digits(stamp, at: 11, seconds / 3600 % 24, count: 2)
        digits(stamp, at: 14, seconds / 60 % 60, count: 2)
        digits(stamp, at: 17, seconds % 60, count: 2)
        stamp[4] = 0x2D
        stamp[7] = 0x2D
        stamp[10] = 0x54
        stamp[13] = 0x3A
        stamp[16] = 0x3A
        stamp[19] = 0x2E
        stamp[29] = 0x5A
    }

    private static func digits(_ stamp: UnsafeMutablePointer<UInt8>, at offset: Int, _ value: Int64, count: Int) {
        var rest = value
        for index in stride(from: offset + count - 1, through: offset, by: -1) {
            stamp[index] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
            rest /= 10
        }
    }
}
