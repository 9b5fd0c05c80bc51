import Diagnostics

/// What an attribute means where nothing is said, of those that `--no-normalize` keeps.
struct ServiceDefaults {
    /// A whole project.
    func project(_ model: ComposeMap) -> ComposeMap {
        guard let services = model["services"], let members = services.map else { return model }
        var result = model
        result["services"] = services.with(.map(members.mapValues { service($0.value) }))
        return result
    }

    private func service(_ node: ComposeNode) -> ComposeNode {
        guard let members = node.map else { return node }
        return node.with(
            .map(
                members.mapValues { entry in
                    switch entry.key {
                    case "build": build(entry.value)
                    case "ports": each(entry.value) { filled($0, [("protocol", "tcp"), ("mode", "ingress")]) }
                    case "secrets": each(entry.value, secret)
                    case "volumes": each(entry.value, volume)
                    case "gpus": each(entry.value, deviceRequest)
                    case "deploy": deploy(entry.value)
                    case "depends_on": dependencies(entry.value)
                    default: entry.value
                    }
                }))
    }

    private func build(_ node: ComposeNode) -> ComposeNode { filled(node, [("context", ".")]) }

    private func secret(_ node: ComposeNode) -> ComposeNode {
        guard let source = node["source"]?.string else { return node }
        return filled(node, [("target", "/run/secrets/" + source)])
    }

    /// A folder of the host is made where it is missing, unless the file says otherwise.
    private func volume(_ node: ComposeNode) -> ComposeNode {
        guard var members = node.map, let bind = members["bind"], var options = bind.map else { return node }
        options.fill("create_host_path", .bool(true), at: bind.location)
        members["bind"] = bind.with(.map(options))
        return node.with(.map(members))
    }

    private func dependencies(_ node: ComposeNode) -> ComposeNode {
        guard let members = node.map else { return node }
        return node.with(
            .map(
                members.mapValues { entry in
                    guard var dependency = entry.value.map else { return entry.value }
                    dependency.fill("required", .bool(true), at: entry.value.location)
                    return entry.value.with(.map(dependency))
                }))
    }

    private func deviceRequest(_ node: ComposeNode) -> ComposeNode {
        guard var members = node.map, members["count"] == nil, members["device_ids"] == nil else { return node }
        members["count"] = ComposeNode(.int(-1), at: node.location)
        return node.with(.map(members))
    }

    private func deploy(_ node: ComposeNode) -> ComposeNode {
        change(node, "resources") { resources in
            change(resources, "reservations") { change($0, "devices") { each($0, deviceRequest) } }
        }
    }

    private func change(
        _ node: ComposeNode, _ key: String, _ change: (ComposeNode) -> ComposeNode
    ) -> ComposeNode {
        guard var members = node.map, let value = members[key] else { return node }
        members[key] = change(value)
        return node.with(.map(members))
    }

    private func each(_ node: ComposeNode, _ change: (ComposeNode) -> ComposeNode) -> ComposeNode {
        node.list.map { node.with(.list($0.map(change))) } ?? node
    }

    private func filled(_ node: ComposeNode, _ defaults: [(String, String)]) -> ComposeNode {
        guard var members = node.map else { return node }
        for (key, text) in defaults { members.fill(key, .string(text), at: node.location) }
        return node.with(.map(members))
    }
}
