/// Makes the relative paths of a model absolute.
struct PathResolution {
    /// The folder they start from.
    let base: String
    /// What `~` stands for.
    let home: String?

    /// A whole project.
    func project(_ model: ComposeMap) -> ComposeMap {
        model.mapValues { entry in
            switch entry.key {
            case "services": each(entry.value, service)
            case "secrets", "configs": each(entry.value) { change($0, ["file": path]) }
            case "volumes": each(entry.value, boundVolume)
            default: entry.value
            }
        }
    }

    /// One service.
    func service(_ node: ComposeNode) -> ComposeNode {
        change(
            node,
            [
                "build": {
                    change(
                        $0,
                        ["context": context, "additional_contexts": { each($0, context) }, "ssh": { list($0, agent) }]
                    )
                },
                "env_file": { list($0) { change($0, ["path": path]) } },
                "label_file": { list($0, path) },
                "develop": { change($0, ["watch": { list($0) { change($0, ["path": path]) } }]) },
                "volumes": { list($0, mount) },
                "credential_spec": { change($0, ["file": path]) },
            ])
    }

    /// One path.
    func path(_ text: String) -> String {
        guard !text.isEmpty, !isWindows(text) else { return text }
        if let home, text == "~" || text.hasPrefix("~/") {
            return AbsolutePath.joined(home, "./" + text.dropFirst())
        }
        return text.hasPrefix("/") ? text : AbsolutePath.joined(base, text)
    }

    /// A context is a path unless it says what else it is (BuildKit's context names).
    func context(_ text: String) -> String {
        let others = ["service:", "github.com/", "git@"]
        guard !text.contains("://"), !others.contains(where: text.hasPrefix) else { return text }
        return path(text)
    }

    private func path(_ node: ComposeNode) -> ComposeNode {
        node.string.map { node.with(.string(path($0))) } ?? node
    }

    private func context(_ node: ComposeNode) -> ComposeNode {
        node.string.map { node.with(.string(context($0))) } ?? node
    }

    private func agent(_ node: ComposeNode) -> ComposeNode {
        guard let text = node.string, let equals = text.firstIndex(of: "=") else { return node }
        let start = text.index(after: equals)
        return node.with(.string(text[..<start] + path(String(text[start...]))))
    }

    private func mount(_ node: ComposeNode) -> ComposeNode {
        node["type"]?.string == "bind" ? change(node, ["source": path]) : node
    }

    /// A volume of the local driver that is a folder of the host.
    private func boundVolume(_ node: ComposeNode) -> ComposeNode {
        guard node["driver"]?.string == "local", let options = node["driver_opts"], options["o"]?.string == "bind"
        else { return node }
        return change(node, ["driver_opts": { change($0, ["device": path]) }])
    }

    private func isWindows(_ text: String) -> Bool {
        let start = Array(text.utf8.prefix(3))
        guard start.count == 3, start[1] == UInt8(ascii: ":") else { return false }
        return start[2] == UInt8(ascii: "\\") || start[2] == UInt8(ascii: "/")
    }

    private func each(_ node: ComposeNode, _ change: (ComposeNode) -> ComposeNode) -> ComposeNode {
        guard let map = node.map else { return node }
        return node.with(.map(map.mapValues { change($0.value) }))
    }

    private func list(_ node: ComposeNode, _ change: (ComposeNode) -> ComposeNode) -> ComposeNode {
        guard let list = node.list else { return node }
        return node.with(.list(list.map(change)))
    }

    private func change(_ node: ComposeNode, _ changes: [String: (ComposeNode) -> ComposeNode]) -> ComposeNode {
        guard let map = node.map, map.entries.contains(where: { changes[$0.key] != nil }) else { return node }
        return node.with(.map(map.mapValues { entry in changes[entry.key]?(entry.value) ?? entry.value }))
    }
}
