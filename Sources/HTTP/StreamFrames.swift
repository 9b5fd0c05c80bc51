/// Docker's framing of several output streams on one connection: an 8-byte header before each piece.
///
/// Byte 0 is the stream, bytes 1 to 3 are zero, bytes 4 to 7 the length in network order.
package struct StreamFrame: Sendable, Equatable {
    /// Which stream a frame belongs to.
    package enum Stream: UInt8, Sendable { case stdin = 0, stdout = 1, stderr = 2, system = 3 }

    /// The stream.
    package var stream: Stream
    /// The bytes.
    package var bytes: [UInt8]

    /// A frame.
    package init(stream: Stream, bytes: [UInt8]) {
        self.stream = stream
        self.bytes = bytes
    }

    /// Header and bytes.
    package var encoded: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 8)
        Self.append(stream, bytes, to: &out)
        return out
    }

    /// Appends a frame to a buffer.
    package static func append(_ stream: Stream, _ bytes: some Collection<UInt8>, to out: inout [UInt8]) {
        let count = UInt32(truncatingIfNeeded: bytes.count)
        out += [stream.rawValue, 0, 0, 0]
        out += [UInt8(count >> 24), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
        out += bytes
    }
}

/// Takes frames apart as bytes arrive.
package struct StreamFrameDecoder: Sendable {
    private var pending: [UInt8] = []
    /// No sender makes frames longer than this.
    private static let longest = 16 << 20

    /// A decoder at the start of a stream.
    package init() {}

    /// Whether a frame is incomplete.
    package var isPartial: Bool { !pending.isEmpty }

    /// The frames that `bytes` complete.
    ///
    /// - Throws: `HTTPError.malformed` for an unknown stream or an absurd length.
    package mutating func decode(_ bytes: [UInt8]) throws(HTTPError) -> [StreamFrame] {
        pending += bytes
        var frames: [StreamFrame] = []
        var index = 0
        while pending.count - index >= 8 {
            guard let stream = StreamFrame.Stream(rawValue: pending[index]) else {
                throw .malformed("unknown stream \(pending[index]) in multiplexed output")
            }
            let length = (4..<8).reduce(0) { $0 << 8 | Int(pending[index + $1]) }
            guard length <= Self.longest else { throw .malformed("a frame of \(length) bytes") }
            guard pending.count - index - 8 >= length else { break }
            frames.append(StreamFrame(stream: stream, bytes: Array(pending[index + 8..<index + 8 + length])))
            index += 8 + length
        }
        pending.removeFirst(index)
        return frames
    }
}
