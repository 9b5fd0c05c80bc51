import Diagnostics
import JSONText
import OCI

/// A checked description of a Debian image: nothing in it can be mistaken for an option or a second argument.
struct DebianRequest: Sendable, Hashable {
    let suite: String
    let packages: [String]
    let mirror: String?
    let variant: String

    /// The smallest variant whose maintainer scripts run; nginx works in it.
    static let defaultVariant = "essential"
    private static let variants = ["essential", "apt", "required", "minbase", "buildd", "important", "standard"]

    /// - Throws: `Diagnostic`, with what is wrong.
    init(_ image: DebianImage) throws(Diagnostic) {
        suite = image.suite
        packages = Array(Set(image.packages)).sorted()
        mirror = image.mirror
        variant = image.variant ?? Self.defaultVariant
        guard Self.isName(suite, extra: ".-") else { throw Self.wrong("`\(suite)` is not the name of a Debian suite") }
        for package in packages where !Self.isName(package, extra: "+.-:") {
            throw Self.wrong("`\(package)` is not the name of a Debian package")
        }
        if !Self.variants.contains(variant) {
            let near = nearest(variant, among: Self.variants)
            throw Diagnostic(
                code: StoreCode.badDebianImage, summary: "`\(variant)` is not a variant of mmdebstrap",
                detail: "known are \(Self.variants.joined(separator: ", "))",
                hint: near.map { "did you mean `\($0)`?" })
        }
        if let mirror {
            let schemes = ["http://", "https://", "file:/", "copy:/"]
            let isPlain = mirror.utf8.allSatisfy { $0 > UInt8(ascii: " ") && $0 < 0x7f } && !mirror.contains("[")
            guard isPlain, schemes.contains(where: { mirror.hasPrefix($0) }) else {
                throw Self.wrong("`\(mirror)` is not the address of a Debian mirror")
            }
        }
    }

    /// What the image is made of, without versions.
    ///
    /// Equal keys with equal locks give equal images.
    var key: String {
        var object = JSONObject()
        object["form"] = .int(1)
        object["suite"] = .string(suite)
        object["packages"] = .array(packages.map { .string($0) })
        if let mirror { object["mirror"] = .string(mirror) }
        object["variant"] = .string(variant)
        object["architecture"] = .string(Platform.host.architecture)
        return JSONValue.object(object).serialized(.canonical)
    }

    /// Lower-case letters and digits first, then these characters too.
    private static func isName(_ text: String, extra: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        guard let first = text.utf8.first, isAlphanumeric(first), text.utf8.count <= 128 else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || extra.utf8.contains($0) }
    }

    private static func wrong(_ summary: String) -> Diagnostic {
        Diagnostic(code: StoreCode.badDebianImage, summary: summary)
    }
}
