/// Why an OCI document was refused.
package enum OCIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes are not JSON.
    case notJSON(document: String, reason: String)
    /// A field is absent that the specification requires.
    case missingField(document: String, field: String)
    /// A field has another type or form than the specification gives it.
    case badField(document: String, field: String, expected: String)
    /// The document is of a kind that is not read here.
    case unsupportedMediaType(document: String, mediaType: String)

    package var description: String {
        switch self {
        case .notJSON(let document, let reason): "the \(document) is not JSON: \(reason)"
        case .missingField(let document, let field): "the \(document) has no `\(field)`"
        case .badField(let document, let field, let expected): "`\(field)` of the \(document) is not \(expected)"
        case .unsupportedMediaType(let document, let mediaType):
            "the \(document) has the media type `\(mediaType)`, which is not supported"
        }
    }
}
