import Linux
import Synchronization

/// A listener whose connections speak TLS.
package final class TLSListener: ByteStreamListener {
    private let listener: any ByteStreamListener
    private let context: Mutex<TLSContext>
    private let limits: TLSLimits
    private let onFailure: Failure

    /// Takes why a handshake failed, and the client's address where it is known.
    package typealias Failure = @Sendable (_ error: TLSError, _ client: String?) -> Void

    /// TLS over the connections of `listener`.
    ///
    /// - Parameter onFailure: called for each handshake that fails; a client's trouble, that its owner will ask about.
    package init(
        over listener: any ByteStreamListener, context: TLSContext, limits: TLSLimits = TLSLimits(),
        onFailure: @escaping Failure = { _, _ in }
    ) {
        self.listener = listener
        self.context = Mutex(context)
        self.limits = limits
        self.onFailure = onFailure
    }

    /// Uses another certificate and key for connections from now on; those that are open keep theirs.
    package func replaceContext(_ next: TLSContext) { context.withLock { $0 = next } }

    /// Waits for the next connection; its handshake is still to be made, so that a slow client holds up nobody.
    package func acceptStream() async throws -> any ByteStream {
        while true {
            let transport = try await listener.acceptStream()
            let context = context.withLock { $0 }
            let client = transport.remoteAddress
            do throws(TLSError) {
                return try TLSStream(context, over: transport, limits: limits) { [onFailure] in onFailure($0, client) }
            } catch {
                transport.close()
                onFailure(error, client)
            }
        }
    }

    package func close() { listener.close() }
}
