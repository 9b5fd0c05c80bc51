import JSONText

/// Reads typed fields of one JSON object and says which field of which document is wrong.
///
/// A field that is absent or `null` counts as not given, as Go's decoder does, which wrote most of these documents.
struct FieldReader {
    let document: String
    let object: JSONObject

    init(document: String, bytes: [UInt8]) throws(OCIError) {
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes)
        } catch {
            throw .notJSON(document: document, reason: error.reason)
        }
        guard let object = value.objectValue else {
            throw .notJSON(document: document, reason: "it is not an object")
        }
        self.init(document: document, object: object)
    }

    init(document: String, object: JSONObject) {
        self.document = document
        self.object = object
    }

    func string(_ key: String) throws(OCIError) -> String? {
        guard let value = given(key) else { return nil }
        guard let text = value.stringValue else { throw bad(key, "a string") }
        return text
    }

    func requiredString(_ key: String) throws(OCIError) -> String {
        guard let text = try string(key) else { throw .missingField(document: document, field: key) }
        return text
    }

    func integer(_ key: String) throws(OCIError) -> Int64? {
        guard let value = given(key) else { return nil }
        guard let number = value.intValue else { throw bad(key, "a whole number") }
        return Int64(number)
    }

    func boolean(_ key: String) throws(OCIError) -> Bool? {
        guard let value = given(key) else { return nil }
        guard let flag = value.boolValue else { throw bad(key, "true or false") }
        return flag
    }

    func strings(_ key: String) throws(OCIError) -> [String]? {
        guard let values = try array(key) else { return nil }
        var texts: [String] = []
        for value in values {
            guard let text = value.stringValue else { throw bad(key, "a list of strings") }
            texts.append(text)
        }
        return texts
    }

    func array(_ key: String) throws(OCIError) -> [JSONValue]? {
        guard let value = given(key) else { return nil }
        guard let values = value.arrayValue else { throw bad(key, "a list") }
        return values
    }

    func reader(_ key: String) throws(OCIError) -> FieldReader? {
        guard let value = given(key) else { return nil }
        guard let object = value.objectValue else { throw bad(key, "an object") }
        return FieldReader(document: "\(document)'s `\(key)`", object: object)
    }

    /// The keys of an object used as a set, such as `ExposedPorts`, in the order written.
    func set(_ key: String) throws(OCIError) -> [String] {
        guard let inner = try reader(key) else { return [] }
        return Array(inner.object.keys)
    }

    /// An object whose values are strings.
    func dictionary(_ key: String) throws(OCIError) -> [String: String] {
        guard let inner = try reader(key) else { return [:] }
        var result: [String: String] = [:]
        for name in inner.object.keys {
            result[name] = try inner.string(name) ?? ""
        }
        return result
    }

    func digest(_ key: String) throws(OCIError) -> Digest {
        let text = try requiredString(key)
        guard let digest = Digest(text) else { throw bad(key, "a digest") }
        return digest
    }

    func bad(_ key: String, _ expected: String) -> OCIError {
        .badField(document: document, field: key, expected: expected)
    }

    private func given(_ key: String) -> JSONValue? {
        guard let value = object[key], value != .null else { return nil }
        return value
    }
}

extension JSONObject {
    /// An object whose keys are the members of a set, sorted so that equal sets give equal bytes.
    static func set(of members: [String]) -> JSONObject {
        var object = JSONObject()
        for member in members.sorted() { object[member] = .object(JSONObject()) }
        return object
    }
}
