import Archives
import HTTP
import Linux
import OCI

/// A blob as it comes from the registry.
///
/// The thread that reads drives the transfer. A connection that breaks is made again and goes on where it was; bytes
/// are hashed on the way, and the end comes only when size and digest are those asked for. Not for several threads.
package final class BlobStream: ByteSource {
    private let client: RegistryClient
    private let digest: Digest
    /// The size of the whole blob; nil until the registry said it.
    package private(set) var size: Int64?
    /// Where the next byte belongs in the blob.
    package private(set) var offset: Int64
    private let hash: SHA256?
    private var endpoints: ArraySlice<Endpoint>
    private var response: RegistryResponse?
    private var name: RequestName
    /// Tries since bytes last came.
    private var attempt = 1
    private var progressMark: Int64
    private var isComplete = false

    /// Why reading failed, with its type; `read` throws the same as text.
    package private(set) var failure: RegistryError?

    /// Bytes after which a transfer counts as going on: a peer that breaks after every few bytes is given up.
    private static let progress: Int64 = 64 * 1024

    init(_ client: RegistryClient, _ digest: Digest, size: Int64?, offset: Int64, hash: SHA256?) {
        self.client = client
        self.digest = digest
        self.size = size
        self.offset = offset
        self.hash = hash
        progressMark = offset
        endpoints = client.pullEndpoints[...]
        name = RequestName(method: "GET", address: "\(client.domain)/\(client.repository)@\(digest)")
    }

    /// Asks for the bytes, trying each mirror.
    func open() throws(RegistryError) {
        // An empty rest cannot be asked for by range.
        if let size, offset == size, offset > 0 { return }
        while let endpoint = endpoints.first {
            do throws(RegistryError) {
                response = try request(endpoint)
                return
            } catch {
                try leave(endpoint, error)
            }
        }
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        if let failure { throw .interrupted(failure.description) }
        guard !isComplete, !buffer.isEmpty else { return 0 }
        do throws(RegistryError) {
            let count = try next(into: buffer)
            if count == 0 { try finish() }
            return count
        } catch {
            failure = error
            close()
            throw .interrupted(error.description)
        }
    }

    /// Ends the transfer.
    package func close() {
        response?.close()
        response = nil
    }

    private func next(into buffer: UnsafeMutableRawBufferPointer) throws(RegistryError) -> Int {
        while let response {
            let count: Int
            do throws(TransportFailure) {
                count = try response.read(into: buffer)
                if count == 0, let size, offset < size {
                    throw TransportFailure(.broken, "the answer ends \(size - offset) bytes early")
                }
            } catch {
                try resume(after: error)
                continue
            }
            try received(buffer, count)
            return count
        }
        return 0
    }

    private func received(_ buffer: UnsafeMutableRawBufferPointer, _ count: Int) throws(RegistryError) {
        guard count > 0 else { return }
        offset += Int64(count)
        if let size, offset > size { throw .sizeMismatch(name, expected: size, found: offset) }
        hash?.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if offset - progressMark >= Self.progress {
            progressMark = offset
            attempt = 1
        }
    }

    private func finish() throws(RegistryError) {
        close()
        if let size, offset != size { throw .sizeMismatch(name, expected: size, found: offset) }
        if let hash {
            let found = "sha256:" + hash.finishHex()
            guard found == digest.description else {
                throw .digestMismatch(name, expected: digest.description, found: found)
            }
        }
        isComplete = true
    }

    /// Connects again after a break and goes on at the same byte.
    private func resume(after failure: TransportFailure) throws(RegistryError) {
        close()
        guard failure.isTransientUnderWay else { throw RegistryError(failure, name) }
        var last = RegistryError(failure, name)
        while let endpoint = endpoints.first {
            attempt += 1
            guard attempt <= client.options.retry.attempts else {
                try leave(endpoint, last)
                attempt = 0
                continue
            }
            try client.transport.pause(client.options.retry.delay(before: attempt), name)
            do throws(RegistryError) {
                response = try request(endpoint)
                return
            } catch {
                last = error
                switch error {
                case .interrupted, .unreachable: continue
                default: try leave(endpoint, error)
                }
            }
        }
    }

    /// Turns to the next mirror; throws when there is none.
    private func leave(_ endpoint: Endpoint, _ error: RegistryError) throws(RegistryError) {
        guard endpoints.count > 1, error.mayBeBetterElsewhere else { throw error }
        client.options.onNotice("the mirror \(endpoint.name) does not help: \(error)")
        endpoints = endpoints.dropFirst()
    }

    private func request(_ endpoint: Endpoint) throws(RegistryError) -> RegistryResponse {
        var call = RegistryCall(
            method: "GET", target: .path(client.path("blobs/\(digest)")), headers: ["Accept-Encoding": "identity"],
            scopes: [.pull(client.repository)])
        if offset > 0 { call.headers.set("Range", "bytes=\(offset)-") }
        let response = try endpoint.call(call, expecting: [200, 206])
        name = response.name
        let length = response.headers["Content-Length"].flatMap { Int64($0) }
        if response.status == 206 {
            let range = ContentRange(response.headers["Content-Range"] ?? "")
            guard let range, range.first == offset else {
                response.close()
                throw .badAnswer(name, "the part that came is not the one from byte \(offset)")
            }
            try learn(size: range.size)
        } else {
            try learn(size: length)
            // The registry does not know ranges: the bytes we have come once more.
            try skip(offset, of: response)
        }
        return response
    }

    private func learn(size said: Int64?) throws(RegistryError) {
        guard let said else { return }
        guard let size else {
            size = said
            return
        }
        if said != size { throw .sizeMismatch(name, expected: size, found: said) }
    }

    private func skip(_ count: Int64, of response: RegistryResponse) throws(RegistryError) {
        var left = count
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        while left > 0 {
            do throws(TransportFailure) {
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(left, Int64(buffer.count)))])
                let read = try response.read(into: part)
                guard read > 0 else { throw TransportFailure(.broken, "the answer ends early") }
                left -= Int64(read)
            } catch {
                throw RegistryError(error, name)
            }
        }
    }
}

/// The field `Content-Range: bytes FIRST-LAST/SIZE`.
struct ContentRange: Sendable, Hashable {
    let first: Int64
    /// Nil when it is `*`.
    let size: Int64?

    init?(_ text: String) {
        guard text.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst("bytes ".count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int64(ends[0]), let last = Int64(ends[1]), first >= 0, last >= first else {
            return nil
        }
        self.first = first
        if parts[1] == "*" {
            size = nil
        } else {
            guard let size = Int64(parts[1]), size > last else { return nil }
            self.size = size
        }
    }
}
