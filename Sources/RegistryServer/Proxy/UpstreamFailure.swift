import HTTP
import Registry

/// What a failure of the registry upstream is to our clients.
enum UpstreamFailure {
    static func failure(_ error: RegistryError) -> APIFailure {
        switch error {
        case .notFound: APIFailure(404, .manifestUnknown, "the upstream registry has no such thing")
        case .unauthorized, .denied:
            // Another name and password of the client's would not help: it is ours that upstream refuses.
            APIFailure(403, .denied, "the upstream registry does not let this one have it")
        case .refused(_, status: 429, _, _):
            APIFailure(
                429, .tooManyRequests, "the upstream registry wants fewer requests", headers: ["Retry-After": "60"])
        case .unsupportedDigest:
            APIFailure(404, .blobUnknown, "only sha256 digests are fetched from upstream")
        case .interrupted, .unreachable: APIFailure(504, .unknown, "the upstream registry does not answer")
        default: APIFailure(502, .unknown, "the upstream registry answers what cannot be used")
        }
    }

    /// Whether upstream could not be asked, so that what is stored is the best there is.
    static func isOutage(_ error: RegistryError) -> Bool {
        switch error {
        case .notFound, .unauthorized, .denied: false
        default: true
        }
    }
}
