/// Waiting on a thread that may block for what runs on Swift's own threads.
package enum BlockingWait {
    /// Runs a body as a task of its own and waits for its answer.
    ///
    /// Never from the cooperative pool: the task may need the very thread that waits. The body ends by itself; nothing
    /// cancels it.
    package static func run<Answer: Sendable>(
        _ body: @escaping @Sendable () async throws -> Answer
    ) throws -> Answer {
        let answer = Condition<Result<Answer, any Error>?>(nil)
        Task.detached {
            let result: Result<Answer, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            answer.withLock { $0 = result }
            answer.signal()
        }
        return try answer.take { $0 }.get()
    }
}
