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

    var json: JSONObject {
        var object = JSONObject()
        object["architecture"] = .string(architecture)
        object["os"] = .string(os)
        if let variant { object["variant"] = .string(variant) }
        return object
    }
}
