import CCurl
import Linux
import Synchronization

/// libcurl, bound on first use.
// SAFETY: addresses of functions that are never changed after loading. Variadic ones among them hide that from Swift.
struct CurlLibrary: @unchecked Sendable {  // SAFETY: see above
    let calls: curl_library

    /// The library, or why it cannot be used.
    static let shared: Result<CurlLibrary, TransportFailure> = {
        var calls = curl_library()
        if let reason = curl_library_load(&calls) {
            return .failure(TransportFailure(.library, String(cString: reason)))
        }
        // OpenSSL writes to sockets without MSG_NOSIGNAL.
        Signals.ignoreBrokenPipe()
        return .success(CurlLibrary(calls: calls))
    }()
}

/// One easy handle on one multi handle, which keeps connections open between requests.
// SAFETY: used by one exchange at a time; between exchanges the pool alone has it.
final class CurlHandle: @unchecked Sendable {  // SAFETY: see above
    let calls: curl_library
    let easy: UnsafeMutableRawPointer
    let multi: UnsafeMutableRawPointer

    init() throws(TransportFailure) {
        calls = try CurlLibrary.shared.get().calls
        let (easy, multi) = withUnsafePointer(to: calls) { (curl_new_easy($0), curl_new_multi($0)) }
        guard let easy, let multi else {
            withUnsafePointer(to: calls) { calls in
                if let easy { curl_free_easy(calls, easy) }
                if let multi { curl_free_multi(calls, multi) }
            }
            throw TransportFailure(.library, "libcurl has no memory for a handle")
        }
        self.easy = easy
        self.multi = multi
    }

    deinit {
        withUnsafePointer(to: calls) {
            curl_free_easy($0, easy)
            curl_free_multi($0, multi)
        }
    }

    func withCalls<Answer>(_ body: (UnsafePointer<curl_library>) -> Answer) -> Answer {
        withUnsafePointer(to: calls, body)
    }

    func set(_ option: Int, _ number: Int) {
        _ = withCalls { curl_set_number($0, easy, Int32(option), number) }
    }

    func set(_ option: Int, size: Int64) {
        _ = withCalls { curl_set_size($0, easy, Int32(option), size) }
    }

    func set(_ option: Int, _ text: String) {
        _ = withCalls { calls in text.withCString { curl_set_text(calls, easy, Int32(option), $0) } }
    }

    func set(_ option: Int, pointer: UnsafeRawPointer?) {
        _ = withCalls { curl_set_pointer($0, easy, Int32(option), pointer) }
    }
}

/// Handles that are not in use, with their open connections.
final class CurlPool: Sendable {
    private let idle = Mutex<[CurlHandle]>([])
    /// As many as layers are pulled at once, and some.
    private static let limit = 8

    func take() throws(TransportFailure) -> CurlHandle {
        if let handle = idle.withLock({ $0.popLast() }) { return handle }
        return try CurlHandle()
    }

    func give(_ handle: CurlHandle) {
        handle.withCalls { curl_reset($0, handle.easy) }
        idle.withLock { if $0.count < Self.limit { $0.append(handle) } }
    }
}
