import HTTP
import JSONText
import Linux

@testable import Registry

extension FuzzTarget {
    /// What a registry says in fields of its answers.
    static let registryFields = FuzzTarget("registry-fields", mutations: 200) { input in
        let text = String(decoding: input, as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        _ = Challenge.parse(lines)
        _ = ErrorList.parse(input)
        let shown = ErrorList.shown(text)
        try require(shown.unicodeScalars.count <= 301, "text for an error has \(shown.unicodeScalars.count) scalars")
        let base = WebAddress(isSecure: true, host: "registry.example", port: nil, target: "/v2/a/tags/list?n=1")
        if let next = LinkField.next(lines) { try check(base.resolving(next), of: next) }
        for line in lines {
            if let range = ContentRange(line) {
                try require(range.first >= 0 && (range.size ?? .max) >= range.first, "range `\(line)`")
            }
            try check(WebAddress(line), of: line)
            try check(base.resolving(line), of: line)
            if let bytes = Base64.decode(line) {
                try require(Base64.decode(Base64.encode(bytes)) == bytes, "base64 `\(line)`")
            }
        }
        try require(Base64.decode(Base64.encode(input)) == input, "base64 of any bytes")
    }

    private static func check(_ address: WebAddress?, of text: String) throws {
        guard let address else { return }
        try require(
            address.text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "`\(text)` has bytes no request line takes")
        try require(WebAddress(address.text) == address, "`\(text)` is another address as `\(address.text)`")
    }

    /// Files about registries: Docker's `config.json`, and our own.
    static let registryFiles = FuzzTarget("registry-files", mutations: 60) { input in
        _ = parsed { () throws(RegistryError) in try RegistrySettingsFile(path: "registries.json").parse(input) }
        let file = try ScratchFile.make(input)
        let path = "/proc/self/fd/\(file.raw)"
        guard
            let config = parsed({ () throws(RegistryError) in
                try DockerConfigFile(path: path, helperSearchPath: "/nonexistent")
            })
        else { return }
        for domain in ["docker.io", "registry.example:5000"] {
            // A helper of any name is looked for in a folder that is not there.
            _ = parsed { () throws(RegistryError) in try config.credentials(for: domain) }
        }
    }
}
