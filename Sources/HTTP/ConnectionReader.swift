import Linux

/// The reading side of one connection: a buffer, heads and bodies in turn.
///
/// One message is read at a time; what came too early stays in the buffer for the next.
package actor ConnectionReader {
    private let stream: any ByteStream
    private let limits: HTTPLimits
    private var buffer: [UInt8] = []
    private var start = 0
    private var ended = false
    private var framing = BodyFraming.none
    private var chunks = ChunkedDecoder()
    private var continueWanted = false
    private static let readSize = 64 * 1024
    /// A body that goes on is read in larger pieces.
    private static let bodyReadSize = 256 * 1024
    private var isInBody = false

    /// A reader of `stream`.
    package init(stream: any ByteStream, limits: HTTPLimits) {
        self.stream = stream
        self.limits = limits
    }

    private var available: Int { buffer.count - start }

    // MARK: Heads

    /// Reads a request head; `nil` where the peer closed between messages.
    package func requestHead() async throws -> RequestHead? {
        guard let bytes = try await headBytes() else { return nil }
        let head = try HeadParser.request(bytes, limits: limits)
        framing = try BodyFraming.request(head.headers)
        chunks = ChunkedDecoder()
        continueWanted = framing != .none && head.minorVersion == 1 && head.headers.lists("100-continue", in: "Expect")
        return head
    }

    /// Reads the head of the response to `method`, passing over interim responses.
    package func responseHead(to method: String) async throws -> ResponseHead {
        while true {
            guard let bytes = try await headBytes() else { throw HTTPError.truncated }
            let head = try HeadParser.response(bytes, limits: limits)
            if (100..<200).contains(head.status), head.status != 101 { continue }
            framing = try BodyFraming.response(head, to: method)
            chunks = ChunkedDecoder()
            return head
        }
    }

    private func headBytes() async throws -> [UInt8]? {
        isInBody = false
        // A head has one time limit as a whole: one byte now and then does not prolong it.
        var deadline = available > 0 ? headDeadline : nil
        var searched = 0
        while true {
            if searched == 0 { skipEmptyLines() }
            // Whoever speaks TLS here waits for an answer to a hello that never ends in an empty line.
            if available > 0, buffer[start] < 0x20, buffer[start] != 0x0D {
                throw HTTPError.malformed("this is not HTTP; TLS is not spoken on this port")
            }
            if let length = HeadParser.headLength(buffer[start...], searched: searched) {
                guard length <= limits.headBytes else { throw HTTPError.headTooLarge }
                return take(length)
            }
            guard available <= limits.headBytes else { throw HTTPError.headTooLarge }
            // An empty line that is half there is not yet known to be one.
            searched = available > 1 ? available : 0
            if try await !fill(until: deadline) {
                if available == 0 { return nil }
                throw HTTPError.truncated
            }
            if deadline == nil { deadline = headDeadline }
        }
    }

    private var headDeadline: Int64 { Clock.monotonic() + Int64(limits.stallSeconds) * 1_000_000_000 }

    /// RFC 9112, section 2.2: an empty line before a request line is to be ignored.
    private func skipEmptyLines() {
        while available >= 2, buffer[start] == 0x0D, buffer[start + 1] == 0x0A { start += 2 }
    }

    // MARK: Bodies

    /// The next piece of the current body; `nil` at its end.
    package func bodyPiece() async throws -> [UInt8]? {
        while true {
            switch framing {
            case .none: return nil
            case .length(let remaining):
                if available > 0 {
                    isInBody = true
                    let piece = take(min(available, remaining))
                    framing = piece.count == remaining ? .none : .length(remaining - piece.count)
                    return piece
                }
            case .chunked:
                if available > 0 {
                    isInBody = true
                    if start == 0, chunks.takeData(buffer.count) { return take(buffer.count) }
                    let (data, taken) = try chunks.decode(buffer[start...])
                    discard(taken)
                    if chunks.isDone { framing = .none }
                    if !data.isEmpty { return data }
                    if chunks.isDone { return nil }
                }
            case .untilClose:
                if available > 0 { return take(available) }
                if ended {
                    framing = .none
                    return nil
                }
            }
            if available == 0, try await !fillBody(), framing != .untilClose { throw HTTPError.truncated }
        }
    }

    private func fillBody() async throws -> Bool {
        if continueWanted {
            continueWanted = false
            try await stream.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        return try await fill(until: framing != .untilClose && isServer ? headDeadline : nil)
    }

    /// Responses may be silent for hours (a follow of logs); only requests are timed.
    private var isServer = true

    /// Marks this as a client's reader: silence within a body is allowed.
    package func allowSilence() { isServer = false }

    /// Passes over the rest of the current body; false where more than `limit` bytes are left.
    package func drain(limit: Int) async -> Bool {
        // The peer was told to wait with the body, and was never told to go on: what follows is unknowable.
        if continueWanted { return false }
        var passed = 0
        while framing != .none {
            guard let piece = try? await bodyPiece() else { return framing == .none }
            passed += piece.count
            if passed > limit { return false }
        }
        return true
    }

    /// Whether the current body was read to its end.
    package var bodyEnded: Bool { framing == .none }

    // MARK: Raw

    /// Bytes without framing, after an upgrade.
    ///
    /// An empty array is the peer's end of stream.
    package func raw(max: Int) async throws -> [UInt8] {
        if available > 0 { return take(min(available, max)) }
        if ended { return [] }
        let bytes = try await stream.read(max: max)
        if bytes.isEmpty { ended = true }
        return bytes
    }

    /// Returns when the peer has closed its direction or sent more than a pipelined request may hold.
    package func peerClosed() async -> Bool {
        while !ended {
            if available > limits.headBytes { return false }
            guard let more = try? await fill(until: nil), more else { break }
        }
        return !Task.isCancelled
    }

    // MARK: Buffer

    /// Reads more into the buffer; false at the end of the stream.
    ///
    /// - Parameter deadline: of the monotonic clock, in nanoseconds; nil for none.
    private func fill(until deadline: Int64?) async throws -> Bool {
        if ended { return false }
        let bytes: [UInt8]
        let size = isInBody ? Self.bodyReadSize : Self.readSize
        if let deadline {
            // What has come in time counts, however late it is looked at.
            if let there = try await stream.readAvailable(max: size) {
                bytes = there
            } else {
                guard Clock.monotonic() < deadline else { throw HTTPError.timeout }
                bytes = try await read(max: size, until: deadline)
            }
        } else {
            bytes = try await stream.read(max: size)
        }
        if bytes.isEmpty {
            ended = true
            return false
        }
        if start == buffer.count {
            buffer = bytes
            start = 0
        } else {
            if start > 0 { buffer.removeFirst(start) }
            start = 0
            buffer += bytes
        }
        return true
    }

    private func read(max: Int, until deadline: Int64) async throws -> [UInt8] {
        let stream = self.stream
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { try await stream.read(max: max) }
            group.addTask {
                try await EventLoop.shared.sleep(untilMonotonic: deadline)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let bytes = first else { throw HTTPError.timeout }
            return bytes
        }
    }

    private func take(_ count: Int) -> [UInt8] {
        if start == 0, count == buffer.count {
            defer { buffer = [] }
            return buffer
        }
        let bytes = Array(buffer[start..<start + count])
        discard(count)
        return bytes
    }

    private func discard(_ count: Int) {
        start += count
        if start == buffer.count {
            buffer = []
            start = 0
        }
    }
}
