import Linux

/// A duplex stream of bytes with half-close: what HTTP is spoken over.
///
/// Unix sockets are the one kind used today; tests use pipes in memory.
package protocol ByteStream: Sendable {
    /// Reads at most `max` bytes. An empty array is the peer's end of stream.
    func read(max: Int) async throws -> [UInt8]
    /// Writes every byte, waiting while the peer does not take them.
    func write(_ bytes: [UInt8]) async throws
    /// Ends our direction only; the peer's goes on. A peer that is gone is fine.
    func finishWriting()
    /// Ends both directions and wakes whoever waits on them.
    func close()
    /// Who is at the other end, where the kernel knows.
    var peer: PeerCredentials? { get }
    /// The network address of the other end, where it has one.
    var remoteAddress: String? { get }
}

extension ByteStream {
    package var peer: PeerCredentials? { nil }

    package var remoteAddress: String? { nil }
}

/// A place that hands out accepted connections.
package protocol ByteStreamListener: Sendable {
    /// Waits for the next connection.
    func acceptStream() async throws -> any ByteStream
    /// Stops accepting and wakes the waiting `acceptStream`.
    func close()
}
