import Diagnostics
import OCI

/// Annotations by what they are put on: `manifest[linux/amd64],index:key=value`, as buildx writes them.
///
/// A key without a prefix is for the manifests. Source: Docker documentation, "Annotations".
struct AnnotationPlacement: Sendable, Hashable {
    private struct Entry: Sendable, Hashable {
        var place: Place
        var platform: Platform?
        var key: String
        var value: String
    }

    /// What carries annotations.
    enum Place: String, Sendable, Hashable, CaseIterable {
        case manifest
        case index
        case manifestDescriptor = "manifest-descriptor"
        case indexDescriptor = "index-descriptor"
    }

    private var entries: [Entry] = []

    /// - Parameter annotations: values by their keys, prefixes included.
    /// - Throws: `BuildFailure` (invalid), naming the key.
    init(_ annotations: [String: String]) throws(BuildFailure) {
        for (text, value) in annotations.sorted(by: { $0.key < $1.key }) {
            let (places, key) = try Self.split(text)
            guard !key.isEmpty else {
                throw Self.invalid(text, "it has no key", hint: "write it as `KEY=VALUE` or `index:KEY=VALUE`")
            }
            for place in places {
                entries.append(Entry(place: place.0, platform: place.1, key: key, value: value))
            }
        }
    }

    /// What is put on something of a platform; nil where it has none.
    func of(_ place: Place, platform: Platform? = nil) -> [String: String] {
        var found: [String: String] = [:]
        for entry in entries where entry.place == place {
            if let wanted = entry.platform, wanted.normalized != platform?.normalized { continue }
            found[entry.key] = entry.value
        }
        return found
    }

    /// Whether anything is for an index or for what lists it.
    var needsIndex: Bool { entries.contains { $0.place == .index || $0.place == .indexDescriptor } }

    private static func split(_ text: String) throws(BuildFailure) -> ([(Place, Platform?)], String) {
        // A key may have a colon of its own: what stands before it counts only where all of it are places.
        guard let colon = text.firstIndex(of: ":") else { return ([(.manifest, nil)], text) }
        let words = text[..<colon].split(separator: ",", omittingEmptySubsequences: false)
        var places: [(Place, Platform?)] = []
        for word in words {
            let name = word.prefix { $0 != "[" }
            guard let place = Place(rawValue: String(name)) else { return ([(.manifest, nil)], text) }
            guard name.endIndex != word.endIndex else {
                places.append((place, nil))
                continue
            }
            guard word.hasSuffix("]"), let platform = Platform(String(word.dropFirst(name.count + 1).dropLast())) else {
                throw invalid(text, "`\(word)` names no platform", hint: "write it as `\(name)[linux/amd64]:KEY=VALUE`")
            }
            places.append((place, platform))
        }
        return (places, String(text[text.index(after: colon)...]))
    }

    private static func invalid(_ text: String, _ detail: String, hint: String) -> BuildFailure {
        BuildFailure(
            .invalid,
            Diagnostic(
                code: BuildCode.invalid, summary: "the annotation `\(text)` makes no sense", detail: detail, hint: hint)
        )
    }
}
