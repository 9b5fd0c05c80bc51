import Diagnostics

extension LongNotation {
    /// A map of images' build settings.
    func build(_ node: ComposeNode) -> ComposeNode {
        if node.string != nil { return wrapped(node, in: "context") }
        let list: (ComposeNode) -> ComposeNode = { elements(of: listed($0)) { $0.asText } }
        return change(
            node,
            [
                "args": mapping, "labels": texts, "additional_contexts": mapping, "extra_hosts": hosts, "ssh": agents,
                "secrets": { elements(of: $0, grant) }, "ulimits": { members(of: $0, ulimit) }, "shm_size": size,
                "provenance": { $0.asText }, "sbom": { $0.asText }, "cache_from": list, "cache_to": list,
                "tags": list, "platforms": list, "no_cache_filter": list, "entitlements": list,
            ])
    }

    /// Keys by their names; `default` is the agent that runs.
    private func agents(_ node: ComposeNode) -> ComposeNode {
        if node.map != nil {
            return node.with(
                .list(
                    (node.map?.entries ?? []).map { entry in
                        let path = entry.value.text.map { "=" + $0 } ?? ""
                        return .text(entry.key + path, at: entry.location)
                    }))
        }
        return elements(of: listed(node)) { $0.asText }
    }

    /// A file of variables.
    func environmentFile(_ node: ComposeNode) -> ComposeNode {
        var file = (node.string == nil ? node : wrapped(node, in: "path")).map ?? ComposeMap()
        file.fill("required", .bool(true), at: node.location)
        return node.with(.map(file))
    }

    /// A secret or a config and how the container gets it.
    func grant(_ node: ComposeNode) -> ComposeNode {
        if node.text != nil { return wrapped(node.asText, in: "source") }
        return change(node, ["uid": { $0.asText }, "gid": { $0.asText }, "mode": mode])
    }

    /// File modes are octal, whether YAML took them for numbers or for texts.
    private func mode(_ node: ComposeNode) -> ComposeNode {
        switch node.value {
        case .int(let bits) where bits >= 0: node.with(.string("0" + String(bits, radix: 8)))
        case .string(let text):
            Int64(text, radix: 8).map { node.with(.string("0" + String($0, radix: 8))) } ?? node
        default: node
        }
    }

    /// A device of the host; its name inside is the same where not said, its use is not limited.
    func device(_ node: ComposeNode) -> ComposeNode {
        if var members = node.map, let source = members["source"] {
            members.fill("target", source.value, at: source.location)
            members.fill("permissions", .string("rwm"), at: node.location)
            return node.with(.map(members))
        }
        guard let text = node.string else { return node }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let source = parts.first, parts.count <= 3 else {
            if !isLenient {
                findings.error(
                    "SC2203", "`\(text)` is no device: SOURCE[:TARGET[:PERMISSIONS]] was expected", at: node.location)
            }
            return node
        }
        let target = parts.count > 1 && !parts[1].isEmpty ? parts[1] : source
        var device = ComposeMap()
        device["source"] = .text(source, at: node.location)
        device["target"] = .text(target, at: node.location)
        device["permissions"] = .text(parts.count > 2 ? parts[2] : "rwm", at: node.location)
        return node.with(.map(device))
    }

    /// Services that have to be there before.
    func dependencies(_ node: ComposeNode) -> ComposeNode {
        let isMap = node.map != nil
        return members(of: named(node) { .map(ComposeMap()) }) { dependency in
            var members = dependency.map ?? ComposeMap()
            members.fill("condition", .string("service_started"), at: dependency.location)
            // What a map leaves out may be said by an earlier file: it is filled in after merging.
            if !isMap { members.fill("required", .bool(true), at: dependency.location) }
            return dependency.with(.map(members))
        }
    }

    /// A check's command is a list that says how it is run.
    func healthcheck(_ node: ComposeNode) -> ComposeNode {
        change(
            node,
            [
                "test": { test in
                    guard let text = test.text else { return elements(of: test) { $0.asText } }
                    return test.with(
                        .list([.text("CMD-SHELL", at: test.location), .text(text, at: test.location)]))
                },
                "interval": duration, "timeout": duration, "start_period": duration, "start_interval": duration,
                "retries": number,
            ])
    }

    /// `NAME=ADDRESS` texts; brackets around addresses go.
    func hosts(_ node: ComposeNode) -> ComposeNode {
        var texts: [ComposeNode] = []
        func add(_ name: String, _ address: String, at location: SourceLocation) {
            let isBracketed = address.count > 2 && address.hasPrefix("[") && address.hasSuffix("]")
            let plain = isBracketed ? String(address.dropFirst().dropLast()) : address
            texts.append(.text("\(name)=\(plain)", at: location))
        }
        for entry in node.map?.entries ?? [] {
            for address in entry.value.list ?? [entry.value] {
                add(entry.key, address.text ?? "", at: entry.location)
            }
        }
        for element in node.list ?? [] {
            guard let text = element.text else { continue }
            guard let separator = text.firstIndex(of: "=") ?? text.firstIndex(of: ":"), separator > text.startIndex
            else {
                if isLenient {
                    texts.append(element)
                } else {
                    findings.error(
                        "SC2204", "`\(text)` has no address: NAME=ADDRESS was expected", at: element.location)
                }
                continue
            }
            for address in text[text.index(after: separator)...].split(separator: ",") {
                add(String(text[..<separator]), String(address), at: element.location)
            }
        }
        return node.with(.list(texts))
    }

    /// Graphics processors; `all` is a request for all there are.
    func gpus(_ node: ComposeNode) -> ComposeNode {
        guard node.string != nil else { return elements(of: node, deviceRequest) }
        return node.with(.list([deviceRequest(wrapped(node, in: "count"))]))
    }

    private func deviceRequest(_ node: ComposeNode) -> ComposeNode {
        change(
            node,
            [
                "count": { $0.string == "all" ? $0.with(.int(-1)) : number($0) },
                "options": mapping, "device_ids": { elements(of: $0) { $0.asText } },
            ])
    }

    /// What orchestrators read, and the limits.
    func deploy(_ node: ComposeNode) -> ComposeNode {
        let resource: (ComposeNode) -> ComposeNode = {
            change(
                $0, ["memory": size, "cpus": decimal, "pids": number, "devices": { elements(of: $0, deviceRequest) }])
        }
        let update: (ComposeNode) -> ComposeNode = {
            change($0, ["delay": duration, "monitor": duration, "parallelism": number])
        }
        return change(
            node,
            [
                "labels": texts, "replicas": number, "update_config": update, "rollback_config": update,
                "resources": { change($0, ["limits": resource, "reservations": resource]) },
                "restart_policy": {
                    change($0, ["delay": duration, "window": duration, "max_attempts": number])
                },
            ])
    }

    /// A number with a fraction, also where it is written as a text.
    func decimal(_ node: ComposeNode) -> ComposeNode {
        guard let text = node.string else { return node }
        if let whole = Int64(text) { return node.with(.int(whole)) }
        return Double(text).map { node.with(.double($0)) } ?? node
    }

    /// What is watched while developing.
    func develop(_ node: ComposeNode) -> ComposeNode {
        let list: (ComposeNode) -> ComposeNode = { elements(of: listed($0)) { $0.asText } }
        let exec: (ComposeNode) -> ComposeNode = { change($0, ["command": command, "environment": mapping]) }
        return change(
            node,
            ["watch": { elements(of: $0) { change($0, ["ignore": list, "include": list, "exec": exec]) } }])
    }

    /// Rates of block devices.
    func blockInput(_ node: ComposeNode) -> ComposeNode {
        let rates: (ComposeNode) -> ComposeNode = { elements(of: $0) { change($0, ["rate": size]) } }
        return change(
            node,
            [
                "device_read_bps": rates, "device_write_bps": rates, "device_read_iops": rates,
                "device_write_iops": rates,
            ])
    }

    /// A network of the project.
    func network(_ node: ComposeNode) -> ComposeNode {
        let pools: (ComposeNode) -> ComposeNode = { elements(of: $0) { change($0, ["aux_addresses": mapping]) } }
        return change(resource(node), ["ipam": { change($0, ["config": pools, "options": mapping]) }])
    }

    /// Anything of the top level: labels, options, and `external: {name: …}` of old files.
    func resource(_ node: ComposeNode) -> ComposeNode {
        let resource = change(node, ["labels": texts, "driver_opts": mapping])
        guard let external = resource["external"], let old = external.map, var members = resource.map else {
            return resource
        }
        members["external"] = external.with(.bool(true))
        if let name = old["name"] {
            if let given = members["name"], given.text != name.text {
                findings.error(
                    "SC2205", "`name` and `external.name` differ", at: name.location, hint: "keep only `name`",
                    notes: ["`name` is at \(given.location)"])
            }
            members["name"] = name
            findings.warning(
                "SC2206", "`external: {name: …}` is an old form", at: external.location,
                hint: "write `name: \(name.text ?? "")` and `external: true`")
        }
        return resource.with(.map(members))
    }
}
