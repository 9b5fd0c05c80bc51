import CTLS

/// OpenSSL's libssl, bound when the first context is made.
enum TLSLibrary {
    private struct Bound: @unchecked Sendable {  // SAFETY: the entry points are written once, before this is made.
        var calls: UnsafePointer<tls_library>?
        var reason = ""
    }

    private static let bound: Bound = {
        var reason: UnsafePointer<CChar>?
        if let calls = tls_library_load(&reason) { return Bound(calls: calls) }
        return Bound(calls: nil, reason: reason.map { String(cString: $0) } ?? "no reason is known")
    }()

    /// The entry points.
    ///
    /// - Throws: `TLSError.libraryMissing`.
    static func calls() throws(TLSError) -> UnsafePointer<tls_library> {
        guard let calls = bound.calls else { throw .libraryMissing(bound.reason) }
        return calls
    }
}

extension UnsafePointer<tls_library> {
    /// Forgets the thread's errors, so that the next reason is of the next call.
    func forgetErrors() { pointee.ERR_clear_error() }

    /// Why the last call failed, in OpenSSL's words; empties the thread's queue.
    func takeReason() -> String {
        let code = pointee.ERR_get_error()
        defer { forgetErrors() }
        guard code != 0, let text = pointee.ERR_reason_error_string(code) else { return "OpenSSL gives no reason" }
        return String(cString: text)
    }
}
