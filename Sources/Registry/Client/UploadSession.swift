import HTTP
import OCI

/// How a blob's bytes are sent.
package enum UploadMode: Sendable, Hashable {
    /// In one request up to 32 MiB, in chunks of that size beyond it.
    case automatic
    /// In one request.
    case monolithic
    /// In chunks of so many bytes; the registry may ask for larger ones.
    case chunked(Int64)
}

/// What pushing a blob came to.
package enum UploadOutcome: Sendable, Hashable {
    /// The repository had it.
    case existed
    /// The registry took it from the other repository, and nothing was sent.
    case mounted
    /// It was sent.
    case uploaded
}

/// An upload under way: the place to send to, and how far it is.
struct UploadSession {
    private let endpoint: Endpoint
    private let content: BlobContent
    private let scopes: [AccessScope]
    private var location: WebAddress
    /// Least size of a chunk but the last, as the registry asks.
    private let leastChunk: Int64
    /// Bytes the registry has.
    private(set) var offset: Int64 = 0

    /// The session that a 202 to a POST opened.
    init(
        _ response: RegistryResponse, endpoint: Endpoint, content: BlobContent, scopes: [AccessScope]
    ) throws(RegistryError) {
        self.endpoint = endpoint
        self.content = content
        self.scopes = scopes
        location = try Self.location(response)
        leastChunk = response.headers["OCI-Chunk-Min-Length"].flatMap { Int64($0) } ?? 0
    }

    /// Sends all bytes that are missing and names the digest, in one request.
    func sendWhole() throws(RegistryError) {
        var call = call("PUT", location.adding(query: "digest", RequestTarget.encoded(content.digest)))
        call.headers.set("Content-Type", "application/octet-stream")
        call.body = .content(content, from: offset, count: content.size - offset)
        if offset > 0 { call.headers.set("Content-Range", "\(offset)-\(content.size - 1)") }
        try endpoint.call(call, expecting: [200, 201, 204]).close()
    }

    /// Sends the next chunk.
    mutating func sendChunk(_ wanted: Int64) throws(RegistryError) {
        let count = min(max(wanted, leastChunk, 1), content.size - offset)
        var call = call("PATCH", location)
        call.headers.set("Content-Type", "application/octet-stream")
        call.headers.set("Content-Range", "\(offset)-\(offset + count - 1)")
        call.body = .content(content, from: offset, count: count)
        let response = try endpoint.call(call, expecting: [200, 201, 202, 204])
        defer { response.close() }
        location = try Self.location(response)
        offset = try Self.received(response, upTo: content.size) ?? offset + count
    }

    /// Names the digest of what was sent in chunks.
    func finish() throws(RegistryError) {
        var call = call("PUT", location.adding(query: "digest", RequestTarget.encoded(content.digest)))
        call.isRetried = true
        try endpoint.call(call, expecting: [200, 201, 204]).close()
    }

    /// Asks how far the registry is.
    mutating func recover() throws(RegistryError) {
        var call = call("GET", location)
        call.isRetried = true
        let response = try endpoint.call(call, expecting: [200, 202, 204])
        defer { response.close() }
        if response.headers["Location"] != nil { location = try Self.location(response) }
        // No range, or `0-0`, is what an upload without bytes has.
        offset = try Self.received(response, upTo: content.size) ?? 0
        if offset == 1 { offset = 0 }
    }

    /// Tells the registry that nothing more comes; it forgets the upload by itself otherwise.
    func cancel() {
        var call = call("DELETE", location)
        call.isRetried = false
        (try? endpoint.call(call))?.close()
    }

    private func call(_ method: String, _ address: WebAddress) -> RegistryCall {
        RegistryCall(method: method, target: .address(address), scopes: scopes, isRetried: false)
    }

    private static func location(_ response: RegistryResponse) throws(RegistryError) -> WebAddress {
        guard let text = response.headers["Location"], let address = response.address.resolving(text) else {
            throw .badAnswer(response.name, "the answer to an upload has no usable `Location`")
        }
        return address
    }

    /// The bytes a `Range: 0-LAST` says are there; nil without the field.
    private static func received(_ response: RegistryResponse, upTo size: Int64) throws(RegistryError) -> Int64? {
        guard let text = response.headers["Range"] else { return nil }
        let range = text.hasPrefix("bytes=") ? text.dropFirst("bytes=".count) : Substring(text)
        let ends = range.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, ends[0] == "0", let last = Int64(ends[1]), last >= -1, last < max(size, 1) else {
            throw .badAnswer(response.name, "`Range: \(ErrorList.shown(text))` cannot be of this upload")
        }
        return last + 1
    }
}
