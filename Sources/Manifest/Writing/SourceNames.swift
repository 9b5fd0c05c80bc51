import StackModel

/// Swift names for the resources of a document.
struct SourceNames {
    private var variables: [ResourceAddress: String] = [:]
    private var taken: Set<String> = []

    /// Names that are no names of variables.
    private static let keywords: Set<String> = [
        "actor", "any", "as", "associatedtype", "async", "await", "break", "case", "catch", "class", "continue",
        "default", "defer", "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for",
        "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "name", "nil", "number",
        "open", "operator", "package", "precedencegroup", "private", "protocol", "public", "repeat", "resources",
        "rethrows", "return", "self", "some", "static", "struct", "subscript", "super", "switch", "throw", "throws",
        "true", "try", "typealias", "var", "where", "while", "print", "main",
    ]

    /// Names of types that a manifest uses, or that it must not hide.
    private static let types: Set<String> = [
        "Annotation", "Any", "Array", "Attach", "Bool", "BuildContext", "BuildOptions", "ByteCount", "Capabilities",
        "CgroupParent", "Command", "Component", "ConfigFile", "Container", "ContainerBuilder",
        "ContainerSettings", "Copy", "DebianSuite", "DependsOn", "Device", "DeviceLimit", "DeviceRequest", "DeviceRule",
        "Dictionary", "Domainname", "Double", "Duration", "Entrypoint", "Env", "Error", "Expose", "ExtraHost", "From",
        "GPUs", "Groups", "HealthTest", "Healthcheck", "HostProgram", "Hostname", "Image", "ImageRegistry",
        "ImageSettings", "Init", "Input", "Int", "KeepAnonymousVolumes", "Label", "Limit", "Link", "Logging",
        "MACAddress", "Mount", "Named", "NamespaceMode", "Namespaces", "Network", "NetworkMode", "OOMScore", "OneShot",
        "OpenInput", "Optional", "Output", "PlatformChoice", "PostStart", "PreStop", "Privileged", "Propagation",
        "Protect", "Protocol", "Publish", "Pull", "Push", "ReadOnlyRoot", "Readiness", "Reference", "Resolver",
        "Resources", "Restart", "Run", "Running", "Runtime", "SecretFile", "SecurityOptions", "Self", "Set",
        "SharedMemory", "Stack", "Stage", "Stop", "StorageOption", "String", "Subnet", "Swift", "Sysctl", "Tag",
        "Terminal", "Text", "Type", "Ulimit", "Update", "User", "Void", "Volume", "VolumePath", "VolumesFrom",
        "Workdir", "Add", "StackDSL",
    ]

    /// The name of a variable; nil for a resource that is not declared.
    subscript(address: ResourceAddress) -> String? {
        variables[ResourceAddress(kind: address.kind, name: address.name)]
    }

    /// Takes a name that nothing else gets.
    mutating func reserve(_ name: String) -> String {
        var free = name
        var count = 2
        while taken.contains(free) || Self.keywords.contains(free) {
            free = "\(name)\(count)"
            count += 1
        }
        taken.insert(free)
        return free
    }

    /// Gives a resource its name: its own in Swift's writing, with its kind where that is taken.
    mutating func add(_ address: ResourceAddress) {
        let kind = address.kind.rawValue
        let capital = kind.prefix(1).uppercased() + kind.dropFirst()
        let plain = Self.variable(address.name)
        let isFree = !plain.isEmpty && !taken.contains(plain) && !Self.keywords.contains(plain)
        variables[address] = reserve(isFree ? plain : plain.isEmpty ? kind : plain + capital)
    }

    /// `shop/site:2` is `shopSite2`.
    static func variable(_ name: String) -> String {
        let words = words(name)
        guard let first = words.first else { return "" }
        let isShouted = first == first.uppercased()
        let head = isShouted ? first.lowercased() : first.prefix(1).lowercased() + first.dropFirst()
        let text = head + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        return text.first?.isNumber == true ? "_" + text : text
    }

    /// `web-shop` is `WebShop`.
    static func type(_ name: String) -> String {
        let text = words(name).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        if text.isEmpty { return "Project" }
        if text.first?.isNumber == true { return "Stack\(text)" }
        return types.contains(text) ? "\(text)Stack" : text
    }

    private static func words(_ name: String) -> [String] {
        name.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }.map(String.init)
    }
}
