import Linux

/// A duplex stream of bytes with half-close: what HTTP is spoken over.
///
/// Sockets, TLS over them (`TLSStream`), and pipes in memory in tests.
package protocol ByteStream: Sendable {
    /// Makes the connection ready for bytes: called once, before any read or write, by whoever serves or opens it.
    func establish() async throws
    /// Reads at most `max` bytes. An empty array is the peer's end of stream.
    func read(max: Int) async throws -> [UInt8]
    /// Reads at most `max` bytes of what is there already; nil where that is nothing, or is not known.
    func readAvailable(max: Int) async throws -> [UInt8]?
    /// Writes every byte, waiting while the peer does not take them.
    func write(_ bytes: [UInt8]) async throws
    /// Ends our direction only; the peer's goes on. A peer that is gone is fine, a second call too.
    func finishWriting() async
    /// Ends both directions and wakes whoever waits on them.
    func close()
    /// Bytes that were written and that the peer has not read yet; 0 where that is not known.
    var untaken: Int { get }
    /// Who is at the other end, where the kernel knows.
    var peer: PeerCredentials? { get }
    /// The network address of the other end, where it has one.
    var remoteAddress: String? { get }
    /// The certificate that the peer proved to have, where there is one.
    var certificate: PeerCertificate? { get }
}

extension ByteStream {
    package func establish() async throws {}

    package func readAvailable(max: Int) async throws -> [UInt8]? { nil }

    package var untaken: Int { 0 }

    package var peer: PeerCredentials? { nil }

    package var remoteAddress: String? { nil }

    package var certificate: PeerCertificate? { nil }
}

/// A place that hands out accepted connections.
package protocol ByteStreamListener: Sendable {
    /// Waits for the next connection.
    func acceptStream() async throws -> any ByteStream
    /// Stops accepting and wakes the waiting `acceptStream`.
    func close()
}
