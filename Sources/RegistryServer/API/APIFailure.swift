import HTTP
import JSONText
import Linux
import OCI
import Registry

/// What the registry answers instead of what was asked for.
///
/// Source: OCI distribution specification, "Error Codes".
struct APIFailure: Error, Sendable, Equatable {
    enum Code: String, Sendable {
        case blobUnknown = "BLOB_UNKNOWN"
        case uploadInvalid = "BLOB_UPLOAD_INVALID"
        case uploadUnknown = "BLOB_UPLOAD_UNKNOWN"
        case digestInvalid = "DIGEST_INVALID"
        case manifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN"
        case manifestInvalid = "MANIFEST_INVALID"
        case manifestUnknown = "MANIFEST_UNKNOWN"
        case nameInvalid = "NAME_INVALID"
        case nameUnknown = "NAME_UNKNOWN"
        case sizeInvalid = "SIZE_INVALID"
        case unauthorized = "UNAUTHORIZED"
        case denied = "DENIED"
        case unsupported = "UNSUPPORTED"
        case tooManyRequests = "TOOMANYREQUESTS"
        /// Not of the specification, which has no word for faults of the server; that of Docker's registry.
        case unknown = "UNKNOWN"
    }

    let status: Int
    let code: Code
    let message: String
    /// What the failure is about, one entry each; empty for one without.
    var details: [JSONValue] = []
    var headers: HTTPHeaders = [:]

    init(_ status: Int, _ code: Code, _ message: String, headers: HTTPHeaders = [:], details: [JSONValue] = []) {
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.details = details
    }

    /// The body of the answer.
    var body: [UInt8] {
        let entries = (details.isEmpty ? [JSONValue.null] : details).map { detail -> JSONValue in
            var entry = JSONObject()
            entry["code"] = .string(code.rawValue)
            entry["message"] = .string(message)
            if !detail.isNull { entry["detail"] = detail }
            return .object(entry)
        }
        return JSONValue.object(["errors": .array(entries)]).serializedBytes(.compact)
    }

    /// The fields of the answer.
    var fields: HTTPHeaders {
        var fields: HTTPHeaders = ["Content-Type": "application/json"]
        for field in headers.fields { fields.add(field.name, field.value) }
        return fields
    }

    /// What an error of any kind is to a client.
    static func of(_ error: any Error) -> APIFailure {
        switch error {
        case let failure as APIFailure: failure
        case let error as HTTPError:
            APIFailure(error.status, error.status == 413 ? .sizeInvalid : .unsupported, error.text)
        case let error as SystemError where error.errno == .ENOSPC || error.errno == Errno(122):  // EDQUOT
            APIFailure(507, .unknown, "the registry has no room left")
        case let error as OCIError: APIFailure(400, .manifestInvalid, error.description)
        case let missing as MissingReferences: of(missing)
        case let error as RegistryError: UpstreamFailure.failure(error)
        // A path of the server is nothing to show to a client; the log has it.
        default: APIFailure(500, .unknown, "the registry failed to do this; its log says why")
        }
    }

    private static func of(_ missing: MissingReferences) -> APIFailure {
        if missing.unknown.isEmpty {
            return APIFailure(
                400, .sizeInvalid, "the manifest gives another size than the blob has",
                details: missing.otherSize.map { .string($0.description) })
        }
        return APIFailure(
            404, .manifestBlobUnknown, "the manifest names what the repository does not have",
            details: missing.unknown.map { .object(["digest": .string($0.description)]) })
    }

    static let badName = APIFailure(
        400, .nameInvalid,
        "this is no repository name: lower-case letters and digits, separated by one of . _ __ - and by /, at most "
            + "\(RepositoryName.lengthLimit) bytes")

    static let badDigest = APIFailure(
        400, .digestInvalid, "this is no digest: sha256: and 64, or sha512: and 128 lower-case hexadecimal digits")

    static let badReference = APIFailure(
        400, .manifestInvalid, "this is neither a tag (letters, digits, `_`, `.`, `-`; at most 128) nor a digest")

    static let unknownUpload = APIFailure(
        404, .uploadUnknown, "there is no such upload in this repository: it is over, or it was dropped")

    static let unknownBlob = APIFailure(404, .blobUnknown, "the repository has no such blob")
    static let unknownManifest = APIFailure(404, .manifestUnknown, "the repository has no such manifest or tag")
    static let unknownRepository = APIFailure(404, .nameUnknown, "there is no such repository")
    static let noSuchPage = APIFailure(404, .unsupported, "this registry has nothing at this address")

    static func wrongMethod(_ allowed: String) -> APIFailure {
        APIFailure(405, .unsupported, "this address takes \(allowed)", headers: ["Allow": allowed])
    }
}
