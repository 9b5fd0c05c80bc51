/// A client that opens one connection per request.
package struct HTTPClient: Sendable {
    /// Opens a connection to the server.
    package typealias Connect = @Sendable () async throws -> any ByteStream

    private let connect: Connect
    private let common: HTTPHeaders
    private let limits = HTTPLimits()
    /// Whether open files can go over its connections.
    package let carriesDescriptors: Bool

    /// A client over connections that `connect` opens.
    package init(
        common: HTTPHeaders = ["Host": "stackctl"], carriesDescriptors: Bool = false, connect: @escaping Connect
    ) {
        self.connect = connect
        self.carriesDescriptors = carriesDescriptors
        self.common = common
    }

    /// Sends a request and returns when the response's head is there; its body is read from the response.
    ///
    /// Cancelling the task closes the connection. Call `close()` on a response whose body is not read to the end.
    ///
    /// - Parameter target: path and query, percent-encoded by the caller.
    package func send(
        _ method: String, _ target: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil
    ) async throws -> HTTPClientResponse {
        let stream = try await open()
        do {
            try await stream.write(head(method, target, headers, length: body?.count ?? 0, close: true) + (body ?? []))
            return try await response(stream, to: method)
        } catch {
            stream.close()
            throw error
        }
    }

    /// Sends a request whose body is produced piece by piece (chunked), until `body` returns `nil`.
    package func send(
        _ method: String, _ target: String, headers: HTTPHeaders = [:],
        streaming body: @Sendable () async throws -> [UInt8]?
    ) async throws -> HTTPClientResponse {
        let stream = try await open()
        do {
            try await stream.write(head(method, target, headers, length: nil, close: true))
            // The end of each chunk goes with the head of the next, and the bytes by themselves: nothing is copied.
            var end = ""
            while let piece = try await body() {
                guard !piece.isEmpty else { continue }
                try await stream.write(Array("\(end)\(String(piece.count, radix: 16))\r\n".utf8))
                try await stream.write(piece)
                end = "\r\n"
            }
            try await stream.write(Array("\(end)0\r\n\r\n".utf8))
            return try await response(stream, to: method)
        } catch {
            stream.close()
            throw error
        }
    }

    /// Sends a request that asks for the raw connection (attach, exec start).
    ///
    /// - Returns: the response; `upgraded` is set where the server handed the connection over.
    package func upgrade(
        _ method: String, _ target: String, headers: HTTPHeaders = [:], body: [UInt8] = []
    ) async throws -> (response: HTTPClientResponse, upgraded: HijackedStream?) {
        let stream = try await open()
        do {
            var fields = headers
            fields.set("Connection", "Upgrade")
            fields.set("Upgrade", "tcp")
            try await stream.write(head(method, target, fields, length: body.count, close: false) + body)
            let reader = ConnectionReader(stream: stream, limits: limits)
            await reader.allowSilence()
            let head = try await reader.responseHead(to: method)
            let response = HTTPClientResponse(head: head, body: HTTPBody(reader: reader), stream: stream)
            let raw = head.headers.mediaType?.hasSuffix("-stream") ?? false
            guard head.status == 101 || head.status == 200 && raw else { return (response, nil) }
            return (
                response,
                HijackedStream(
                    stream: stream, reader: reader,
                    writer: SerialWriter(stream: stream, connection: ConnectionState(stream)))
            )
        } catch {
            stream.close()
            throw error
        }
    }

    private func open() async throws -> any ByteStream {
        let stream = try await connect()
        do {
            try await stream.establish()
            return stream
        } catch {
            stream.close()
            throw error
        }
    }

    private func response(_ stream: any ByteStream, to method: String) async throws -> HTTPClientResponse {
        let reader = ConnectionReader(stream: stream, limits: limits)
        await reader.allowSilence()
        let head = try await reader.responseHead(to: method)
        return HTTPClientResponse(head: head, body: HTTPBody(reader: reader), stream: stream)
    }

    private func head(
        _ method: String, _ target: String, _ headers: HTTPHeaders, length: Int?, close: Bool
    ) -> [UInt8] {
        var text = "\(method) \(target) HTTP/1.1\r\n"
        for field in common.fields + headers.fields { text += "\(field.name): \(field.value)\r\n" }
        if let length {
            if length > 0 || method != "GET" && method != "HEAD" { text += "Content-Length: \(length)\r\n" }
        } else {
            text += "Transfer-Encoding: chunked\r\n"
        }
        if close { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8)
    }
}

/// A response whose body is still to be read.
package struct HTTPClientResponse: Sendable {
    private let head: ResponseHead
    private let stream: any ByteStream
    /// The body.
    package let body: HTTPBody

    init(head: ResponseHead, body: HTTPBody, stream: any ByteStream) {
        self.head = head
        self.stream = stream
        self.body = body
    }

    /// The status code.
    package var status: Int { head.status }

    /// The fields.
    package var headers: HTTPHeaders { head.headers }

    /// The whole body, then closes the connection.
    package func collect(limit: Int = 256 * 1024 * 1024) async throws -> [UInt8] {
        defer { stream.close() }
        return try await withTaskCancellationHandler {
            try await body.collect(limit: limit)
        } onCancel: {
            stream.close()
        }
    }

    /// The body line by line.
    package func lines() -> LineReader { LineReader(body) }

    /// Closes the connection.
    package func close() { stream.close() }
}
