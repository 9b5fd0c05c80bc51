import HTTP
import Linux

/// Sends requests and follows redirects, with what the configuration says of each host.
final class Transport: Sendable {
    let settings: RegistrySettings
    let retry: RetryPolicy
    private let limits: TransferLimits
    private let isCancelled: @Sendable () -> Bool
    private let pool = CurlPool()

    /// Most redirects of one request.
    static let redirectLimit = 5

    init(
        settings: RegistrySettings, retry: RetryPolicy, limits: TransferLimits,
        isCancelled: @escaping @Sendable () -> Bool
    ) {
        self.settings = settings
        self.retry = retry
        self.limits = limits
        self.isCancelled = isCancelled
    }

    /// Sends one request and waits for the head of its response, which may be a redirect.
    func send(_ request: WireRequest) throws(RegistryError) -> RegistryResponse {
        let name = RequestName(method: request.method, address: request.address.description)
        do throws(TransportFailure) {
            let exchange = try CurlExchange(request, pool: pool, limits: limits, isCancelled: isCancelled)
            try exchange.readHead()
            return RegistryResponse(
                name: name, address: request.address, exchange: exchange,
                deadline: Clock.monotonic() + limits.smallAnswer.wholeNanoseconds)
        } catch {
            throw RegistryError(error, name)
        }
    }

    /// Sends a request and follows redirects.
    ///
    /// The `Authorization` field goes to the first origin only.
    /// - Parameter body: makes the body anew for each request.
    func follow(
        _ request: WireRequest, body: () throws(RegistryError) -> WireBody
    ) throws(RegistryError) -> RegistryResponse {
        var request = request
        let first = request.address
        let authorization = request.headers["Authorization"]
        let firstTrust = request.trust
        for _ in 0...Self.redirectLimit {
            request.body = try body()
            let response = try send(request)
            guard let next = try redirect(response, request) else { return response }
            response.close()
            request.headers.remove("Authorization")
            if next.hasSameOrigin(as: first), let authorization { request.headers.set("Authorization", authorization) }
            request.trust = next.host == first.host ? firstTrust : settings.trust(for: next.authority)
            request.address = next
        }
        throw .redirect(
            RequestName(method: request.method, address: first.description),
            "it leads from one redirect to the next, more than \(Self.redirectLimit) times")
    }

    /// Where a response says to go instead; nil when it is the answer.
    private func redirect(
        _ response: RegistryResponse, _ request: WireRequest
    ) throws(RegistryError) -> WebAddress? {
        let isSafe = request.method == "GET" || request.method == "HEAD"
        // Others than these would make a GET of what was asked.
        guard [307, 308].contains(response.status) || isSafe && [301, 302, 303].contains(response.status) else {
            return nil
        }
        guard let location = response.headers["Location"] else {
            throw .redirect(response.name, "the answer \(response.status) has no `Location`")
        }
        guard let next = request.address.resolving(location) else {
            throw .redirect(response.name, "`\(location.prefix(200))` is no http or https address")
        }
        if request.address.isSecure, !next.isSecure {
            throw .redirect(response.name, "it leads from https to \(next), which is not encrypted")
        }
        return next
    }

    /// Waits before the next try.
    func pause(_ duration: Duration, _ name: RequestName) throws(RegistryError) {
        let end = Clock.monotonic() + duration.wholeNanoseconds
        while true {
            if isCancelled() { throw .cancelled(name) }
            let left = end - Clock.monotonic()
            if left <= 0 { return }
            Clock.block(for: .nanoseconds(min(left, 100_000_000)))
        }
    }
}

/// A response whose body is still to be read.
final class RegistryResponse {
    let name: RequestName
    /// Where it came from, after redirects.
    let address: WebAddress
    private let exchange: CurlExchange
    /// When a small answer must be there, on the monotonic clock.
    private let deadline: Int64

    init(name: RequestName, address: WebAddress, exchange: CurlExchange, deadline: Int64) {
        self.name = name
        self.address = address
        self.exchange = exchange
        self.deadline = deadline
    }

    var status: Int { exchange.status }
    var headers: HTTPHeaders { exchange.headers }

    /// Reads bytes of the body; 0 is its end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportFailure) -> Int {
        try exchange.read(into: buffer)
    }

    /// The whole body, then closes.
    ///
    /// - Parameters:
    ///   - what: what the body is, for messages.
    ///   - limit: most bytes of it.
    func collect(_ what: String, limit: Int) throws(RegistryError) -> [UInt8] {
        defer { close() }
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count: Int
            do throws(TransportFailure) {
                count = try exchange.read(into: buffer)
            } catch {
                throw RegistryError(error, name)
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else { throw .tooLarge(name, what: what, limit: limit) }
            guard Clock.monotonic() < deadline else {
                throw RegistryError(TransportFailure(.silence, "\(what) comes too slowly"), name)
            }
            bytes.append(contentsOf: buffer[..<count])
        }
    }

    /// Ends it; what was not read is dropped.
    func close() { exchange.close() }
}
