import OCI

/// A package URL: `pkg:deb/debian/curl@7.88.1?arch=amd64`.
///
/// Source: package-url specification (ECMA-427).
struct PackageURL: Sendable, Hashable {
    var type: String
    /// Parts of the namespace, such as a distribution.
    var namespace: [String] = []
    var name: String
    var version: String?
    var qualifiers: [String: String] = [:]

    init(_ type: String, namespace: [String] = [], name: String, version: String?, qualifiers: [String: String] = [:]) {
        self.type = type
        self.namespace = namespace.filter { !$0.isEmpty }
        self.name = name
        self.version = version
        self.qualifiers = qualifiers
    }

    /// The URL of an image as BuildKit writes it: the familiar name, the tag as the version.
    static func docker(_ reference: ImageReference, platform: Platform?) -> PackageURL {
        var parts = reference.familiarRepository.split(separator: "/").map(String.init)
        let name = parts.popLast() ?? reference.path
        var url = PackageURL("docker", namespace: parts, name: name, version: reference.tag)
        url.qualifiers["digest"] = reference.digest?.description
        url.qualifiers["platform"] = platform?.description
        return url
    }

    /// The canonical form.
    var text: String {
        var text = "pkg:\(type)/"
        text += (namespace + [name]).map { Self.encoded($0) }.joined(separator: "/")
        if let version, !version.isEmpty { text += "@" + Self.encoded(version) }
        let pairs = qualifiers.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
        if !pairs.isEmpty {
            text += "?" + pairs.map { "\($0.key)=\(Self.encoded($0.value))" }.joined(separator: "&")
        }
        return text
    }

    private static func encoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: ":"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
