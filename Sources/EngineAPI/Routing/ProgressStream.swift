import Diagnostics
import Engine
import HTTP
import JSONText

/// Docker's stream of JSON lines about something that takes long.
///
/// Its head goes out with the first line. What goes wrong before is told by the status; afterwards by a last line, since
/// the status is 200 already.
actor ProgressStream {
    /// Sends a line, in order with the others.
    typealias Say = @Sendable (JSONObject) -> Void

    private let request: APIRequest
    private var hasBegun = false

    private init(_ request: APIRequest) {
        self.request = request
    }

    /// Answers a request with the lines that `work` says, and cancels it when the client goes away.
    static func serve(
        _ request: APIRequest, _ work: @escaping @Sendable (_ say: @escaping Say) async throws -> Void
    ) async throws {
        _ = try await request.http.body.collect(limit: APIRequest.bodyLimit)
        let stream = ProgressStream(request)
        try await request.http.whileConnected {
            let (lines, continuation) = AsyncStream.makeStream(of: JSONObject.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await line in lines { try await stream.send(line) } }
                let failure: EngineError?
                do {
                    try await work { _ = continuation.yield($0) }
                    failure = nil
                } catch {
                    failure = .wrapping(error)
                }
                continuation.finish()
                try await group.waitForAll()
                if let failure { try await stream.tell(failure) }
            }
            try await stream.end()
        }
    }

    private func begin() async throws {
        guard !hasBegun else { return }
        hasBegun = true
        try await request.beginLines()
    }

    private func send(_ line: JSONObject) async throws {
        try await begin()
        try await request.line(.object(line))
    }

    private func tell(_ failure: EngineError) async throws {
        guard hasBegun else { throw failure }
        var line: JSONObject = [
            "errorDetail": ["message": .string(failure.message)], "error": .string(failure.message),
        ]
        // Docker's clients pass over what they do not know; ours shows the hints.
        if !failure.diagnostics.isEmpty { line["diagnostics"] = .array(failure.diagnostics.map(\.json)) }
        try await request.line(.object(line))
    }

    private func end() async throws {
        try await begin()
        try await request.responder.finish()
    }
}
