import Linux
import Testing

@Suite("The event loop", .timeLimit(.minutes(5)))
struct EventLoopTests {
    @Test("thousands of timers fire in order and not early")
    func timers() async throws {
        let start = Clock.monotonic()
        let late = try await withThrowingTaskGroup(of: Int64.self) { group in
            for index in 0..<5_000 {
                group.addTask {
                    let wanted = Int64((index * 7_919) % 300) * 1_000_000
                    try await EventLoop.shared.sleep(for: .nanoseconds(wanted))
                    return Clock.monotonic() - start - wanted
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(late.count == 5_000)
        #expect(late.allSatisfy { $0 >= 0 })
    }

    @Test("cancelled sleeps and waits end at once, thousands of them")
    func cancellation() async throws {
        let pipe = try Pipe().separate()
        let cancelled = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<4_000 {
                group.addTask {
                    do {
                        if index % 2 == 0 {
                            try await EventLoop.shared.sleep(for: .seconds(3_600))
                        } else {
                            try await EventLoop.shared.readable(pipe.reading.raw)
                        }
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
            }
            group.cancelAll()
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(cancelled == 4_000)
        withExtendedLifetime(pipe.writing) {}
    }

    @Test("a thousand sockets talk at once and nothing is lost")
    func sockets() async throws {
        CurrentProcess.raiseOpenFileLimit()
        let directory = try Files.temporaryDirectory(prefix: "kernel-tests-")
        defer { try? Files.removeTree(directory) }
        let listener = try SocketListener.unix("\(directory)/socket", backlog: 1_000)
        async let served: Void = echo(listener, connections: 1_000)
        let correct = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<1_000 {
                group.addTask { try await converse(path: "\(directory)/socket", index: index) }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        try await served
        listener.close()
        #expect(correct == 1_000)
    }

    private func echo(_ listener: SocketListener, connections: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<connections {
                let socket = try await listener.accept()
                group.addTask {
                    while case let bytes = try await socket.read(), !bytes.isEmpty { try await socket.writeAll(bytes) }
                    try socket.shutdownWrite()
                    socket.close()
                }
            }
            try await group.waitForAll()
        }
    }

    /// Sends more than a socket buffers, says it is done, and reads the rest after that.
    private func converse(path: String, index: Int) async throws -> Bool {
        let socket = try await AsyncSocket.connect(unix: path)
        let sent = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: index % 20 == 0 ? 1_000_000 : 1_000)
        async let writing: Void = {
            try await socket.writeAll(sent)
            try socket.shutdownWrite()
        }()
        var received: [UInt8] = []
        while case let bytes = try await socket.read(), !bytes.isEmpty { received += bytes }
        try await writing
        socket.close()
        return received == sent
    }

    @Test("closing wakes those who read, and the number is not reused while they do")
    func closing() async throws {
        for _ in 0..<200 {
            let pipe = try Pipe().separate()
            let reader = try AsyncDescriptor(try pipe.reading.duplicate())
            let task = Task { try await reader.read() }
            await Task.yield()
            reader.close()
            let error = await #expect(throws: SystemError.self) { _ = try await task.value }
            #expect(error?.errno == .EBADF)
            withExtendedLifetime(pipe.writing) {}
        }
    }

    @Test("a unix path of any length can be listened on and connected to; a dead socket is replaced, a live one is not")
    func unixPaths() async throws {
        let directory = try Files.temporaryDirectory(prefix: "kernel-tests-")
        defer { try? Files.removeTree(directory) }
        let deep = "\(directory)/" + Array(repeating: "abcdefghijklmnop", count: 12).joined(separator: "/")
        try Files.makeDirectories(deep)
        let path = "\(deep)/s"
        let listener = try SocketListener.unix(path, mode: 0o600)
        #expect(try Files.status(path).mode == 0o600)
        let inUse = #expect(throws: SystemError.self) { try SocketListener.unix(path) }
        #expect(inUse?.errno == .EADDRINUSE)
        let client = try await AsyncSocket.connect(unix: path)
        let peer = try await listener.accept().peerCredentials()
        #expect(peer.pid == CurrentProcess.pid)
        #expect(peer.uid == CurrentProcess.uid)
        listener.close()
        client.close()
        try SocketListener.unix(path).close()
        try Files.unlink(path)
        try Files.write(path, [1])
        #expect(throws: SystemError.self) { try SocketListener.unix(path) }
        #expect(try Files.readAll(path) == [1])
    }

    @Test("connecting to a TCP port answers, or refuses when nobody listens")
    func tcp() async throws {
        let listener = try SocketListener.tcp(.loopback, port: 0)
        let port = try listener.localPort()
        async let accepted = listener.accept()
        let client = try await AsyncSocket.connect(to: .loopback, port: port)
        let server = try await accepted
        try await client.writeAll(Array("x".utf8))
        #expect(try await server.read() == Array("x".utf8))
        client.close()
        #expect(try await server.read().isEmpty)
        listener.close()
        let error = await #expect(throws: SystemError.self) {
            _ = try await AsyncSocket.connect(to: .loopback, port: port)
        }
        #expect(error?.errno == .ECONNREFUSED)
    }

    @Test("open files travel through a socket")
    func descriptors() async throws {
        let pair = try SocketPair().separate()
        let left = try AsyncSocket(try pair.first.duplicate())
        let right = try AsyncSocket(try pair.second.duplicate())
        let file = try MemoryFile.sealed(name: "travels", content: [1, 2, 3]).shared()
        try await left.sendDescriptors([file.raw, file.raw], with: [9])
        let received = try await right.receiveDescriptors()
        #expect(received.bytes == [9])
        #expect(received.descriptors.count == 2)
        #expect(try received.descriptors[1].pread(upTo: 10, at: 0) == [1, 2, 3])
        withExtendedLifetime(file) {}
    }

    @Test("a time limit ends what takes longer")
    func timeLimit() async throws {
        await #expect(throws: TimeoutError.self) {
            try await withTimeout(.milliseconds(30)) { try await EventLoop.shared.sleep(for: .seconds(60)) }
        }
        #expect(try await withTimeout(.seconds(60)) { 5 } == 5)
    }

    @Test("a changed, replaced or new file is noticed")
    func fileWatcher() async throws {
        let directory = try Files.temporaryDirectory(prefix: "kernel-tests-")
        defer { try? Files.removeTree(directory) }
        let path = "\(directory)/log"
        let watcher = try FileWatcher(path)
        try Files.write("\(directory)/other", [1])
        try Files.write(path, [1])
        try await withTimeout(.seconds(120)) { try await watcher.changed() }
        try Files.writeAtomically(path, [2])
        try await withTimeout(.seconds(120)) { try await watcher.changed() }
        async let waiting: Void = withTimeout(.seconds(120)) { try await watcher.changed() }
        try await EventLoop.shared.sleep(for: .milliseconds(20))
        try Files.rename(path, to: "\(path).1")
        try await waiting
        watcher.close()
    }

    @Test("a pseudo terminal carries text both ways and its size")
    func pseudoTerminal() async throws {
        let terminal = try Terminal.openPTY(size: TerminalSize(rows: 30, columns: 90))
        let slave = try terminal.openSlave().shared()
        #expect(Terminal.size(slave.raw) == TerminalSize(rows: 30, columns: 90))
        #expect(Terminal.isTerminal(slave.raw))
        let mode = try RawMode.enter(slave.raw)
        let master = try AsyncDescriptor(try terminal.master.duplicate())
        try slave.writeAll(Array("to master".utf8))
        #expect(try await master.read() == Array("to master".utf8))
        try await master.writeAll([3, 4])
        #expect(try slave.read(upTo: 10) == [3, 4])
        mode.restore()
    }

    @Test("what a body holds ends outside the executor's lock, so that its end may ask for more work")
    func workThatEndsWithWork() async throws {
        /// Submits when it ends, as a directory does that is removed with its owner.
        final class Owner: Sendable {
            let executor: BlockingExecutor
            init(_ executor: BlockingExecutor) { self.executor = executor }
            deinit { executor.submit {} }
        }
        let executor = BlockingExecutor(limit: 2, idleSeconds: 1)
        try await withTimeout(.seconds(240)) {
            for _ in 0..<500 {
                await withCheckedContinuation { continuation in
                    let owner = Owner(executor)
                    executor.submit {
                        withExtendedLifetime(owner) {}
                        continuation.resume()
                    }
                }
            }
        }
    }

    @Test("blocking work runs on threads that are few and end")
    func blockingExecutor() async throws {
        let executor = BlockingExecutor(limit: 4, idleSeconds: 1)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<2_000 { group.addTask { await executor.run { index } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 1_999_000)
        #expect(executor.threadCount <= 4)
        let error = await #expect(throws: SystemError.self) {
            try await executor.run { () throws(SystemError) in try Files.unlink("/no/such/file") }
        }
        #expect(error?.errno == .ENOENT)
        for _ in 0..<600 where executor.threadCount > 0 {
            try await EventLoop.shared.sleep(for: .milliseconds(100))
        }
        #expect(executor.threadCount == 0)
        #expect(await executor.run { 5 } == 5)
    }
}
