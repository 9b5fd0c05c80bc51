import Linux

/// The answer to one request: whole, streamed, or the raw connection.
package actor HTTPResponder {
    private enum State { case waiting, streaming, ended, hijacked }

    private let stream: any ByteStream
    private let writer: SerialWriter
    private let reader: ConnectionReader
    private let connection: ConnectionState
    private let method: String
    private let minorVersion: Int
    private let common: HTTPHeaders
    private var keepAlive: Bool
    private var chunked = false
    /// Bytes still owed of a body whose length was said.
    private var owed: Int64?
    private var state = State.waiting

    init(
        stream: any ByteStream, reader: ConnectionReader, head: RequestHead, common: HTTPHeaders,
        connection: ConnectionState
    ) {
        self.stream = stream
        self.reader = reader
        self.common = common
        self.connection = connection
        writer = SerialWriter(stream: stream, connection: connection)
        method = head.method
        minorVersion = head.minorVersion
        keepAlive =
            head.minorVersion == 1
            ? !head.headers.lists("close", in: "Connection") : head.headers.lists("keep-alive", in: "Connection")
    }

    /// Whether the head was sent.
    package var hasBegun: Bool { state != .waiting }

    /// Whether the connection was handed over.
    var isHijacked: Bool { state == .hijacked }

    /// Whether another request may follow on the connection.
    var mayContinue: Bool { state == .ended && keepAlive }

    /// Closes the connection after this response.
    func closeAfterwards() { keepAlive = false }

    /// Sends a whole response.
    package func respond(_ status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) async throws {
        guard state == .waiting else { throw HTTPError.responseMisuse("a second response") }
        state = .ended
        var fields = headers
        if status != 204, status != 304, status >= 200 { fields.set("Content-Length", String(body.count)) }
        var bytes = head(status, fields)
        if method != "HEAD", status != 204, status != 304 { bytes += body }
        try await writer.write(bytes)
    }

    /// The status that was sent; 0 before.
    package private(set) var status = 0

    /// Sends the head at once; the body follows by `write` and ends with `finish`.
    ///
    /// - Parameter endless: whether it goes on until somebody ends it; a server that stops does not wait for it.
    package func begin(_ status: Int = 200, headers: HTTPHeaders = [:], endless: Bool = false) async throws {
        guard state == .waiting else { throw HTTPError.responseMisuse("a second response") }
        state = .streaming
        if endless { connection.enter(.endless) }
        var fields = headers
        if minorVersion == 1 {
            chunked = true
            fields.set("Transfer-Encoding", "chunked")
        } else {
            keepAlive = false
        }
        try await writer.write(head(status, fields))
    }

    /// Sends the head of a response whose body has exactly `length` bytes; they follow by `write`, then `finish`.
    package func begin(_ status: Int = 200, headers: HTTPHeaders = [:], length: Int64) async throws {
        guard state == .waiting else { throw HTTPError.responseMisuse("a second response") }
        state = .streaming
        owed = method == "HEAD" ? 0 : length
        var fields = headers
        fields.set("Content-Length", String(length))
        try await writer.write(head(status, fields))
    }

    /// Sends a piece of the body; it is on its way when this returns.
    package func write(_ bytes: [UInt8]) async throws {
        guard state == .streaming else { throw HTTPError.responseMisuse("write outside of a streamed response") }
        guard !bytes.isEmpty, method != "HEAD" else { return }
        if let left = owed {
            guard bytes.count <= left else { throw HTTPError.responseMisuse("more body than was said") }
            owed = left - Int64(bytes.count)
        }
        guard chunked else { return try await writer.write(bytes) }
        var chunk = Array(String(bytes.count, radix: 16).utf8)
        chunk.reserveCapacity(bytes.count + 16)
        chunk += [0x0D, 0x0A]
        chunk += bytes
        chunk += [0x0D, 0x0A]
        try await writer.write(chunk)
    }

    /// Ends a streamed body.
    package func finish() async throws {
        guard state == .streaming else { return }
        guard (owed ?? 0) == 0 else { throw HTTPError.responseMisuse("less body than was said") }
        state = .ended
        if chunked, method != "HEAD" { try await writer.write(Array("0\r\n\r\n".utf8)) }
    }

    /// Takes the connection over: 101 where the client asked for an upgrade, else 200, then raw bytes both ways.
    ///
    /// - Parameters:
    ///   - upgrade: the protocol to name in `Upgrade`; `nil` answers 200.
    ///   - contentType: the `Content-Type` of the raw stream.
    package func hijack(upgrade: String?, contentType: String) async throws -> HijackedStream {
        guard state == .waiting else { throw HTTPError.responseMisuse("hijack after the head") }
        state = .hijacked
        connection.enter(.endless)
        keepAlive = false
        status = upgrade == nil ? 200 : 101
        var bytes: [UInt8]
        if let upgrade {
            bytes = Array(
                "HTTP/1.1 101 UPGRADED\r\nContent-Type: \(contentType)\r\nConnection: Upgrade\r\nUpgrade: \(upgrade)\r\n"
                    .utf8)
        } else {
            bytes = Array("HTTP/1.1 200 OK\r\nContent-Type: \(contentType)\r\n".utf8)
        }
        appendFields(common, to: &bytes)
        bytes += [0x0D, 0x0A]
        try await writer.writeHead(bytes)
        return HijackedStream(stream: stream, reader: reader, writer: writer)
    }

    /// Takes the connection over for the protocol that a request's `Upgrade` named and these fields agree to.
    package func switchProtocols(_ headers: HTTPHeaders) async throws -> HijackedStream {
        guard state == .waiting else { throw HTTPError.responseMisuse("hijack after the head") }
        state = .hijacked
        connection.enter(.endless)
        status = 101
        var bytes = Array("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n".utf8)
        appendFields(headers, to: &bytes)
        appendFields(common, to: &bytes)
        try await writer.write(bytes + [0x0D, 0x0A])
        return HijackedStream(stream: stream, reader: reader, writer: writer)
    }

    private func head(_ status: Int, _ headers: HTTPHeaders) -> [UInt8] {
        self.status = status
        var bytes = Array("HTTP/1.1 \(status) \(HTTPStatus.reason(status))\r\n".utf8)
        appendFields(common, to: &bytes)
        appendFields(headers, to: &bytes)
        if !keepAlive { bytes += Array("Connection: close\r\n".utf8) }
        bytes += [0x0D, 0x0A]
        return bytes
    }

    private func appendFields(_ headers: HTTPHeaders, to bytes: inout [UInt8]) {
        for field in headers.fields {
            // A value may hold a name from outside: it must never begin a new line.
            bytes += field.name.utf8.filter { $0 > 0x20 }
            bytes += [0x3A, 0x20]
            bytes += field.value.utf8.map { $0 == 0x0D || $0 == 0x0A || $0 == 0 ? 0x20 : $0 }
            bytes += [0x0D, 0x0A]
        }
    }
}

/// A connection after its HTTP part: raw bytes both ways, each direction with its own end.
package struct HijackedStream: Sendable {
    private let stream: any ByteStream
    private let reader: ConnectionReader
    private let writer: SerialWriter

    init(stream: any ByteStream, reader: ConnectionReader, writer: SerialWriter) {
        self.stream = stream
        self.reader = reader
        self.writer = writer
    }

    /// Reads at most `max` bytes; empty is the peer's end of stream, our direction may go on.
    package func read(max: Int = 32 * 1024) async throws -> [UInt8] { try await reader.raw(max: max) }

    /// Writes every byte.
    package func write(_ bytes: [UInt8]) async throws { try await writer.write(bytes) }

    /// Sends bytes, at least one, with open files; nothing else may be written meanwhile.
    ///
    /// - Returns: false where the connection carries none: it is no unix socket.
    package func sendDescriptors(_ descriptors: [Int32], with bytes: [UInt8]) async throws -> Bool {
        guard let socket = stream as? AsyncSocket else { return false }
        try await socket.sendDescriptors(descriptors, with: bytes)
        return true
    }

    /// Receives bytes with the open files that came with them; none where the connection carries none.
    ///
    /// Only bytes that were sent after the connection was taken over have them.
    package func receiveDescriptors() async throws -> [SharedDescriptor] {
        guard let socket = stream as? AsyncSocket else { return [] }
        return try await socket.receiveDescriptors().descriptors
    }

    /// Ends our direction; the peer's may go on.
    package func shutdownWrite() async { await stream.finishWriting() }

    /// Ends both directions.
    package func close() { stream.close() }
}

/// Reason phrases.
package enum HTTPStatus {
    /// The phrase for a status code, or an empty one.
    package static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 416: "Range Not Satisfiable"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 507: "Insufficient Storage"
        default: ""
        }
    }
}
