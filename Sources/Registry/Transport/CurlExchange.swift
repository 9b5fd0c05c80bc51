import Archives
import CCurl
import HTTP
import Linux

/// What a request carries.
enum WireBody {
    case none
    case bytes([UInt8])
    /// A stream and how many bytes of it are sent.
    case stream(any ByteSource, count: Int64)
}

/// One request as it goes out.
struct WireRequest {
    var method: String
    var address: WebAddress
    var headers: HTTPHeaders
    var body: WireBody = .none
    var trust: TransportTrust
}

/// How long a peer may take.
package struct TransferLimits: Sendable, Hashable {
    /// To connect, TLS included.
    package var connectSeconds = 30
    /// Without a single byte either way.
    package var silence = Duration.seconds(60)
    /// For a whole small answer: a manifest, a token, a list.
    package var smallAnswer = Duration.seconds(180)

    /// The defaults.
    package init() {}
}

/// One request and its response, driven by the thread that reads it.
final class CurlExchange {
    private let handle: CurlHandle
    private let pool: CurlPool
    private let state: TransferState
    private let limits: TransferLimits
    private let isCancelled: @Sendable () -> Bool
    private var headerList: OpaquePointer?
    /// The body where it is bytes, and curl's sentence about a failure: both where curl finds them all the time.
    private let posted: UnsafeMutableRawBufferPointer
    private let complaint: UnsafeMutablePointer<CChar>
    /// A CURLcode; nil while the transfer goes on.
    private var outcome: Int32?
    private var isClosed = false
    private var lastMovement = Clock.monotonic()
    private var lastProgress: UInt64 = 0

    /// The status of the response; 0 before `readHead`.
    var status: Int { state.status }
    /// The fields of the response.
    var headers: HTTPHeaders { state.headers }

    init(
        _ request: WireRequest, pool: CurlPool, limits: TransferLimits, isCancelled: @escaping @Sendable () -> Bool
    ) throws(TransportFailure) {
        handle = try pool.take()
        self.pool = pool
        self.limits = limits
        self.isCancelled = isCancelled
        state = TransferState(body: request.body)
        complaint = .allocate(capacity: 256)
        complaint.initialize(repeating: 0, count: 256)
        var bytes: [UInt8] = []
        if case .bytes(let given) = request.body { bytes = given }
        posted = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        posted.copyBytes(from: bytes)
        configure(request)
        _ = handle.withCalls { curl_add($0, handle.multi, handle.easy) }
    }

    deinit { close() }

    /// Ends the exchange; a connection with unread bytes is closed, another is kept for later.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        handle.withCalls {
            _ = curl_remove($0, handle.multi, handle.easy)
            if let headerList { curl_list_free($0, headerList) }
        }
        pool.give(handle)
        complaint.deallocate()
        posted.deallocate()
    }

    /// Waits for the head of the response.
    func readHead() throws(TransportFailure) {
        let state = state
        try drive { state.headIsComplete }
        if !state.headIsComplete { throw TransportFailure(.broken, "the connection was closed without an answer") }
    }

    /// Reads bytes of the body; 0 is its end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportFailure) -> Int {
        guard !buffer.isEmpty, !isClosed else { return 0 }
        let waited = state.takeWaiting(into: buffer)
        if waited > 0 { return waited }
        let state = state
        return try state.receiving(into: buffer) { () throws(TransportFailure) in
            if state.isPaused, outcome == nil {
                state.resumed()
                _ = handle.withCalls { curl_resume($0, handle.easy) }
            }
            if !state.hasBytes { try drive { state.hasBytes } }
        }
    }

    /// Runs the transfer until something is there or it ended.
    private func drive(until isReady: () -> Bool) throws(TransportFailure) {
        // What the reader does between two reads is not the peer's silence.
        lastMovement = Clock.monotonic()
        while outcome == nil, !isReady() {
            let code = handle.withCalls { curl_perform($0, handle.multi) }
            guard code == 0 else { throw TransportFailure(.library, "libcurl answers \(code)") }
            let ended = handle.withCalls { curl_outcome($0, handle.multi, handle.easy) }
            if ended >= 0 { outcome = ended }
            if outcome != nil || isReady() { break }
            try checkTime()
            _ = handle.withCalls { curl_wait($0, handle.multi, 200) }
        }
        if let outcome, outcome != 0, !isReady() { throw failure(outcome) }
    }

    private func checkTime() throws(TransportFailure) {
        if isCancelled() { throw TransportFailure(.cancelled, "cancelled") }
        let now = Clock.monotonic()
        if state.progress != lastProgress {
            lastProgress = state.progress
            lastMovement = now
        } else if now - lastMovement > limits.silence.wholeNanoseconds {
            throw TransportFailure(.silence, "nothing came for \(limits.silence)")
        }
    }

    private func failure(_ code: Int32) -> TransportFailure {
        if let failure = state.failure { return failure }
        let own = String(cString: complaint)
        let general =
            handle.withCalls { curl_explain($0, code).map { String(cString: $0) } } ?? "libcurl's code \(code)"
        return TransportFailure(Self.kind(Int(code)), own.isEmpty ? general : own)
    }

    private static func kind(_ code: Int) -> TransportFailure.Kind {
        switch code {
        case curl_code_unresolved_host, curl_code_unresolved_proxy: .unresolved
        case curl_code_unconnected: .unconnected
        case curl_code_timeout: .unconnected
        case curl_code_tls_connect: .handshake
        case curl_code_untrusted: .untrusted
        case curl_code_own_certificate, curl_code_bad_authority_file: .ownCertificate
        case curl_code_partial, curl_code_nothing, curl_code_send, curl_code_receive, curl_code_rewind: .broken
        default: .badReply
        }
    }
}

extension CurlExchange {
    private func configure(_ request: WireRequest) {
        handle.set(curl_option_url, request.address.text)
        handle.set(curl_option_method, request.method)
        handle.set(curl_option_error_buffer, pointer: complaint)
        handle.set(curl_option_user_agent, "stackctl")
        handle.set(curl_option_no_signal, 1)
        // CURLPROTO_HTTP and CURLPROTO_HTTPS.
        handle.set(curl_option_protocols, 3)
        // CURL_HTTP_VERSION_1_1: a paused HTTP/2 stream would go on filling its window.
        handle.set(curl_option_http_version, 2)
        handle.set(curl_option_path_as_is, 1)
        handle.set(curl_option_suppress_connect_headers, 1)
        handle.set(curl_option_tcp_keepalive, 1)
        handle.set(curl_option_connect_seconds, limits.connectSeconds)
        handle.set(curl_option_buffer_size, 256 * 1024)
        handle.set(curl_option_upload_buffer_size, 256 * 1024)
        if LoopbackHost.contains(request.address.host) { handle.set(curl_option_no_proxy, "*") }
        configure(request.trust)
        configure(request.method, request.body)
        setHeaders(request.headers)
        let context = Unmanaged.passUnretained(state).toOpaque()
        handle.withCalls { curl_set_callbacks($0, handle.easy, receiveBody, receiveHead, sendBody, context) }
    }

    private func configure(_ trust: TransportTrust) {
        handle.set(curl_option_verify_peer, trust.isVerified ? 1 : 0)
        handle.set(curl_option_verify_host, trust.isVerified ? 2 : 0)
        if !trust.authorities.isEmpty {
            _ = handle.withCalls { calls in
                trust.authorities.withUnsafeBytes { curl_set_authorities(calls, handle.easy, $0.baseAddress, $0.count) }
            }
        }
        if let certificate = trust.clientCertificate { handle.set(curl_option_client_certificate, certificate) }
        if let key = trust.clientKey { handle.set(curl_option_client_key, key) }
    }

    private func configure(_ method: String, _ body: WireBody) {
        switch body {
        case .none where method == "HEAD": handle.set(curl_option_no_body, 1)
        case .none where method == "GET" || method == "DELETE": handle.set(curl_option_get, 1)
        case .none: post(count: 0)
        case .bytes(let bytes): post(count: bytes.count)
        case .stream(_, let count):
            handle.set(curl_option_upload, 1)
            handle.set(curl_option_upload_size, size: count)
        }
    }

    private func post(count: Int) {
        handle.set(curl_option_post, 1)
        handle.set(curl_option_post_size, size: Int64(count))
        handle.set(curl_option_post_fields, pointer: posted.baseAddress)
    }

    private func setHeaders(_ headers: HTTPHeaders) {
        var fields = headers
        // curl would say `application/x-www-form-urlencoded` by itself.
        if fields["Content-Type"] == nil { fields.add("Content-Type", "") }
        var list: OpaquePointer?
        for field in fields.fields {
            // A value may hold a name from outside: it must never begin a new line.
            let clean = String(decoding: field.value.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
            let line = clean.isEmpty ? "\(field.name):" : "\(field.name): \(clean)"
            list = handle.withCalls { calls in line.withCString { curl_list_append(calls, list, $0) } }
        }
        headerList = list
        handle.set(curl_option_headers, pointer: list.map { UnsafeRawPointer($0) })
    }
}

private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let state = Unmanaged<TransferState>.fromOpaque(context).takeUnretainedValue()
    return state.receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func receiveHead(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let state = Unmanaged<TransferState>.fromOpaque(context).takeUnretainedValue()
    return state.receiveHead(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
}

private func sendBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let state = Unmanaged<TransferState>.fromOpaque(context).takeUnretainedValue()
    return state.send(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
}
