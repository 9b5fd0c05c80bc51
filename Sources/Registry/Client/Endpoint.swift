import Archives
import HTTP
import Linux
import Synchronization

/// Content that can be read more than once, from any place on: what is pushed.
package struct BlobContent: Sendable {
    /// Its digest.
    package let digest: String
    /// Its size in bytes.
    package let size: Int64
    /// Opens it at an offset.
    let open: @Sendable (Int64) throws(ArchiveError) -> any ByteSource

    /// Content of a digest and a size, which are promises that the registry checks.
    package init(
        digest: String, size: Int64, open: @escaping @Sendable (Int64) throws(ArchiveError) -> any ByteSource
    ) {
        self.digest = digest
        self.size = size
        self.open = open
    }

    /// Bytes in memory.
    package init(_ bytes: [UInt8]) {
        self.init(digest: "sha256:" + SHA256.hex(of: bytes), size: Int64(bytes.count)) { offset in
            MemorySource(Array(bytes.dropFirst(Int(clamping: offset))))
        }
    }
}

/// One thing asked of an endpoint.
struct RegistryCall {
    enum Target {
        /// A path after the endpoint's base, beginning with `/v2/`, with its query.
        case path(String)
        /// An address the registry gave.
        case address(WebAddress)
    }

    enum Body {
        case none
        case bytes([UInt8])
        /// So many bytes of a content from an offset on.
        case content(BlobContent, from: Int64, count: Int64)
    }

    var method: String
    var target: Target
    var headers: HTTPHeaders = [:]
    var body = Body.none
    var scopes: [AccessScope]
    /// Whether it is made again after a failure that may pass.
    var isRetried = true
}

/// One host that serves a registry's API: the registry itself, or a mirror of it.
final class Endpoint: Sendable {
    /// The name under which its configuration and credentials are kept.
    let name: String
    let isMirror: Bool
    let authenticator: Authenticator
    private let transport: Transport
    /// The addresses it may answer at: https first, then http where that is allowed.
    private let candidates: [WebAddress]
    private let prefix: String
    private let base = Mutex<WebAddress?>(nil)

    /// The registry itself.
    ///
    /// - Parameter domain: as in image references.
    init(domain: String, transport: Transport, authenticator: Authenticator) throws(RegistryError) {
        name = domain
        isMirror = false
        prefix = ""
        let authority = domain == "docker.io" ? "registry-1.docker.io" : domain
        candidates = try Self.candidates(authority, isSecure: nil, isInsecure: transport.settings.isInsecure(domain))
        self.transport = transport
        self.authenticator = authenticator
    }

    /// A mirror.
    init(mirror: MirrorAddress, transport: Transport, authenticator: Authenticator) throws(RegistryError) {
        name = mirror.authority
        isMirror = true
        prefix = mirror.prefix
        candidates = try Self.candidates(
            mirror.authority, isSecure: mirror.isSecure,
            isInsecure: transport.settings.isInsecure(mirror.authority))
        self.transport = transport
        self.authenticator = authenticator
    }

    private static func candidates(
        _ authority: String, isSecure: Bool?, isInsecure: Bool
    ) throws(RegistryError) -> [WebAddress] {
        guard let (host, port) = WebAddress.split(authority: authority) else {
            throw .configuration(path: authority, "this is no registry's host")
        }
        let secure = WebAddress(isSecure: true, host: host, port: port)
        let plain = WebAddress(isSecure: false, host: host, port: port)
        switch isSecure {
        case true?: return [secure]
        case false?: return [plain]
        case nil: return isInsecure ? [secure, plain] : [secure]
        }
    }

    /// Makes a call: authenticates, follows redirects, tries again after failures that may pass.
    ///
    /// - Returns: the response, whatever its status.
    func call(_ call: RegistryCall) throws(RegistryError) -> RegistryResponse {
        let trust = try transport.settings.checkedTrust(for: name)
        var attempt = 1
        while true {
            do throws(RegistryError) {
                let response = try authorized(call, trust)
                guard call.isRetried, RetryPolicy.isTransient(response.status),
                    let delay = transport.retry.delay(before: attempt + 1, headers: response.headers)
                else { return response }
                response.close()
                attempt += 1
                try transport.pause(delay, response.name)
            } catch {
                guard case .interrupted(let name, _) = error, call.isRetried, attempt < transport.retry.attempts else {
                    throw error
                }
                attempt += 1
                try transport.pause(transport.retry.delay(before: attempt), name)
            }
        }
    }

    /// Makes a call and returns its response when the status is one of those expected; else throws what it says.
    func call(_ call: RegistryCall, expecting statuses: Set<Int>) throws(RegistryError) -> RegistryResponse {
        let response = try self.call(call)
        guard statuses.contains(response.status) else { throw ErrorList.error(response) }
        return response
    }

    private func authorized(_ call: RegistryCall, _ trust: TransportTrust) throws(RegistryError) -> RegistryResponse {
        let base = try selectedBase(trust)
        let address: WebAddress
        switch call.target {
        case .path(let path): address = base.with(target: prefix + path)
        case .address(let given): address = given
        }
        guard address.isSecure || !base.isSecure else {
            throw .redirect(
                RequestName(method: call.method, address: address.description),
                "the registry leads from https to http")
        }
        let isOwn = address.hasSameOrigin(as: base)
        var request = WireRequest(
            method: call.method, address: address, headers: call.headers,
            trust: address.host == base.host ? trust : transport.settings.trust(for: address.authority))
        let header = isOwn ? try authenticator.header(call.scopes, trust) : nil
        if let header { request.headers.set("Authorization", header) }
        let response = try transport.follow(request) { () throws(RegistryError) in try Self.body(call) }
        guard response.status == 401, isOwn, response.address.hasSameOrigin(as: base) else { return response }
        guard let next = try authenticator.answer(response, call.scopes, used: header, trust) else { return response }
        response.close()
        request.headers.set("Authorization", next)
        return try transport.follow(request) { () throws(RegistryError) in try Self.body(call) }
    }

    private static func body(_ call: RegistryCall) throws(RegistryError) -> WireBody {
        switch call.body {
        case .none: return .none
        case .bytes(let bytes): return .bytes(bytes)
        case .content(let content, let offset, let count):
            do throws(ArchiveError) {
                return .stream(try content.open(offset), count: count)
            } catch {
                throw .source(RequestName(method: call.method, address: content.digest), error.description)
            }
        }
    }

    /// The address that answers: where both schemes are allowed, the first that does.
    private func selectedBase(_ trust: TransportTrust) throws(RegistryError) -> WebAddress {
        if let known = base.withLock({ $0 }) { return known }
        var failure: RegistryError?
        for (position, candidate) in candidates.enumerated() {
            if position == candidates.count - 1, position == 0 {
                base.withLock { $0 = candidate }
                return candidate
            }
            do throws(RegistryError) {
                let address = candidate.with(target: prefix + "/v2/")
                let response = try transport.send(
                    WireRequest(method: "GET", address: address, headers: [:], trust: trust))
                response.close()
                base.withLock { $0 = candidate }
                return candidate
            } catch {
                if case .cancelled = error { throw error }
                // Where nobody speaks TLS, the sentence of plain HTTP is the one that helps.
                failure = error
            }
        }
        throw failure ?? .configuration(path: name, "this is no registry's host")
    }
}
