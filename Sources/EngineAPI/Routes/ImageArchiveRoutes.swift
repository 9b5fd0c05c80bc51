import Engine
import HTTP
import ImageStore
import JSONText
import Linux
import OCI
import Synchronization

/// Images as archives: `POST /images/load`, `GET /images/get`, `GET /images/{name}/get`.
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
                let loaded = try await take(request, progress)
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
            try await request.drain()
            guard await lines.hasBegun else { throw error }
            try await request.line([
                "errorDetail": ["message": .string(error.message)], "error": .string(error.message),
            ])
            try await request.responder.finish()
        }
    }

    /// Takes in the archive in the body, or the one the caller hands over.
    private func take(_ request: APIRequest, _ progress: ImageProgress?) async throws -> [LoadedImage] {
        guard let archive = try await Self.handedOver(request) else {
            return try await request.receive { archive in
                try await engine.loadImages(from: archive, progress: progress)
            }
        }
        let loaded = Mutex<[LoadedImage]?>(nil)
        try await request.http.whileConnected {
            let images = try await engine.loadImages(from: archive, progress: progress)
            loaded.withLock { $0 = images }
        }
        guard let images = loaded.withLock({ $0 }) else { throw CancellationError() }
        return images
    }

    /// The archive that the caller has open under the number in `descriptor`, so that its bytes need no connection.
    ///
    /// Whoever asks has opened it: no right is lent that the caller does not have.
    private static func handedOver(_ request: APIRequest) async throws -> SharedDescriptor? {
        guard let number = try request.integer("descriptor") else { return nil }
        guard let peer = request.http.peer, let descriptor = Int32(exactly: number) else {
            throw EngineError(.notImplemented, "descriptors come from this host only: send the archive")
        }
        return try await BlockingExecutor.shared.run { () throws(EngineError) in
            do {
                let archive = try ProcessHandle.open(peer.pid).descriptor(descriptor).shared()
                guard try archive.status().kind == .regular else {
                    throw EngineError(.notImplemented, "descriptor \(number) is no file: send the archive")
                }
                return archive
            } catch let error as EngineError {
                throw error
            } catch {
                throw EngineError(.notImplemented, "descriptor \(number) cannot be taken over: \(error)")
            }
        }
    }

    // MARK: Saving

    private func save(_ request: APIRequest, _ names: [String]) async throws {
        try refusePlatform(request)
        let images = try await engine.archivedImages(names)
        try await request.respond(archive: { archive in try await engine.saveImages(images, to: archive) })
    }

    private func refusePlatform(_ request: APIRequest) throws {
        guard request.query("platform") == nil else {
            throw EngineError(.invalid, "choosing a platform is not supported: an image here has one")
        }
    }
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
