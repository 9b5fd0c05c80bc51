import Engine
import HTTP
import JSONText

/// JSON lines about a build.
///
/// Like `ProgressStream`, but of a request whose body was read by somebody else, and with a say in how a failure reads.
actor BuildStream {
    /// Sends a line, in order with the others.
    typealias Say = @Sendable (JSONObject) -> Void

    private let request: APIRequest
    private let type: String
    private var hasBegun = false

    private init(_ request: APIRequest, type: String) {
        self.request = request
        self.type = type
    }

    /// Answers a request with the lines that `work` says, and cancels it when the client goes away.
    ///
    /// - Parameters:
    ///   - failure: the last line where it fails when there were others before; without those the status tells.
    static func serve(
        _ request: APIRequest, type: String = "application/json",
        failure: @escaping @Sendable (any Error) -> JSONObject,
        _ work: @escaping @Sendable (_ say: @escaping Say) async throws -> Void
    ) async throws {
        let stream = BuildStream(request, type: type)
        try await request.http.whileConnected {
            let (lines, continuation) = AsyncStream.makeStream(of: JSONObject.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { for await line in lines { try await stream.send(line) } }
                let outcome: Result<Void, any Error>
                do {
                    outcome = .success(try await work { _ = continuation.yield($0) })
                } catch {
                    outcome = .failure(error)
                }
                continuation.finish()
                try await group.waitForAll()
                if case .failure(let error) = outcome {
                    guard await stream.hasBegun else { throw error }
                    try await stream.send(failure(error))
                }
            }
            try await stream.end()
        }
    }

    private func begin() async throws {
        guard !hasBegun else { return }
        hasBegun = true
        try await request.beginLines(type)
    }

    private func send(_ line: JSONObject) async throws {
        try await begin()
        try await request.line(.object(line))
    }

    private func end() async throws {
        try await begin()
        try await request.responder.finish()
    }
}
