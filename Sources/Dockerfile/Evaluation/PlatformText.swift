/// Platforms as `--platform` and TARGETPLATFORM write them.
///
/// Source: containerd/platforms, `Parse` and `Normalize`.
enum PlatformText {
    private static let systems: Set<String> = [
        "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
        "openbsd", "plan9", "solaris", "windows", "zos",
    ]
    private static let architectures: Set<String> = [
        "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips", "mipsle", "mips64",
        "mips64le", "mips64p32", "mips64p32le", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x",
        "sparc", "sparc64", "wasm",
    ]

    /// The normal form, `os/architecture[/variant]`; nil where it is no platform.
    ///
    /// - Parameter build: what is taken for what is not said.
    static func normalized(_ text: String, build: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { $0.lowercased() }
        guard (1...3).contains(parts.count), parts.allSatisfy(isPart) else { return nil }
        let (system, architecture, _) = self.parts(build)
        if parts.count == 1 {
            if systems.contains(self.system(parts[0])) { return joined(self.system(parts[0]), architecture, "") }
            let (name, variant) = normal(parts[0], "")
            guard architectures.contains(name) else { return nil }
            return joined(system, name, variant)
        }
        let (name, variant) = normal(parts[1], parts.count > 2 ? parts[2] : "")
        return joined(self.system(parts[0]), name, variant)
    }

    /// System, architecture, variant; empty where it has none.
    static func parts(_ platform: String) -> (system: String, architecture: String, variant: String) {
        let parts = platform.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        return (parts.first ?? "", parts.count > 1 ? parts[1] : "", parts.count > 2 ? parts[2] : "")
    }

    private static func system(_ name: String) -> String { name == "macos" ? "darwin" : name }

    private static func isPart(_ part: String) -> Bool {
        !part.isEmpty && part.utf8.count <= 64
            && part.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E
                    || $0 == 0x28 || $0 == 0x29
            }
    }

    private static func normal(_ architecture: String, _ variant: String) -> (String, String) {
        switch (architecture, variant) {
        case ("i386", _): ("386", "")
        case ("x86_64", _), ("x86-64", _): ("amd64", variant == "v1" ? "" : variant)
        case ("amd64", "v1"): ("amd64", "")
        case ("aarch64", "8"), ("aarch64", "v8"), ("aarch64", ""): ("arm64", "")
        case ("aarch64", _): ("arm64", variant)
        case ("arm64", "8"), ("arm64", "v8"): ("arm64", "")
        case ("armhf", _): ("arm", "v7")
        case ("armel", _): ("arm", "v6")
        case ("arm", ""), ("arm", "7"): ("arm", "v7")
        case ("arm", "5"), ("arm", "6"), ("arm", "8"): ("arm", "v" + variant)
        default: (architecture, variant)
        }
    }

    private static func joined(_ system: String, _ architecture: String, _ variant: String) -> String {
        "\(system)/\(architecture)" + (variant.isEmpty ? "" : "/\(variant)")
    }
}

/// Names of images as people write them: no registry and no `library/` where they are Docker Hub's.
enum FamiliarName {
    /// What a named context of this name replaces.
    static func of(_ reference: String) -> String {
        var name = reference[...]
        for host in ["docker.io/", "index.docker.io/"] where name.hasPrefix(host) { name = name.dropFirst(host.count) }
        if name.hasPrefix("library/") { name = name.dropFirst("library/".count) }
        if name.hasSuffix(":latest") { name = name.dropLast(":latest".count) }
        return String(name)
    }
}
