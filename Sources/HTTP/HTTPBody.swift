/// A message body as it arrives.
///
/// One reader at a time.
package struct HTTPBody: Sendable {
    private let reader: ConnectionReader

    init(reader: ConnectionReader) { self.reader = reader }

    /// The next piece, of any size; `nil` at the end.
    ///
    /// - Throws: `HTTPError` for bad framing, silence or a body cut short; the socket's errors.
    package func next() async throws -> [UInt8]? { try await reader.bodyPiece() }

    /// The whole body.
    ///
    /// - Throws: `HTTPError.bodyTooLarge` beyond `limit` bytes.
    package func collect(limit: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await reader.bodyPiece() {
            guard bytes.count + piece.count <= limit else { throw HTTPError.bodyTooLarge(limit: limit) }
            if bytes.isEmpty { bytes = piece } else { bytes += piece }
        }
        return bytes
    }
}

/// Splits a body into lines as it arrives.
package struct LineReader: Sendable {
    private let body: HTTPBody
    private let limit: Int
    private var pending: [UInt8] = []
    private var searched = 0
    private var ended = false

    /// Lines of `body`, each at most `limit` bytes.
    package init(_ body: HTTPBody, limit: Int = 16 * 1024 * 1024) {
        self.body = body
        self.limit = limit
    }

    /// The next line without its LF or CR LF; `nil` at the end.
    package mutating func next() async throws -> String? {
        while true {
            if let end = pending[searched...].firstIndex(of: 0x0A) {
                var line = pending[..<end]
                if line.last == 0x0D { line.removeLast() }
                let text = String(decoding: line, as: UTF8.self)
                pending.removeFirst(end + 1)
                searched = 0
                return text
            }
            searched = pending.count
            guard pending.count <= limit else { throw HTTPError.bodyTooLarge(limit: limit) }
            if ended {
                guard !pending.isEmpty else { return nil }
                defer {
                    pending = []
                    searched = 0
                }
                return String(decoding: pending, as: UTF8.self)
            }
            if let piece = try await body.next() { pending += piece } else { ended = true }
        }
    }
}
