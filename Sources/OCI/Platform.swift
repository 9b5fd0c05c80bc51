import JSONText

/// An operating system and processor that an image is for.
///
/// Source: OCI image specification, image-index.md, "platform"; names are those of Go (`linux`, `amd64`, `arm64`).
package struct Platform: Sendable, Hashable, CustomStringConvertible {
    /// The operating system, such as `linux`.
    package var os: String

    /// The processor, such as `amd64`.
    package var architecture: String

    /// The processor's variant, such as `v7` of `arm`.
    package var variant: String?

    package init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    /// The platform this program runs on.
    package static var host: Platform {
        #if arch(x86_64)
        Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
        Platform(os: "linux", architecture: "arm64", variant: "v8")
        #else
        Platform(os: "linux", architecture: "unknown")
        #endif
    }

    /// Reads `os/architecture[/variant]`; nil for any other form.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        var rest = parts.makeIterator()
        guard let os = rest.next(), let architecture = rest.next() else { return nil }
        self.init(os: os, architecture: architecture, variant: rest.next())
    }

    package var description: String {
        os + "/" + architecture + (variant.map { "/" + $0 } ?? "")
    }

    /// The platform with the names that images use: `x86_64` is `amd64`, and the variant every processor of the kind
    /// has is left out for `amd64` and given for `arm` and `arm64`.
    ///
    /// Source: containerd, platforms, `normalizeArch`.
    package var normalized: Platform {
        var result = self
        result.os = os.lowercased() == "macos" ? "darwin" : os.lowercased()
        switch architecture.lowercased() {
        case "amd64", "x86_64", "x86-64":
            result.architecture = "amd64"
            if variant == "v1" || variant == "" { result.variant = nil }
        case "arm64", "aarch64":
            result.architecture = "arm64"
            result.variant = ["8", "", nil].contains(variant) ? "v8" : variant
        case "armhf": (result.architecture, result.variant) = ("arm", "v7")
        case "armel": (result.architecture, result.variant) = ("arm", "v6")
        case "arm":
            result.architecture = "arm"
            result.variant = variant.map { $0.isEmpty ? "v7" : $0.hasPrefix("v") ? $0 : "v" + $0 } ?? "v7"
        case "386", "i386":
            result.architecture = "386"
            result.variant = nil
        case let other: result.architecture = other
        }
        return result
    }

    /// The platforms whose programs run on this one, the best first.
    ///
    /// A processor runs programs for the lower variants of its kind; a 64-bit ARM does not count on 32-bit programs.
    package var accepted: [Platform] {
        let wanted = normalized
        guard let variant = wanted.variant, let level = Int(variant.dropFirst()), variant.hasPrefix("v"),
            let lowest = ["arm": 5, "arm64": 8, "amd64": 1][wanted.architecture], (lowest...99).contains(level)
        else { return [wanted] }
        return (lowest...level).reversed().map { level in
            Platform(os: wanted.os, architecture: wanted.architecture, variant: "v\(level)").normalized
        }
    }

    /// The members of the specification's `platform`.
    package var json: JSONObject {
        var object = JSONObject()
        object["architecture"] = .string(architecture)
        object["os"] = .string(os)
        if let variant { object["variant"] = .string(variant) }
        return object
    }
}
