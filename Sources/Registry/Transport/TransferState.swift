import Archives
import CCurl
import HTTP

/// What libcurl's callbacks of one exchange write to: the head, the body's bytes that wait, the upload's source.
///
/// All of it happens on the thread that drives the exchange.
final class TransferState {
    /// Most bytes of the body that wait in memory.
    static let waitingLimit = 1 << 20
    /// Most bytes and fields of a head.
    static let headLimit = (bytes: 64 * 1024, fields: 256)

    private(set) var status = 0
    private(set) var headers = HTTPHeaders()
    private(set) var headIsComplete = false
    private var headBytes = 0
    /// Grows with every byte that goes either way.
    private(set) var progress: UInt64 = 0
    /// Why a callback stopped the transfer.
    private(set) var failure: TransportFailure?

    /// The reader's own buffer while it waits, and how much of it is full.
    private var target = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var targetCount = 0
    /// Bytes that came while nobody waited.
    private var waiting: UnsafeMutableRawBufferPointer?
    private var waitingRange = 0..<0
    private(set) var isPaused = false

    private let source: (any ByteSource)?
    /// Bytes that still belong to the upload.
    private var sourceLeft: Int64

    init(body: WireBody) {
        if case .stream(let source, let count) = body {
            self.source = source
            sourceLeft = count
        } else {
            source = nil
            sourceLeft = 0
        }
    }

    deinit { waiting?.deallocate() }

    /// Whether the reader has something: bytes in its buffer, or bytes that waited.
    var hasBytes: Bool { targetCount > 0 || !waitingRange.isEmpty }

    // MARK: The reader's side

    /// Bytes that waited already; 0 when there are none.
    func takeWaiting(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let waiting, !waitingRange.isEmpty else { return 0 }
        let count = min(buffer.count, waitingRange.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: waiting[waitingRange.prefix(count)]))
        waitingRange = waitingRange.dropFirst(count)
        return count
    }

    /// Lets arriving bytes go straight to the reader's buffer while `body` runs; returns how many came.
    func receiving<Failure: Error>(
        into buffer: UnsafeMutableRawBufferPointer, _ body: () throws(Failure) -> Void
    ) throws(Failure) -> Int {
        target = buffer
        targetCount = 0
        defer {
            target = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            targetCount = 0
        }
        try body()
        return targetCount
    }

    func resumed() { isPaused = false }

    // MARK: libcurl's side

    /// Takes bytes of the body, or pauses the transfer when there is no room for all of them.
    func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        let direct = min(bytes.count, target.count - targetCount)
        let rest = bytes.count - (waitingRange.isEmpty ? direct : 0)
        if waitingRange.isEmpty { waitingRange = 0..<0 }
        guard waitingRange.upperBound + rest <= Self.waitingLimit else {
            isPaused = true
            return Int(curl_write_pause)
        }
        progress &+= UInt64(bytes.count)
        if waitingRange.isEmpty, direct > 0 {
            UnsafeMutableRawBufferPointer(rebasing: target[targetCount...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes.prefix(direct)))
            targetCount += direct
        }
        if rest > 0 { keep(UnsafeRawBufferPointer(rebasing: bytes.suffix(rest))) }
        return bytes.count
    }

    private func keep(_ bytes: UnsafeRawBufferPointer) {
        let buffer = waiting ?? .allocate(byteCount: Self.waitingLimit, alignment: 16)
        waiting = buffer
        UnsafeMutableRawBufferPointer(rebasing: buffer[waitingRange.upperBound...]).copyMemory(from: bytes)
        waitingRange = waitingRange.lowerBound..<(waitingRange.upperBound + bytes.count)
    }

    /// Takes one line of the head, with its line end; false ends the transfer.
    func receiveHead(_ line: UnsafeRawBufferPointer) -> Bool {
        // Trailers of a chunked body come here too.
        if headIsComplete { return true }
        progress &+= UInt64(line.count)
        headBytes += line.count
        guard headBytes <= Self.headLimit.bytes, headers.fields.count <= Self.headLimit.fields else {
            failure = TransportFailure(.badReply, "the head of the response is longer than 64 KiB")
            return false
        }
        var text = Substring(String(decoding: line, as: UTF8.self))
        while let last = text.last, last.isNewline { text.removeLast() }
        if text.hasPrefix("HTTP/") {
            headers = HTTPHeaders()
            let words = text.split(separator: " ", maxSplits: 2)
            status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        } else if text.isEmpty {
            headIsComplete = status >= 200
        } else if let colon = text.firstIndex(of: ":") {
            headers.add(String(text[..<colon]), Self.trimmed(text[text.index(after: colon)...]))
        }
        return true
    }

    /// Gives the next bytes of the upload.
    func send(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let source, sourceLeft > 0 else { return 0 }
        let room = Int(min(Int64(buffer.count), sourceLeft))
        do throws(ArchiveError) {
            let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<room]))
            guard count > 0 else {
                failure = TransportFailure(.source, "it ends \(sourceLeft) bytes before its size")
                return Int(curl_read_abort)
            }
            sourceLeft -= Int64(count)
            progress &+= UInt64(count)
            return count
        } catch {
            failure = TransportFailure(.source, error.description)
            return Int(curl_read_abort)
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let left = text.drop(while: isSpace)
        let end = left.lastIndex { !isSpace($0) }.map(left.index(after:)) ?? left.startIndex
        return String(left[..<end])
    }
}
