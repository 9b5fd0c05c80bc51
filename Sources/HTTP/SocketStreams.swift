import Linux

extension AsyncSocket: ByteStream {
    package func read(max: Int) async throws -> [UInt8] { try await read(upTo: max) }

    package func readAvailable(max: Int) async throws -> [UInt8]? { try readAvailable(upTo: max) }

    package func write(_ bytes: [UInt8]) async throws { try await writeAll(bytes) }

    // The peer may be gone already; then there is no direction left to end.
    package func finishWriting() { try? shutdownWrite() }

    package var untaken: Int { (try? unreadByPeer()) ?? 0 }

    package var peer: PeerCredentials? { try? peerCredentials() }

    package var remoteAddress: String? { try? peerAddress() }
}

extension SocketListener: ByteStreamListener {
    package func acceptStream() async throws -> any ByteStream { try await accept() }
}

extension HTTPClient {
    /// A client of a server on a unix socket.
    package static func unix(path: String) -> HTTPClient {
        HTTPClient(carriesDescriptors: true) { try await AsyncSocket.connect(unix: path) }
    }

    /// A client of a server that speaks TLS.
    ///
    /// - Parameters:
    ///   - serverName: what the server's certificate must hold, a name or an address.
    ///   - transport: opens a connection without TLS.
    package static func tls(
        _ context: TLSContext, serverName: String, common: HTTPHeaders? = nil, over transport: @escaping Connect
    ) -> HTTPClient {
        HTTPClient(common: common ?? ["Host": serverName]) {
            let socket = try await transport()
            do {
                return try TLSStream(context, over: socket, serverName: serverName)
            } catch {
                socket.close()
                throw error
            }
        }
    }
}
