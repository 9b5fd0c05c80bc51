/// Sends what several tasks make, in the order it was made: one sends at a time, for all.
actor OrderedOutlet {
    private var isSending = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var failure: (any Error)?

    /// Returns when everything made before the call was sent.
    ///
    /// - Parameters:
    ///   - take: takes out what was made since it was asked last; empty where there is nothing.
    ///   - send: sends it.
    func drain(
        _ take: @Sendable () -> [UInt8], _ send: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        if isSending {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isSending = true
        }
        defer { passOn() }
        try await sendAll(take, send)
    }

    /// As `drain`, but leaves it to the task that is sending, where there is one.
    func drainUnlessSending(
        _ take: @Sendable () -> [UInt8], _ send: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        if isSending { return }
        isSending = true
        defer { passOn() }
        try await sendAll(take, send)
    }

    private func sendAll(
        _ take: @Sendable () -> [UInt8], _ send: @Sendable ([UInt8]) async throws -> Void
    ) async throws {
        // After a failed write the peer has a torn record; nothing may follow it.
        if let failure { throw failure }
        do {
            while true {
                let bytes = take()
                if bytes.isEmpty { return }
                try await send(bytes)
            }
        } catch {
            failure = error
            throw error
        }
    }

    private func passOn() {
        if waiting.isEmpty { isSending = false } else { waiting.removeFirst().resume() }
    }
}
