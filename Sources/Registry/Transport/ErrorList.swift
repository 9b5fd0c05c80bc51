import HTTP
import JSONText

/// Makes a typed error of a response that says no.
enum ErrorList {
    /// Most bytes of an error's body that are read, and most entries that are kept.
    static let limit = (bytes: 64 * 1024, entries: 8)

    /// Reads the body, closes the response, and says what it means.
    static func error(_ response: RegistryResponse) -> RegistryError {
        // A body that cannot be read leaves the status to speak.
        let body = (try? response.collect("the error", limit: limit.bytes)) ?? []
        let complaints = parse(body)
        switch response.status {
        case 401: return .unauthorized(response.name, complaints)
        case 403: return .denied(response.name, complaints)
        case 404: return .notFound(response.name, complaints)
        default:
            return .refused(response.name, status: response.status, complaints, excerpt: excerpt(body))
        }
    }

    /// The entries of `{"errors":[{"code":…,"message":…}]}`, or of the `{"details":…}` some token servers send.
    static func parse(_ body: [UInt8]) -> [RegistryComplaint] {
        guard let value = try? JSONValue.parse(body, limits: JSONLimits(depth: 32, bytes: limit.bytes)) else {
            return []
        }
        if let entries = value["errors"]?.arrayValue {
            return entries.prefix(limit.entries).compactMap { entry in
                let code = entry["code"]?.stringValue ?? ""
                let message = entry["message"]?.stringValue ?? ""
                guard !code.isEmpty || !message.isEmpty else { return nil }
                return RegistryComplaint(code: shown(code), message: shown(message))
            }
        }
        for key in ["details", "message", "error_description", "error"] {
            if let text = value[key]?.stringValue { return [RegistryComplaint(code: shown(text), message: "")] }
        }
        return []
    }

    /// The beginning of a body as one line.
    static func excerpt(_ body: [UInt8]) -> String { shown(String(decoding: body.prefix(600), as: UTF8.self)) }

    /// Text from outside in one line of bounded length, without control characters.
    static func shown(_ text: String) -> String {
        var result = ""
        var isSpace = true
        for scalar in text.unicodeScalars.prefix(1000) {
            let isBlank = scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
            if isBlank {
                if !isSpace { result.unicodeScalars.append(" ") }
            } else if scalar.properties.generalCategory != .format {
                result.unicodeScalars.append(scalar)
            }
            isSpace = isBlank
            if result.unicodeScalars.count >= 300 { return result + "…" }
        }
        return result.hasSuffix(" ") ? String(result.dropLast()) : result
    }
}

/// Reads JSON answers and says what came when it is none.
enum JSONAnswer {
    /// The whole body as a JSON object.
    ///
    /// - Throws: `RegistryError.badAnswer` naming what was asked of whom, with the type and the beginning of what came.
    static func object(
        _ response: RegistryResponse, _ what: String, limit: Int
    ) throws(RegistryError) -> (value: JSONValue, bytes: [UInt8]) {
        let type = response.headers.mediaType ?? "no type"
        let bytes = try response.collect(what, limit: limit)
        if let value = try? JSONValue.parse(bytes), value.objectValue != nil { return (value, bytes) }
        let start = bytes.isEmpty ? "nothing" : "`\(ErrorList.excerpt(Array(bytes.prefix(120))))`"
        throw .badAnswer(
            response.name, "\(what) is not JSON but \(ErrorList.shown(type)), and begins with \(start)")
    }
}
