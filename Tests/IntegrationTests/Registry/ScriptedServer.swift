import Linux
import Synchronization
import Testing

/// A server that answers as a test says, byte for byte, however wrong that is.
final class ScriptedServer: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        /// The first line, such as `GET /v2/ HTTP/1.1`.
        let line: String
        let head: String
        let body: [UInt8]

        /// The value of a field, without case; nil when it is not there.
        func field(_ name: String) -> String? {
            for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix(name.lowercased() + ": ") {
                return String(line.dropFirst(name.count + 2))
            }
            return nil
        }
    }

    /// What is done for an answer, in order; then the connection is closed.
    enum Step: Sendable {
        case send([UInt8])
        case wait(Duration)

        static func text(_ text: String) -> Step { .send(Array(text.utf8)) }

        /// A whole answer.
        static func answer(_ status: Int, _ fields: [String] = [], _ body: String = "") -> Step {
            let all = ["HTTP/1.1 \(status) X", "Content-Length: \(body.utf8.count)", "Connection: close"] + fields
            return .text(all.joined(separator: "\r\n") + "\r\n\r\n" + body)
        }
    }

    /// Answers the request with this number (from 1; the probes `GET /v2/` do not count).
    typealias Script = @Sendable (Request, Int) -> [Step]

    let port: UInt16
    private let listener: SocketListener
    private let script: Script
    private let log = Mutex<[Request]>([])

    init(_ script: @escaping Script) throws {
        listener = try SocketListener.tcp(#require(IPAddress("127.0.0.1")), port: 0)
        port = try listener.localPort()
        self.script = script
    }

    /// `127.0.0.1:PORT`.
    var authority: String { "127.0.0.1:\(port)" }

    /// The requests so far.
    var requests: [Request] { log.withLock { $0 } }

    /// Serves while a body runs on a thread that may block.
    func serving<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        try await whileServing { try await BlockingExecutor.shared.run { () throws in try body() } }
    }

    /// Serves while a body runs.
    func whileServing<Answer: Sendable>(_ body: () async throws -> Answer) async throws -> Answer {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.accept() }
            defer {
                listener.close()
                group.cancelAll()
            }
            return try await body()
        }
    }

    private func accept() async throws {
        await withDiscardingTaskGroup { group in
            while let socket = try? await listener.accept() {
                group.addTask {
                    try? await self.serve(socket)
                    socket.close()
                }
            }
            group.cancelAll()
        }
    }

    private func serve(_ socket: AsyncSocket) async throws {
        guard let request = try await read(socket) else { return }
        if request.line.hasPrefix("GET /v2/ ") {
            return try await socket.writeAll(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".utf8))
        }
        let number = log.withLock { log in
            log.append(request)
            return log.count
        }
        for step in script(request, number) {
            switch step {
            case .send(let bytes): try await socket.writeAll(bytes)
            case .wait(let duration): try await EventLoop.shared.sleep(for: duration)
            }
        }
        try? socket.shutdownWrite()
        // Closing over unread bytes would reset the connection.
        _ = try? await socket.read(upTo: 1)
    }

    /// Reads a request; nil for a TLS greeting or an early end.
    private func read(_ socket: AsyncSocket) async throws -> Request? {
        var bytes: [UInt8] = []
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let head = String(text[..<end.lowerBound])
                let line = head.split(separator: "\r\n").first.map(String.init) ?? ""
                let start = head.utf8.count + 4
                let length = Request(line: line, head: head, body: []).field("Content-Length").flatMap { Int($0) } ?? 0
                if head.lowercased().contains("expect: 100-continue"), bytes.count == start {
                    try await socket.writeAll(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
                }
                while bytes.count < start + length {
                    let more = try await socket.read()
                    if more.isEmpty { return nil }
                    bytes += more
                }
                return Request(line: line, head: head, body: Array(bytes[start...]))
            }
            let more = try await socket.read()
            bytes += more
            if more.isEmpty || bytes.first == 0x16 || bytes.count > 1 << 20 { return nil }
        }
    }
}
