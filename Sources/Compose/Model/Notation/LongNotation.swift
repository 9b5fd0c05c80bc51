import Diagnostics

/// Writes the short notations of one file out, so that merging meets only long ones.
///
/// What a tag asks of merging stays with its value.
struct LongNotation {
    let findings: Findings
    /// Whether a text that cannot be read may hold a variable that was not replaced, and so stays as it is.
    let isLenient: Bool

    /// A whole file.
    func file(_ tree: ComposeMap) -> ComposeMap {
        tree.mapValues { entry in
            guard let members = entry.value.map else { return entry.value }
            let long: (ComposeNode) -> ComposeNode
            switch entry.key {
            case "services": long = service
            case "networks": long = network
            case "volumes", "secrets", "configs": long = resource
            default: return entry.value
            }
            return entry.value.with(.map(members.mapValues { long($0.value) }))
        }
    }

    /// One service.
    func service(_ node: ComposeNode) -> ComposeNode {
        guard let members = node.map else { return node }
        return node.with(.map(members.mapValues { attribute($0.key, $0.value) }))
    }

    private func attribute(_ key: String, _ node: ComposeNode) -> ComposeNode {
        if node.isNull || node.instruction == .reset { return node }
        switch key {
        case "build": return build(node)
        case "command", "entrypoint": return command(node)
        case "environment": return mapping(node)
        case "labels", "annotations", "sysctls", "storage_opt": return texts(node)
        case "env_file": return elements(of: listed(node), environmentFile)
        case "ports": return ports(node)
        case "volumes": return elements(of: node, volume)
        case "devices": return elements(of: node, device)
        case "secrets", "configs": return elements(of: node, grant)
        case "networks", "models": return named(node) { .null }
        case "depends_on": return dependencies(node)
        case "healthcheck": return healthcheck(node)
        case "ulimits": return members(of: node, ulimit)
        case "extra_hosts": return hosts(node)
        case "extends": return node.string == nil ? node : wrapped(node, in: "service")
        case "gpus": return gpus(node)
        case "deploy": return deploy(node)
        case "develop": return develop(node)
        case "blkio_config": return blockInput(node)
        case "logging": return change(node, ["options": mapping])
        case "post_start", "pre_stop", "pre_start":
            return elements(of: node) { change($0, ["command": command, "environment": mapping]) }
        case "mem_limit", "mem_reservation", "memswap_limit", "shm_size", "mem_swappiness": return size(node)
        case "cpus", "cpu_percent": return decimal(node)
        case "scale", "pids_limit", "cpu_shares", "cpu_quota", "cpu_period", "cpu_count", "oom_score_adj":
            return number(node)
        case "stop_grace_period": return duration(node)
        case "pid", "ipc", "hostname", "user", "container_name", "stop_signal", "cpuset", "mac_address":
            return node.asText
        case "dns", "dns_search", "tmpfs", "label_file", "expose", "group_add", "dns_opt", "cap_add", "cap_drop",
            "security_opt", "device_cgroup_rules", "links", "external_links", "volumes_from", "profiles":
            return elements(of: listed(node)) { $0.asText }
        default: return node
        }
    }

    // MARK: Shapes

    /// A list, of one element where there is only that.
    func listed(_ node: ComposeNode) -> ComposeNode {
        node.text == nil ? node : node.with(.list([ComposeNode(node.value, at: node.location)]))
    }

    /// A list with every element changed.
    func elements(of node: ComposeNode, _ change: (ComposeNode) -> ComposeNode) -> ComposeNode {
        guard let list = node.list else { return node }
        return node.with(.list(list.map { $0.instruction == .reset ? $0 : change($0) }))
    }

    /// A map with every value changed.
    func members(of node: ComposeNode, _ change: (ComposeNode) -> ComposeNode) -> ComposeNode {
        guard let map = node.map else { return node }
        return node.with(.map(map.mapValues { $0.value.instruction == .reset ? $0.value : change($0.value) }))
    }

    /// A map with some values changed.
    func change(_ node: ComposeNode, _ changes: [String: (ComposeNode) -> ComposeNode]) -> ComposeNode {
        guard let map = node.map else { return node }
        return node.with(
            .map(
                map.mapValues { entry in
                    guard let change = changes[entry.key], !entry.value.isNull, entry.value.instruction != .reset
                    else { return entry.value }
                    return change(entry.value)
                }))
    }

    /// A map of one member.
    func wrapped(_ node: ComposeNode, in key: String) -> ComposeNode {
        node.with(
            .map(
                ComposeMap([
                    ComposeMap.Entry(
                        key: key, value: ComposeNode(node.value, at: node.location), location: node.location)
                ])))
    }

    /// A list of names as a map from them.
    func named(_ node: ComposeNode, _ value: () -> ComposeNode.Value) -> ComposeNode {
        guard let list = node.list else { return node }
        return node.with(
            .map(
                ComposeMap(
                    list.compactMap { element in
                        element.text.map {
                            ComposeMap.Entry(
                                key: $0, value: ComposeNode(value(), at: element.location), location: element.location)
                        }
                    })))
    }

    /// `KEY=VALUE` texts, or a map, as a map of texts; a key alone has null.
    func mapping(_ node: ComposeNode) -> ComposeNode {
        guard let list = node.list else { return members(of: node) { $0.asText } }
        return node.with(
            .map(
                ComposeMap(
                    list.compactMap { element -> ComposeMap.Entry? in
                        guard let text = element.text else { return nil }
                        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
                            return ComposeMap.Entry(
                                key: text, value: ComposeNode(.null, at: element.location), location: element.location)
                        }
                        let value = text[text.utf8.index(after: equals)...]
                        return ComposeMap.Entry(
                            key: String(text[..<equals]), value: .text(String(value), at: element.location),
                            location: element.location)
                    })))
    }

    /// A mapping whose keys alone have an empty text.
    func texts(_ node: ComposeNode) -> ComposeNode {
        members(of: mapping(node)) { $0.isNull ? $0.with(.string("")) : $0 }
    }

    // MARK: Scalars

    /// Words of a command.
    func command(_ node: ComposeNode) -> ComposeNode {
        guard let text = node.text else { return elements(of: node) { $0.asText } }
        guard let split = CommandWords(text) else {
            if !isLenient {
                findings.error(
                    "SC2201", "a quote in this command is not closed", at: node.location,
                    hint: "close it, or write the command as a list of words")
            }
            return node
        }
        if let word = split.shellWord {
            findings.warning(
                "SC2202", "`\(word)` is given to the program as a word: no shell reads a command", at: node.location,
                hint: "write [\"sh\", \"-c\", \"…\"] to have a shell read it")
        }
        return node.with(.list(split.words.map { .text($0, at: node.location) }))
    }

    /// Bytes as a text.
    func size(_ node: ComposeNode) -> ComposeNode {
        guard let text = node.text, let bytes = ComposeSize.bytes(text) else { return node }
        return node.with(.string(String(bytes)))
    }

    /// A duration as Docker writes it.
    func duration(_ node: ComposeNode) -> ComposeNode {
        guard let text = node.text, let nanoseconds = ComposeDuration.nanoseconds(text) else { return node }
        return node.with(.string(ComposeDuration.text(nanoseconds: nanoseconds)))
    }

    /// A whole number, also where it is written as a text.
    func number(_ node: ComposeNode) -> ComposeNode {
        guard let text = node.string, let number = Int64(text) else { return node }
        return node.with(.int(number))
    }

    /// A soft and a hard limit, or one number for both.
    func ulimit(_ node: ComposeNode) -> ComposeNode {
        node.map == nil ? number(node) : members(of: node, number)
    }
}
