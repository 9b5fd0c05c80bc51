import Linux

extension StateDatabase {
    /// `read` on the blocking executor.
    package func reading<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing ReadTransaction) throws -> Value
    ) async throws -> Value {
        try await BlockingExecutor.shared.run { () throws -> Value in try self.read(body) }
    }

    /// `write` on the blocking executor.
    @discardableResult
    package func writing<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing WriteTransaction) throws -> Value
    ) async throws -> Value {
        try await BlockingExecutor.shared.run { () throws -> Value in try self.write(body) }
    }
}
