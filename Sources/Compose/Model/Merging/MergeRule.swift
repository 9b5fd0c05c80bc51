/// How two values of one attribute become one (compose-spec, "Merge and override").
indirect enum MergeRule: Sendable {
    /// Maps merge, lists are appended, everything else is replaced.
    case general
    /// The later value replaces the earlier one.
    case replace
    /// A list in which a later element takes the place of the one with its key.
    case unique(@Sendable (ComposeNode) -> String)
    /// A map, with rules of its own for some members.
    case members([String: MergeRule])
    /// A map of names, all of one rule.
    case each(MergeRule)
    /// Options of one driver mean nothing to another.
    case logging

    /// The rule of a member.
    subscript(key: String) -> MergeRule {
        switch self {
        case .members(let rules): rules[key] ?? .general
        case .each(let rule): rule
        case .general, .replace, .unique, .logging: .general
        }
    }

    /// A whole project.
    static let project = members([
        "services": each(service), "networks": each(network),
    ])

    /// A service, in long notation.
    static let service = members(
        [
            "command": replace, "entrypoint": replace,
            // A later variable without a value takes the environment's, whatever an earlier file says.
            "environment": each(replace),
            "healthcheck": members(["test": replace]),
            "ports": unique(portKey), "volumes": unique { memberKey($0, "target") },
            "devices": unique { memberKey($0, "target") }, "tmpfs": unique(pathKey),
            "secrets": unique { grantKey($0, folder: "/run/secrets/") },
            "configs": unique { grantKey($0, folder: "/") },
            "env_file": unique { memberKey($0, "path") },
            "build": build, "logging": logging, "ulimits": each(replace),
            "networks": each(members(["aliases": uniqueTexts, "link_local_ips": uniqueTexts])),
        ].merging(
            [
                "cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "expose", "links", "profiles",
                "extra_hosts", "label_file",
            ].map { ($0, uniqueTexts) }
        ) { first, _ in first })

    private static let build = members([
        "args": each(replace), "ulimits": each(replace),
        "extra_hosts": uniqueTexts, "tags": uniqueTexts, "platforms": uniqueTexts,
        "secrets": unique { grantKey($0, folder: "/run/secrets/") },
    ])

    private static let network = members(["ipam": members(["config": unique { memberKey($0, "subnet") }])])

    private static let uniqueTexts = unique { $0.text ?? "" }

    /// What a list element of maps is told apart by; an element that could not be read stands for itself.
    @Sendable
    private static func memberKey(_ node: ComposeNode, _ member: String) -> String {
        node[member]?.text ?? node.text ?? ""
    }

    /// The path of a tmpfs without its options.
    @Sendable
    private static func pathKey(_ node: ComposeNode) -> String { String((node.text ?? "").prefix { $0 != ":" }) }

    @Sendable
    private static func grantKey(_ node: ComposeNode, folder: String) -> String {
        if let target = node["target"]?.string { return target.hasPrefix("/") ? target : folder + target }
        return folder + (node["source"]?.string ?? node.text ?? "")
    }

    /// Address, published and target port, and protocol.
    @Sendable
    private static func portKey(_ node: ComposeNode) -> String {
        guard let target = node["target"]?.text else { return node.text ?? "" }
        let address = node["host_ip"]?.string ?? "0.0.0.0"
        let published = node["published"]?.text ?? ""
        return "\(address):\(published):\(target)/\(node["protocol"]?.string ?? "tcp")"
    }
}
