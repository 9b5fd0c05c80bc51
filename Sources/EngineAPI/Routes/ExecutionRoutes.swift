import Engine
import HTTP
import JSONText
import Linux
import Runtime

extension HijackedStream: InputSource {
    package func nextInput() async throws -> [UInt8] { try await read() }
}

/// `/containers/{id}/exec` and `/exec/…`.
struct ExecutionRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("POST", "/containers/{id}/exec") { request in
            let container = try engine.containers.find(request.variable("id"))
            let execution = try await engine.createExecution(
                in: container, try Execution.Request(json: try await request.json()))
            try await request.respond(["Id": .string(execution.id)], status: 201)
        }
        router.on("POST", "/exec/{id}/start", start)
        router.on("POST", "/exec/{id}/resize") { request in
            let execution = try engine.executions.find(request.variable("id"))
            // A client that has the stream sends the size at once, whether the program runs yet or not.
            for _ in 0..<1000 where execution.process == nil && execution.exitCode == nil {
                try await EventLoop.shared.sleep(for: .milliseconds(5))
            }
            guard let process = execution.process else {
                throw EngineError(.conflict, "exec \(execution.id) is not running")
            }
            let size = try StreamRoutes.size(request)
            if execution.request.tty { try process.resize(rows: Int(size.rows), columns: Int(size.columns)) }
            try await request.respond(status: 200)
        }
        router.on("GET", "/exec/{id}/json") { request in
            try await request.respond(.object(inspection(try engine.executions.find(request.variable("id")))))
        }
    }

    private func inspection(_ execution: Execution) -> JSONObject {
        let asked = execution.request
        return [
            "ID": .string(execution.id), "Running": .bool(execution.isRunning),
            "ExitCode": execution.exitCode.map { .int(Int64($0)) } ?? .null, "Pid": .int(Int64(execution.pid)),
            "ProcessConfig": [
                "tty": .bool(asked.tty), "entrypoint": .string(asked.arguments.first ?? ""),
                "arguments": .array(asked.arguments.dropFirst().map { .string($0) }),
                "privileged": .bool(asked.isPrivileged), "user": .string(asked.user),
            ],
            "OpenStdin": .bool(asked.attachStdin), "OpenStderr": .bool(asked.attachStderr),
            "OpenStdout": .bool(asked.attachStdout), "CanRemove": false,
            "DetachKeys": .string(asked.detachKeys),
            "ContainerID": .string(execution.containerID),
        ]
    }

    /// The body of `POST /exec/{id}/start`.
    private struct StartOptions: Sendable {
        let detach: Bool
        let size: TerminalConfiguration?

        init(_ json: JSONValue) throws(EngineError) {
            let body = try FieldReader(json)
            detach = try body.flag("Detach")
            size = try ExecutionRoutes.size(body)
        }
    }

    private func start(_ request: APIRequest) async throws {
        let execution = try engine.executions.find(request.variable("id"))
        let options = try StartOptions(try await request.json())
        if options.detach {
            try await startDetached(execution, options.size)
            return try await request.respond(status: 200)
        }
        guard !execution.wasStarted else {
            let state = execution.isRunning ? "is already running" : "has already run"
            throw EngineError(.conflict, "exec command \(execution.id) \(state)")
        }
        try engine.requireStartable(execution)
        if execution.request.tty {
            try await startTerminal(execution, request, options.size)
        } else {
            try await startStreams(execution, request)
        }
    }

    private func startDetached(_ execution: Execution, _ size: TerminalConfiguration?) async throws {
        guard !execution.request.tty else { return try await startDetachedTerminal(execution, size) }
        let null = try Files.open("/dev/null", .readWrite).shared()
        try await engine.start(execution, streams: .descriptors(input: nil, output: null.raw, error: null.raw))
        withExtendedLifetime(null) {}
    }

    /// A terminal nobody reads fills up, and its process waits for ever.
    private func startDetachedTerminal(_ execution: Execution, _ size: TerminalConfiguration?) async throws {
        let process = try await engine.start(execution, streams: .terminal, size: size)
        let terminal = PipeReader(try Self.terminal(of: process, execution))
        engine.runInBackground { [engine] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { while (try? await terminal.next()) != nil {} }
                await engine.waitUntilEnded(execution)
                terminal.writerEnded()
            }
            terminal.close()
        }
    }

    private static func terminal(of process: ExecProcess, _ execution: Execution) throws -> AsyncDescriptor {
        guard let terminal = process.terminal else {
            throw EngineError(.failed, "the terminal of exec \(execution.id) is gone")
        }
        return try AsyncDescriptor(try FileDescriptor.duplicating(terminal.raw))
    }

    private static func size(_ body: FieldReader) throws(EngineError) -> TerminalConfiguration? {
        let values = try body.array("ConsoleSize").compactMap(\.intValue)
        guard values.count == 2, let rows = Int(exactly: values[0]), let columns = Int(exactly: values[1]),
            (1...65535).contains(rows), (1...65535).contains(columns)
        else { return nil }
        return TerminalConfiguration(rows: rows, columns: columns)
    }

    /// With a terminal: one stream both ways, unframed.
    private func startTerminal(_ execution: Execution, _ request: APIRequest, _ size: TerminalConfiguration?)
        async throws
    {
        let keys = try DetachKeys(execution.request.detachKeys)
        let raw = try await takeOver(request, tty: true)
        let process: ExecProcess
        do {
            process = try await engine.start(execution, streams: .terminal, size: size)
        } catch {
            return try await tell(error, raw, tty: true)
        }
        let master = try Self.terminal(of: process, execution)
        let output = PipeReader(master)
        let input = TypedInput(keys: keys) { try await raw.read() }
        engine.runInBackground { [engine] in
            // The end of the process is heard of whether its client is there or not.
            await engine.waitUntilEnded(execution)
            output.writerEnded()
        }
        let isOver = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                var isRead = true
                // Read on where the client is gone: a full terminal stops its process.
                while let piece = try? await output.next() {
                    if isRead { isRead = (try? await raw.write(piece)) != nil }
                }
                return true
            }
            group.addTask {
                // The client's end of input is no end of the terminal.
                while let piece = try? await input.nextInput(), !piece.isEmpty {
                    guard (try? await master.writeAll(piece)) != nil else { break }
                }
                return false
            }
            for await isOutput in group {
                if isOutput { break }
                guard await input.isDetached else { continue }
                group.cancelAll()
                return false
            }
            // Who sees the end of the stream asks for the exit code.
            await engine.waitUntilEnded(execution)
            group.cancelAll()
            await raw.shutdownWrite()
            raw.close()
            return true
        }
        if isOver { return master.close() }
        await raw.shutdownWrite()
        raw.close()
        await engine.noteDetach(execution)
        engine.runInBackground {
            while (try? await output.next()) != nil {}
            master.close()
        }
    }

    /// Without a terminal: stdin as it comes, stdout and stderr framed.
    private func startStreams(_ execution: Execution, _ request: APIRequest) async throws {
        let raw = try await takeOver(request, tty: false)
        let (stdin, stdout, stderr): (AsyncDescriptor?, AsyncDescriptor, AsyncDescriptor)
        do {
            (stdin, stdout, stderr) = try await startWithPipes(execution)
        } catch {
            return try await tell(error, raw, tty: false)
        }
        let (output, error) = (PipeReader(stdout), PipeReader(stderr))
        await withTaskGroup(of: Bool.self) { group in
            for (source, stream) in [(output, StreamFrame.Stream.stdout), (error, .stderr)] {
                group.addTask {
                    await Self.pump(source, stream, to: raw)
                    return true
                }
            }
            group.addTask {
                await Self.feed(stdin, from: raw)
                return false
            }
            group.addTask { [engine] in
                await engine.waitUntilEnded(execution)
                output.writerEnded()
                error.writerEnded()
                return false
            }
            var open = 2
            for await isOutput in group where isOutput {
                open -= 1
                if open == 0 { break }
            }
            // Who sees the end of the stream asks for the exit code.
            await engine.waitUntilEnded(execution)
            await raw.shutdownWrite()
            group.cancelAll()
            stdin?.close()
        }
        raw.close()
    }

    /// Takes the connection over before the program starts, as Docker does: there are clients that lose what comes with
    /// the head.
    private func takeOver(_ request: APIRequest, tty: Bool) async throws -> HijackedStream {
        try await request.responder.hijack(
            upgrade: request.http.headers["Upgrade"],
            contentType: StreamRoutes.contentType(tty: tty, version: request.version))
    }

    /// A program that cannot be executed: Docker's clients expect the reason in the stream, and the code in inspect.
    private func tell(_ error: any Error, _ raw: HijackedStream, tty: Bool) async throws {
        let text = Array("\(EngineError.wrapping(error).message)\r\n".utf8)
        try await raw.write(tty ? text : StreamFrame(stream: .stdout, bytes: text).encoded)
        await raw.shutdownWrite()
        raw.close()
    }

    /// Starts on three pipes and gives our ends of them.
    private func startWithPipes(
        _ execution: Execution
    ) async throws -> (stdin: AsyncDescriptor?, stdout: AsyncDescriptor, stderr: AsyncDescriptor) {
        let output = try Pipe().separate()
        let error = try Pipe().separate()
        let input = execution.request.attachStdin ? try Pipe().separate() : nil
        try await engine.start(
            execution,
            streams: .descriptors(input: input?.reading.raw, output: output.writing.raw, error: error.writing.raw))
        return (
            try input.map { try AsyncDescriptor(FileDescriptor.duplicating($0.writing.raw)) },
            try AsyncDescriptor(FileDescriptor.duplicating(output.reading.raw)),
            try AsyncDescriptor(FileDescriptor.duplicating(error.reading.raw))
        )
    }

    private static func feed(_ stdin: AsyncDescriptor?, from raw: HijackedStream) async {
        guard let stdin else { return await StreamRoutes.discard(raw) }
        while let piece = try? await raw.read(), !piece.isEmpty {
            guard (try? await stdin.writeAll(piece)) != nil else { break }
        }
        stdin.close()
    }

    private static func pump(_ source: PipeReader, _ stream: StreamFrame.Stream, to raw: HijackedStream) async {
        var isTaken = true
        // Read on where the client is gone: what writes into a pipe that nobody reads is killed.
        while let piece = try? await source.next() {
            guard isTaken else { continue }
            isTaken = (try? await raw.write(StreamFrame(stream: stream, bytes: piece).encoded)) != nil
        }
        source.close()
    }
}
