import Engine
import HTTP
import ImageStore
import JSONText
import Linux
import OCI
import Synchronization

/// Images as archives: `POST /images/load`, `GET /images/get`, `GET /images/{name}/get`.
///
/// The archive passes through a pipe: the connection is asynchronous, and whoever reads or writes archives blocks.
struct ImageArchiveRoutes: Sendable {
    let engine: HostEngine

    func add(to router: inout Router) {
        router.on("POST", "/images/load", load)
        router.on("GET", "/images/get") { request in
            // Docker's client repeats the parameter, others separate by commas.
            let names = request.http.target.all("names").flatMap { $0.split(separator: ",").map(String.init) }
            guard !names.isEmpty else { throw EngineError(.invalid, "no images were named: `names` is needed") }
            try await save(request, names)
        }
        router.on("GET", "/images/{name…}/get") { request in try await save(request, [request.variable("name")]) }
    }

    // MARK: Loading

    private func load(_ request: APIRequest) async throws {
        try refusePlatform(request)
        let lines = ProgressLines(request)
        let (updates, continuation) = AsyncStream.makeStream(of: ImageProgressUpdate.self)
        let report: ImageProgress = { _ = continuation.yield($0) }
        let progress = request.flag("quiet", default: true) ? nil : report
        do {
            let loaded = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await update in updates { try await lines.send(update) } }
                defer { continuation.finish() }
                let loaded = try await receive(request, progress)
                continuation.finish()
                try await group.waitForAll()
                return loaded
            }
            for image in loaded {
                if image.references.isEmpty { try await lines.say("Loaded image ID: \(image.image.id)") }
                for reference in image.references { try await lines.say("Loaded image: \(reference.familiar)") }
            }
            try await lines.begin()
            try await request.responder.finish()
        } catch let error as EngineError {
            // Whoever sends hears the answer when all is sent.
            while let piece = try await request.http.body.next(), !piece.isEmpty {}
            guard await lines.hasBegun else { throw error }
            try await request.line([
                "errorDetail": ["message": .string(error.message)], "error": .string(error.message),
            ])
            try await request.responder.finish()
        }
    }

    /// Gives the request's body to the store.
    private func receive(_ request: APIRequest, _ progress: ImageProgress?) async throws -> [LoadedImage] {
        let (reading, writing) = try Self.pipeFromHere()
        async let sent: Void = Self.send(request.http.body, into: writing)
        let answer: Result<[LoadedImage], any Error>
        do {
            guard let archive = reading.take() else { return [] }
            answer = .success(try await engine.loadImages(from: archive, progress: progress))
        } catch {
            answer = .failure(error)
        }
        // A connection that was cut explains an archive that was.
        try await sent
        return try answer.get()
    }

    private static func send(_ body: HTTPBody, into writing: AsyncDescriptor) async throws {
        defer { writing.close() }
        while let piece = try await body.next() {
            do {
                try await writing.writeAll(piece)
            } catch let error as SystemError where error.errno == .EPIPE {
                // Whoever reads the archive has refused it and says why.
                return
            }
        }
    }

    // MARK: Saving

    private func save(_ request: APIRequest, _ names: [String]) async throws {
        try refusePlatform(request)
        let images = try await engine.archivedImages(names)
        let (reading, writing) = try Self.pipeToHere()
        try await request.responder.begin(headers: ["Content-Type": "application/x-tar"])
        try await request.http.whileConnected {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    guard let archive = writing.take() else { return }
                    try await engine.saveImages(images, to: archive)
                }
                defer { reading.close() }
                while true {
                    let piece = try await reading.read(upTo: 256 << 10)
                    if piece.isEmpty { break }
                    try await request.responder.write(piece)
                }
                try await group.waitForAll()
            }
        }
        try await request.responder.finish()
    }

    private static func pipeFromHere() throws -> (reading: HandedOver, writing: AsyncDescriptor) {
        let ends = try Pipe(size: 1 << 20).separate()
        return (HandedOver(try ends.reading.duplicate().shared()), try AsyncDescriptor(try ends.writing.duplicate()))
    }

    private static func pipeToHere() throws -> (reading: AsyncDescriptor, writing: HandedOver) {
        let ends = try Pipe(size: 1 << 20).separate()
        return (try AsyncDescriptor(try ends.reading.duplicate()), HandedOver(try ends.writing.duplicate().shared()))
    }

    private func refusePlatform(_ request: APIRequest) throws {
        guard request.query("platform") == nil else {
            throw EngineError(.invalid, "choosing a platform is not supported: an image here has one")
        }
    }
}

/// A descriptor that goes to one task, so that it is closed when that task is done with it.
private final class HandedOver: Sendable {
    private let descriptor: Mutex<SharedDescriptor?>

    init(_ descriptor: SharedDescriptor) {
        self.descriptor = Mutex(descriptor)
    }

    func take() -> SharedDescriptor? { descriptor.withLock { $0.take() } }
}

/// Docker's stream of JSON lines, begun with its first.
private actor ProgressLines {
    private let request: APIRequest
    /// Whether the answer's head is sent.
    private(set) var hasBegun = false

    init(_ request: APIRequest) {
        self.request = request
    }

    func begin() async throws {
        guard !hasBegun else { return }
        hasBegun = true
        try await request.beginLines()
    }

    func say(_ text: String) async throws {
        try await begin()
        try await request.line(["stream": .string(text + "\n")])
    }

    func send(_ update: ImageProgressUpdate) async throws {
        try await begin()
        try await request.line([
            "status": "Loading layer",
            "progressDetail": ["current": .int(update.current ?? 0), "total": .int(update.total ?? 0)],
            "id": .string(update.message),
        ])
    }
}
