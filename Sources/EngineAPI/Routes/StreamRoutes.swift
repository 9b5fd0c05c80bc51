import Engine
import HTTP
import JSONText
import Linux

/// What keeps a connection for long: logs, attach, wait, stats, resize.
struct StreamRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("GET", "/containers/{id}/logs", logs)
        router.on("POST", "/containers/{id}/attach", attach)
        router.on("POST", "/containers/{id}/wait", wait)
        router.on("GET", "/containers/{id}/stats", statistics)
        router.on("POST", "/containers/{id}/resize") { request in
            let container = try engine.containers.find(request.variable("id"))
            try await engine.resize(container, try Self.size(request))
            try await request.respond(status: 200)
        }
    }

    /// `h` and `w` of a terminal.
    static func size(_ request: APIRequest) throws(EngineError) -> TerminalSize {
        guard let rows = try request.integer("h"), let columns = try request.integer("w"),
            let rows = UInt16(exactly: rows), let columns = UInt16(exactly: columns)
        else { throw EngineError(.invalid, "invalid terminal size: h and w must be from 0 to 65535") }
        return TerminalSize(rows: rows, columns: columns)
    }

    /// The type of a raw stream as Docker names it.
    static func contentType(tty: Bool, version: Int) -> String {
        let kind = !tty && version >= 42 ? "multiplexed" : "raw"
        return "application/vnd.docker.\(kind)-stream"
    }

    private func logs(_ request: APIRequest) async throws {
        let container = try engine.containers.find(request.variable("id"))
        var selection = LogSelection()
        selection.stdout = request.flag("stdout")
        selection.stderr = request.flag("stderr")
        guard selection.stdout || selection.stderr else {
            throw EngineError(.invalid, "Bad parameters: you must choose at least one stream")
        }
        selection.since = try request.time("since")
        selection.until = try request.time("until")
        selection.follow = request.flag("follow")
        if let tail = request.query("tail"), tail != "all" {
            // Docker takes anything that is no number, and negative ones, as "all".
            selection.tail = Int(tail).flatMap { $0 >= 0 ? $0 : nil }
        }
        guard container.specification.hostSettings.logDriver != "none" else {
            throw EngineError(.notImplemented, "configured logging driver does not support reading")
        }
        let tty = container.specification.tty
        let details = request.flag("details") ? engine.logDetails(container) : nil
        let writer = LogWriter(tty: tty, timestamps: request.flag("timestamps"), details: details)
        let reader = LogReader(path: engine.logPath(container), selection: selection)
        let ended: @Sendable () async -> Void = { [engine] in await engine.waitUntilEnded(container) }
        try await request.responder.begin(
            headers: ["Content-Type": Self.contentType(tty: tty, version: request.version)],
            endless: selection.follow)
        try await request.http.whileConnected {
            try await reader.run(finished: ended) { records in
                try await request.responder.write(await writer.bytes(records))
            }
        }
        try await request.responder.finish()
    }

    private func wait(_ request: APIRequest) async throws {
        let container = try engine.containers.find(request.variable("id"))
        let text = request.query("condition") ?? "not-running"
        guard let condition = HostEngine.WaitCondition(rawValue: text) else {
            throw EngineError(.invalid, "invalid condition: \"\(text)\"")
        }
        let end = engine.wait(container, for: condition)
        // The client starts the container only once it has seen the head.
        try await request.beginLines(endless: true)
        try await request.http.whileConnected {
            let code = await end()
            guard !Task.isCancelled else { return }
            try await request.line(["StatusCode": .int(Int64(code))])
        }
        try await request.responder.finish()
    }

    private func statistics(_ request: APIRequest) async throws {
        let container = try engine.containers.find(request.variable("id"))
        let streams = request.flag("stream", default: true)
        let engine = self.engine
        guard streams else {
            var before: ContainerSample?
            if !request.flag("one-shot") {
                before = try await engine.sample(container)
                if before != nil { try await EventLoop.shared.sleep(for: .seconds(1)) }
            }
            let now = try await engine.sample(container)
            return try await request.respond(.object(engine.statistics(container, now, before: before)))
        }
        try await request.beginLines(endless: true)
        try await request.http.whileConnected {
            var before: ContainerSample?
            while engine.containers.container(id: container.id) != nil {
                let now = try? await engine.sample(container)
                try await request.line(.object(engine.statistics(container, now, before: before)))
                before = now
                try await EventLoop.shared.sleep(for: .seconds(1))
            }
        }
        try await request.responder.finish()
    }

    private func attach(_ request: APIRequest) async throws {
        let container = try engine.containers.find(request.variable("id"))
        guard container.state.phase != .paused else {
            throw EngineError(.conflict, "Container \(container.id) is paused, unpause the container before attach.")
        }
        let specification = container.specification
        var selection = LogSelection()
        selection.stdout = request.flag("stdout")
        selection.stderr = request.flag("stderr")
        selection.follow = request.flag("stream")
        if !request.flag("logs") { selection.since = Clock.now() }
        let takesInput = request.flag("stdin") && request.flag("stream") && specification.openStdin
        let keys = try DetachKeys(request.query("detachKeys"))
        // Subscribed before the client hears of it: what it starts then is not missed.
        let session = engine.attach(container)
        _ = try await request.http.body.collect(limit: 1 << 16)
        let raw = try await request.responder.hijack(
            upgrade: request.http.headers["Upgrade"],
            contentType: Self.contentType(tty: specification.tty, version: request.version))
        await engine.note(.attach, container)
        let reader = LogReader(path: engine.logPath(container), selection: selection)
        let writer = LogWriter(tty: specification.tty, timestamps: false)
        let input = TypedInput(keys: specification.tty ? keys : nil) { try await raw.read() }
        // Input may end long before output does, and the container before its last output is read: the reader says when
        // it is over, unless the client's keys do.
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                if takesInput { await engine.feed(container, session, from: input) } else { await Self.discard(raw) }
                return await input.isDetached
            }
            group.addTask {
                try? await reader.run(finished: session.ended) { records in
                    try await raw.write(await writer.bytes(records))
                }
                return true
            }
            for await isOver in group where isOver { break }
            if await input.isDetached { await engine.note(.detach, container) }
            await raw.shutdownWrite()
            group.cancelAll()
            raw.close()
        }
        session.close()
    }

    /// Reads what a client sends to nobody, so that its end is seen.
    static func discard(_ raw: HijackedStream) async {
        while let piece = try? await raw.read(), !piece.isEmpty {}
    }
}

/// What a client types, until it types the keys that let go.
actor TypedInput: InputSource {
    private let read: @Sendable () async throws -> [UInt8]
    private var detector: DetachDetector?
    /// Whether the keys came.
    private(set) var isDetached = false

    /// - Parameters:
    ///   - keys: nil for input that is no terminal's, in which any byte is only a byte.
    ///   - read: the next bytes; none is the end.
    init(keys: DetachKeys?, read: @escaping @Sendable () async throws -> [UInt8]) {
        self.read = read
        detector = keys.map { DetachDetector(keys: $0.bytes) }
    }

    func nextInput() async throws -> [UInt8] {
        while !isDetached {
            let piece = try await read()
            guard !piece.isEmpty, var detector else { return piece }
            let (passed, isComplete) = detector.take(piece)
            self.detector = detector
            isDetached = isComplete
            if !passed.isEmpty { return passed }
        }
        return []
    }
}

/// Log records as a client gets them: framed, or raw for a terminal.
actor LogWriter {
    private let tty: Bool
    private let timestamps: Bool
    private let details: String?
    private var midLine: Set<LogRecord.Stream> = []

    /// - Parameter details: what lines begin with: the attributes of the log's driver.
    init(tty: Bool, timestamps: Bool, details: String? = nil) {
        self.tty = tty
        self.timestamps = timestamps
        self.details = details
    }

    /// The bytes of records, in order.
    func bytes(_ records: [LogRecord]) -> [UInt8] {
        var out: [UInt8] = []
        for record in records {
            var text: [UInt8] = []
            let begins = !midLine.contains(record.stream)
            if timestamps, begins { text += Array("\(record.time) ".utf8) }
            if let details, begins { text += Array("\(details) ".utf8) }
            text += record.text
            if record.isPartial {
                midLine.insert(record.stream)
            } else {
                midLine.remove(record.stream)
                text.append(0x0A)
            }
            if tty {
                out += text
            } else {
                StreamFrame.append(record.stream == .stdout ? .stdout : .stderr, text, to: &out)
            }
        }
        return out
    }
}
