import Engine
import HTTP
import JSONText
import Linux
import Testing

@Suite("Many clients at once, slow ones, and a daemon that stops", .serialized, .timeLimit(.minutes(10)))
struct ManyClientsTests {
    private static var threads: Int {
        get throws { try Files.list("/proc/self/task").count }
    }

    /// Connects, however long the queue of the server is full.
    private static func connect(_ path: String) async throws -> AsyncSocket {
        while true {
            do {
                return try await AsyncSocket.connect(unix: path)
            } catch let error as SystemError where error.errno == .EAGAIN {}
        }
    }

    /// Opens a stream: the socket, once its head has come.
    private static func open(_ request: String, _ path: String) async throws -> (socket: AsyncSocket, early: [UInt8]) {
        let socket = try await AsyncSocket.connect(unix: path)
        try await socket.writeAll(Array("\(request) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        var bytes: [UInt8] = []
        while HeadParser.headLength(bytes) == nil {
            let piece = try await socket.read()
            try #require(!piece.isEmpty, "\(request): \(String(decoding: bytes, as: UTF8.self))")
            bytes += piece
        }
        return (socket, bytes)
    }

    @Test("two thousand streams are open at once, cost no thread each, and all get their end")
    func streams() async throws {
        CurrentProcess.raiseOpenFileLimit()
        let lab = try await EngineLab()
        let path = lab.wire.path
        try await lab.docker("run", "-d", "--name", "box", "busybox", "sh", "-c", "echo started; exec sleep 1000")
        try await lab.eventually("it has started") { try await lab.docker("logs", "box").out == "started\n" }
        let before = try Self.threads
        let requests = [
            "GET /events", "GET /containers/box/logs?follow=1&stdout=1",
            "POST /containers/box/attach?stream=1&stdout=1&logs=1", "POST /containers/box/wait?condition=next-exit",
        ]
        let sockets = try await withThrowingTaskGroup(of: [(Int, AsyncSocket, [UInt8])].self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var opened: [(Int, AsyncSocket, [UInt8])] = []
                    for index in 0..<250 {
                        let kind = (worker + index) % requests.count
                        let (socket, early) = try await Self.open(requests[kind], path)
                        opened.append((kind, socket, early))
                    }
                    return opened
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(sockets.count == 2000)
        // The pools for blocking work have threads of their own, as have tests beside this one.
        let during = try Self.threads
        #expect(during - before < sockets.count / 4, "\(before) threads became \(during)")
        try await lab.docker("kill", "box")
        let wanted = [#""Action":"die""#, "started\n", "started\n", #"{"StatusCode":137}"#]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (kind, socket, early) in sockets {
                group.addTask {
                    var text = String(decoding: early, as: UTF8.self)
                    while !text.contains(wanted[kind]) {
                        let piece = try await socket.read()
                        if piece.isEmpty { break }
                        text += String(decoding: piece, as: UTF8.self)
                    }
                    #expect(text.contains(wanted[kind]), "\(requests[kind]): \(text)")
                    socket.close()
                }
            }
            try await group.waitForAll()
        }
        try await lab.takeDown()
    }

    @Test("ten thousand connections at once are borne, and the next request is answered")
    func connections() async throws {
        CurrentProcess.raiseOpenFileLimit()
        let room = Int(clamping: CurrentProcess.openFileLimit?.soft ?? 1024)
        let count = min(10_000, (room - 500) / 2)
        let lab = try await EngineLab()
        let path = lab.wire.path
        let sockets = try await withThrowingTaskGroup(of: [AsyncSocket].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var opened: [AsyncSocket] = []
                    for _ in 0..<(count / 8) { opened.append(try await Self.connect(path)) }
                    return opened
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(try await lab.wire.call("GET", "/_ping").text == "OK")
        for socket in sockets { socket.close() }
        #expect(try await lab.wire.call("GET", "/_ping").text == "OK")
        try await lab.takeDown()
    }

    /// A server on a socket of its own.
    private static func serve(
        limits: HTTPLimits = HTTPLimits(), _ handler: @escaping HTTPHandler,
        _ body: @Sendable (_ server: HTTPServer, _ path: String) async throws -> Void
    ) async throws {
        let folder = try Files.temporaryDirectory(prefix: "load-tests-")
        defer { try? Files.removeTree(folder) }
        let path = folder + "/s"
        let server = HTTPServer(listener: try SocketListener.unix(path), limits: limits, handler: handler)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            try await body(server, path)
            try await group.waitForAll()
        }
    }

    @Test("a client that never reads is given up, and what was shown to it is let go")
    func neverReads() async throws {
        var limits = HTTPLimits()
        limits.writeSeconds = 1
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        try await Self.serve(limits: limits) { _, responder in
            defer { end.finish() }
            try await responder.begin()
            while true { try await responder.write([UInt8](repeating: 7, count: 1 << 20)) }
        } _: { server, path in
            let socket = try await AsyncSocket.connect(unix: path)
            try await socket.writeAll(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            for await _ in ends {}
            socket.close()
            server.stop(within: .seconds(5))
        }
    }

    @Test("a server that stops answers what is under way, and ends what waits or never ends")
    func stopping() async throws {
        let (opened, gate) = AsyncStream.makeStream(of: Void.self)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        try await Self.serve { request, responder in
            if request.target.path == "/endless" {
                try await responder.begin(endless: true)
                return try await request.whileConnected { try await EventLoop.shared.sleep(for: .seconds(600)) }
            }
            begin.finish()
            for await _ in opened {}
            try await responder.respond(200, body: Array("done".utf8))
        } _: { server, path in
            let idle = try await AsyncSocket.connect(unix: path)
            let (endless, _) = try await Self.open("GET /endless", path)
            let busy = try await AsyncSocket.connect(unix: path)
            try await busy.writeAll(Array("GET /busy HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
            for await _ in begun {}
            server.stop(within: .seconds(60))
            while case let piece = try await endless.read(), !piece.isEmpty {}
            #expect(try await idle.read().isEmpty)
            gate.finish()
            var text = ""
            while case let piece = try await busy.read(), !piece.isEmpty {
                text += String(decoding: piece, as: UTF8.self)
            }
            #expect(text.hasSuffix("done"), "\(text)")
        }
    }

    @Test("a daemon that is started again under load loses no event, no line and no exit code")
    func restarts() async throws {
        let lab = try await EngineLab()
        let begun = Clock.now()
        let count = 12
        for index in 0..<count {
            let script = "/bin/busybox seq 1 3000; sleep 0.\(index % 4); exit \(index + 1)"
            try await lab.docker("run", "-d", "--name", "run\(index)", "busybox", "sh", "-c", script)
            // Some end before the daemon does, some without one, some under the next.
            if index % 3 == 2 {
                try await lab.stop()
                try await lab.start()
            }
        }
        for index in 0..<count {
            #expect(try await lab.docker("wait", "run\(index)").line == "\(index + 1)")
            let lines = try await lab.docker("logs", "run\(index)").out.split(separator: "\n")
            #expect(lines.count == 3000 && lines.last == "3000", "run\(index) has \(lines.count) lines")
        }
        let told = try await lab.docker(
            "events", "--since", "\(begun.seconds - 1)", "--until", "\(Clock.now().seconds + 1)", "--filter",
            "type=container", "--format", "{{.Actor.Attributes.name}} {{.Action}} {{.Actor.Attributes.exitCode}}"
        ).out.split(separator: "\n")
        for index in 0..<count {
            #expect(told.count { $0.hasPrefix("run\(index) create ") } == 1)
            #expect(told.count { $0.hasPrefix("run\(index) start ") } == 1, "run\(index): \(told)")
            #expect(told.filter { $0.hasPrefix("run\(index) die ") } == ["run\(index) die \(index + 1)"])
        }
        try await lab.takeDown()
    }
}
