import JSONText
import OCI

/// A statement in in-toto's form: what is said (`predicate`) of which artifacts.
///
/// Source: in-toto attestation framework, Statement v0.1, which is what BuildKit writes and its readers look for.
enum Statement {
    /// The artifacts by their names in package URLs, as BuildKit has them; `_` where there is no name.
    static func subjects(
        named names: [ImageReference], platform: Platform, digest: Digest
    ) -> [(name: String, digest: Digest)] {
        guard !names.isEmpty else { return [("_", digest)] }
        return names.map { (PackageURL.docker($0, platform: platform).text, digest) }
    }

    /// The bytes of a statement; equal values give equal bytes.
    static func bytes(
        _ predicate: JSONObject, of subjects: [(name: String, digest: Digest)], type: String
    ) -> [UInt8] {
        var object = JSONObject()
        object["_type"] = "https://in-toto.io/Statement/v0.1"
        object["predicateType"] = .string(type)
        object["subject"] = .array(
            subjects.map { subject in
                var entry = JSONObject()
                entry["name"] = .string(subject.name)
                entry["digest"] = .object(.strings([subject.digest.algorithm.rawValue: subject.digest.hex]))
                return .object(entry)
            })
        object["predicate"] = .object(predicate)
        return JSONValue.object(object).serializedBytes(.compact)
    }
}
