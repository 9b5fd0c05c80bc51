import Diagnostics
import JSONText
import StackModel

/// Limits and devices.
extension ComposeServiceExport {
    private var place: SourceLocation { ComposeExportWork.nowhere }

    private static let limits: [(attribute: String, key: String)] = [
        ("memory", "mem_limit"), ("memoryReservation", "mem_reservation"), ("memorySwap", "memswap_limit"),
        ("swappiness", "mem_swappiness"), ("pids", "pids_limit"), ("cpuShares", "cpu_shares"),
        ("cpuQuota", "cpu_quota"), ("cpuPeriod", "cpu_period"), ("cpuRealtimePeriod", "cpu_rt_period"),
        ("cpuRealtimeRuntime", "cpu_rt_runtime"), ("cpuset", "cpuset"), ("oomKillDisable", "oom_kill_disable"),
    ]

    mutating func exportLimits() {
        if let bytes = rest["shmSize"]?.intValue {
            rest["shmSize"] = nil
            set("shm_size", String(bytes))
        }
        guard var limits = rest["limits"]?.objectValue else { return }
        rest["limits"] = nil
        for (attribute, key) in Self.limits { service[key] = limits.take(attribute) }
        for key in ["mem_limit", "mem_reservation", "memswap_limit"] {
            if let bytes = service[key]?.int { set(key, String(bytes)) }
        }
        if let nano = limits["nanoCPUs"]?.intValue {
            limits["nanoCPUs"] = nil
            service["cpus"] = ComposeNode(.double(Double(nano) / 1e9), at: place)
        }
        exportBlockLimits(&limits)
        // What compose has no word for.
        for key in limits.keys { rest["limits.\(key)"] = limits[key] }
    }

    private mutating func exportBlockLimits(_ limits: inout JSONObject) {
        var block = ComposeMap()
        block["weight"] = limits.take("blkioWeight")
        for (attribute, key) in [
            ("blkioWeightDevices", "weight_device"), ("readBps", "device_read_bps"), ("writeBps", "device_write_bps"),
            ("readIops", "device_read_iops"), ("writeIops", "device_write_iops"),
        ] { block[key] = limits.take(attribute) }
        if !block.isEmpty { service["blkio_config"] = ComposeNode(.map(block), at: place) }
    }

    mutating func exportDevices() {
        var devices: [ComposeNode] = []
        for device in rest["devices"]?.arrayValue ?? [] {
            var device = device.objectValue ?? JSONObject()
            var node = ComposeMap()
            for (attribute, key) in [("source", "source"), ("target", "target"), ("access", "permissions")] {
                node[key] = device.take(attribute)
            }
            devices.append(ComposeNode(.map(node), at: place))
        }
        rest["devices"] = nil
        var reserved: [ComposeNode] = []
        for request in rest["deviceRequests"]?.arrayValue ?? [] {
            if request["driver"] == "cdi", let names = request["ids"]?.arrayValue?.compactMap(\.stringValue) {
                devices += names.map { name in
                    .map([("source", .string(name, at: place)), ("target", .string(name, at: place))], at: place)
                }
                continue
            }
            reserved.append(self.request(request.objectValue ?? JSONObject()))
        }
        rest["deviceRequests"] = nil
        if !devices.isEmpty { service["devices"] = ComposeNode(.list(devices), at: place) }
        if !reserved.isEmpty {
            deploy["resources"] = .map(
                [("reservations", .map([("devices", ComposeNode(.list(reserved), at: place))], at: place))], at: place)
        }
    }

    private func request(_ request: JSONObject) -> ComposeNode {
        var request = request
        var node = ComposeMap()
        let alternatives = request["capabilities"]?.arrayValue ?? []
        if let first = alternatives.first { node["capabilities"] = ComposeNode(json: first, at: place) }
        for (attribute, key) in [
            ("driver", "driver"), ("count", "count"), ("ids", "device_ids"), ("options", "options"),
        ] { node[key] = request.take(attribute) }
        return ComposeNode(.map(node), at: place)
    }
}

/// Networks and ports.
extension ComposeServiceExport {
    mutating func exportNetworks() {
        guard let endpoints = rest["networks"]?.arrayValue else {
            // A container that names no network is in the engine's own one.
            if service["network_mode"] == nil { set("network_mode", "bridge") }
            return
        }
        rest["networks"] = nil
        var nodes: [(String, ComposeNode)] = []
        for endpoint in endpoints {
            var endpoint = endpoint.objectValue ?? JSONObject()
            let key = key(endpoint["network"] ?? .null, in: \.networks)
            endpoint["network"] = nil
            var node = ComposeMap()
            for (attribute, key) in [
                ("aliases", "aliases"), ("address", "ipv4_address"), ("address6", "ipv6_address"),
                ("macAddress", "mac_address"), ("driverOptions", "driver_opts"), ("gatewayPriority", "gw_priority"),
                ("interfaceName", "interface_name"), ("linkLocal", "link_local_ips"),
            ] { node[key] = endpoint.take(attribute) }
            nodes.append((key, ComposeNode(.map(node), at: place)))
        }
        let keys = nodes.map(\.0)
        if keys != keys.sorted() {
            for (offset, node) in nodes.enumerated() {
                var map = node.1.map ?? ComposeMap()
                map["priority"] = ComposeNode(.int(Int64(nodes.count - offset)), at: place)
                nodes[offset].1 = ComposeNode(.map(map), at: place)
            }
        }
        service["networks"] = .map(
            nodes.map { ($0.0, $0.1.map?.isEmpty == true ? ComposeNode(.null, at: place) : $0.1) }, at: place)
    }

    /// The key of a network or volume, which is declared as external where it is not of the stack.
    private func key(_ value: JSONValue, in section: WritableKeyPath<ComposeProject, ComposeMap>) -> String {
        if let reference = StackReference(json: value) { return reference.address.name }
        let name = value.stringValue ?? ""
        let key = ComposeExportWork.key(name)
        work.project[keyPath: section][key] =
            work.project[keyPath: section][key] ?? ComposeExportWork.external(name)
        return key
    }

    mutating func exportPorts() {
        guard let ports = rest["ports"]?.arrayValue else { return }
        rest["ports"] = nil
        let nodes = ports.map { port -> ComposeNode in
            var port = port.objectValue ?? JSONObject()
            var node = ComposeMap()
            node["mode"] = .string("ingress", at: place)
            node["host_ip"] = port.take("hostAddress")
            node["target"] = port.take("target")
            if let first = port["published"]?.intValue, first > 0 {
                let last = port["publishedLast"]?.intValue.map { "-\($0)" } ?? ""
                node["published"] = .string("\(first)\(last)", at: place)
            }
            node["protocol"] = port.take("protocol")
            return ComposeNode(.map(node), at: place)
        }
        service["ports"] = ComposeNode(.list(nodes), at: place)
    }
}

/// Mounts, secrets and configs.
extension ComposeServiceExport {
    mutating func exportMounts() {
        guard let mounts = rest["mounts"]?.arrayValue else { return }
        rest["mounts"] = nil
        var volumes: [ComposeNode] = []
        var temporary: [String] = []
        for mount in mounts {
            let mount = mount.objectValue ?? JSONObject()
            if let options = mount["options"]?.arrayValue?.compactMap(\.stringValue) {
                temporary.append(Self.temporary(mount, options))
            } else {
                volumes.append(volume(mount))
            }
        }
        if !volumes.isEmpty { service["volumes"] = ComposeNode(.list(volumes), at: place) }
        if !temporary.isEmpty { service["tmpfs"] = .list(temporary, at: place) }
    }

    private static func temporary(_ mount: JSONObject, _ options: [String]) -> String {
        var words: [String] = []
        if let size = mount["size"]?.intValue { words.append("size=\(size)") }
        if let mode = mount["mode"]?.intValue { words.append("mode=\(String(mode, radix: 8))") }
        if mount["readOnly"] == true { words.append("ro") }
        return "\(mount["target"]?.stringValue ?? ""):\((words + options).joined(separator: ","))"
    }

    private func volume(_ mount: JSONObject) -> ComposeNode {
        var mount = mount
        var node = ComposeMap()
        let type = mount["type"]?.stringValue ?? "volume"
        node["type"] = mount.take("type")
        if let source = mount["source"] {
            switch type {
            case "volume": node["source"] = .string(key(source, in: \.volumes), at: place)
            case "image": node["source"] = .string(imageName(source), at: place)
            default: node["source"] = .string(text(source, "mounts"), at: place)
            }
        }
        node["target"] = mount.take("target")
        if mount["readOnly"] == true { node["read_only"] = mount.take("readOnly") }
        var options = ComposeMap()
        switch type {
        case "bind":
            if mount["createSource"] != true { options["create_host_path"] = ComposeNode(.bool(false), at: place) }
            options["propagation"] = mount.take("propagation")
            if mount["recursive"] == false { options["recursive"] = .string("disabled", at: place) }
        case "volume":
            if mount["copy"] == false { options["nocopy"] = ComposeNode(.bool(true), at: place) }
            options["subpath"] = mount.take("subpath")
        case "image": options["subpath"] = mount.take("subpath")
        default:
            options["size"] = mount["size"]?.intValue.map { .string(String($0), at: place) }
            options["mode"] = mount.take("mode")
        }
        if !options.isEmpty { node[type] = ComposeNode(.map(options), at: place) }
        return ComposeNode(.map(node), at: place)
    }

    mutating func exportFiles() {
        guard let files = rest["files"]?.arrayValue else { return }
        rest["files"] = nil
        var (secrets, configs): ([ComposeNode], [ComposeNode]) = ([], [])
        for file in files {
            var file = file.objectValue ?? JSONObject()
            let target = file["target"]?.stringValue ?? ""
            let isSecret = file["sealed"] != nil || file["content"] == nil && target.hasPrefix("/run/secrets/")
            let key = work.declare(file, isSecret: isSecret, resource)
            var use: [(String, ComposeNode)] = [("source", .string(key, at: place))]
            use.append(("target", .string(target, at: place)))
            for id in ["uid", "gid"] {
                if let number = file[id]?.intValue { use.append((id, .string(String(number), at: place))) }
            }
            if let mode = file.take("mode") { use.append(("mode", mode)) }
            if isSecret { secrets.append(.map(use, at: place)) } else { configs.append(.map(use, at: place)) }
        }
        if !secrets.isEmpty { service["secrets"] = ComposeNode(.list(secrets), at: place) }
        if !configs.isEmpty { service["configs"] = ComposeNode(.list(configs), at: place) }
    }
}

extension ComposeExportWork {
    /// A name as a key: letters, digits, `.`, `_` and `-`.
    static func key(_ name: String) -> String {
        let letters = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }
        return letters.isEmpty ? "unnamed" : String(letters)
    }

    static func external(_ name: String) -> ComposeNode {
        .map([("name", .string(name, at: nowhere)), ("external", ComposeNode(.bool(true), at: nowhere))], at: nowhere)
    }

    /// Declares the secret or config of a file, each content once, and says its key.
    func declare(_ file: JSONObject, isSecret: Bool, _ resource: StackResource) -> String {
        let target = file["target"]?.stringValue ?? ""
        let base = Self.key(target.split(separator: "/").last.map(String.init) ?? "file")
        var member: (String, ComposeNode)
        if let path = file["source"]?.stringValue {
            member = ("file", .string(path, at: Self.nowhere))
        } else if let content = file["content"]?.stringValue {
            member = ("content", .string(content, at: Self.nowhere))
        } else {
            let variable = base.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" }
            member = ("environment", .string(String(variable), at: Self.nowhere))
            note(
                "SC2466", "the secret \(base) is sealed: set the variable \(member.1.string ?? "") to its value",
                address: resource.address, at: resource.location(of: "files"))
        }
        var (key, number) = (base, 1)
        while let other = isSecret ? project.secrets[key] : project.configs[key], other[member.0] != member.1 {
            number += 1
            key = "\(base)-\(number)"
        }
        let node = ComposeNode.map(
            [("name", .string("\(document.name)_\(key)", at: Self.nowhere)), member], at: Self.nowhere)
        if isSecret { project.secrets[key] = node } else { project.configs[key] = node }
        return key
    }
}
