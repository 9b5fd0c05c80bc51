import Diagnostics
import JSONText
import StackModel

extension StackChecks {
    /// A port of the host can lead to one container only.
    mutating func checkPorts() {
        struct Claim {
            var node: ResourceNode
            var location: SourceLocation
            var hostAddress: String?
        }
        var claims: [String: [Claim]] = [:]
        for node in nodes where node.kind == .container {
            for (attributes, locations, count) in node.instances where count > 0 {
                for (offset, entry) in (attributes["ports"]?.arrayValue ?? []).enumerated() {
                    guard let port = entry["published"]?.intValue, port != 0,
                        let transport = entry["protocol"]?.stringValue
                    else { continue }
                    let place = locations["ports[\(offset)]"] ?? node.location
                    let last = entry["publishedLast"]?.intValue ?? port
                    let key = last == port ? "\(port)/\(transport)" : "\(port)-\(last)/\(transport)"
                    if last - port + 1 < Int64(count) { report(port: key, replicas: count, of: node, at: place) }
                    // Which port of a range it is, is chosen where all others are known.
                    guard last == port else { continue }
                    let address = entry["hostAddress"]?.stringValue.flatMap { $0 == "0.0.0.0" ? nil : $0 }
                    let earlier = claims[key]?.first {
                        $0.hostAddress == address || $0.hostAddress == nil || address == nil
                    }
                    if let earlier {
                        report(port: key, of: node, at: place, takenBy: earlier.node, at: earlier.location)
                    }
                    claims[key, default: []].append(Claim(node: node, location: place, hostAddress: address))
                }
            }
        }
    }

    /// A name of the host belongs to one object of its kind.
    mutating func checkHostNames() {
        var owners: [String: ResourceNode] = [:]
        for node in nodes {
            for (attributes, locations, count) in node.instances where count > 0 {
                guard let name = attributes["name"]?.stringValue else { continue }
                let place = locations["name"] ?? node.location
                let owner = owners.updateValue(node, forKey: "\(node.kind.rawValue) \(name)")
                if count > 1 {
                    problems.append(
                        Diagnostic(
                            code: "SC1133", summary: "\(count) replicas cannot share the name \(name)",
                            hint: "leave Named out: each then has a name with its number",
                            address: node.address.description, location: place))
                } else if let owner, owner !== node || !node.variants.isEmpty {
                    guard owner.address != node.address || !node.variants.isEmpty else { continue }
                    problems.append(
                        Diagnostic(
                            code: "SC1133", summary: "the name \(name) of the host is given twice",
                            detail: "\(owner.address) has it at \(owner.location).",
                            address: node.address.description, location: place))
                }
            }
        }
    }

    /// Who is on the network of another is on no network of its own.
    mutating func checkNetworkModes() {
        for node in nodes where node.kind == .container {
            for (attributes, locations, _) in node.instances {
                guard let mode = attributes["networkMode"], attributes["networks"]?.arrayValue?.isEmpty == false
                else { continue }
                problems.append(
                    Diagnostic(
                        code: "SC1134",
                        summary:
                            "a container with NetworkMode(.\(mode.stringValue ?? "container")) is on no other network",
                        hint: "remove NetworkMode or Attach", address: node.address.description,
                        location: locations["networkMode"] ?? node.location))
            }
        }
    }

    private mutating func report(
        port: String, of node: ResourceNode, at place: SourceLocation, takenBy other: ResourceNode,
        at otherPlace: SourceLocation
    ) {
        problems.append(
            Diagnostic(
                code: "SC1102", summary: "port \(port) of the host is published twice",
                detail: "\(other.address) publishes it at \(otherPlace).",
                hint: "choose another port, or bind each to its own address with on:",
                address: node.address.description, location: place))
    }

    private mutating func report(port: String, replicas: Int, of node: ResourceNode, at place: SourceLocation) {
        problems.append(
            Diagnostic(
                code: "SC1102", summary: "port \(port) of the host is published by \(replicas) replicas",
                detail: "A port of the host can lead to one container only.",
                hint:
                    "publish it from one container in front of them, or make the containers in a for loop with a port each",
                address: node.address.description, location: place))
    }

    /// A container is on a network once, and a fixed address belongs to one container.
    mutating func checkEndpoints() {
        var owners: [String: (node: ResourceNode, location: SourceLocation)] = [:]
        for node in nodes where node.kind == .container {
            for instance in node.instances { checkEndpoints(of: node, instance, &owners) }
        }
    }

    private mutating func checkEndpoints(
        of node: ResourceNode,
        _ instance: (attributes: JSONObject, locations: [String: SourceLocation], count: Int),
        _ owners: inout [String: (node: ResourceNode, location: SourceLocation)]
    ) {
        var networks: Set<JSONValue> = []
        for (offset, endpoint) in (instance.attributes["networks"]?.arrayValue ?? []).enumerated() {
            let place = instance.locations["networks[\(offset)]"] ?? node.location
            guard let network = endpoint["network"] else { continue }
            let networkName = StackReference(json: network)?.address.description ?? network.stringValue ?? ""
            if !networks.insert(network).inserted {
                problems.append(
                    Diagnostic(
                        code: "SC1128", summary: "\(networkName) is attached twice",
                        hint: "write Attach once, with all aliases",
                        address: node.address.description, location: place))
            }
            guard let address = endpoint["address"]?.stringValue else { continue }
            if instance.count > 1 {
                problems.append(
                    Diagnostic(
                        code: "SC1116",
                        summary: "\(instance.count) replicas cannot share the address \(address)",
                        hint: "leave address: out", address: node.address.description, location: place))
            }
            let key = "\(networkName) \(address)"
            if let owner = owners[key] {
                problems.append(
                    Diagnostic(
                        code: "SC1116", summary: "the address \(address) is given to two containers",
                        detail: "\(owner.node.address) has it at \(owner.location).",
                        address: node.address.description, location: place))
            } else {
                owners[key] = (node, place)
            }
        }
    }

    /// Two mounts cannot have one target.
    mutating func checkMountTargets() {
        for node in nodes where node.kind == .container {
            var first: [String: SourceLocation] = [:]
            for (offset, mount) in (node.attributes["mounts"]?.arrayValue ?? []).enumerated() {
                guard let target = mount["target"]?.stringValue else { continue }
                let place = node.locations["mounts[\(offset)]"] ?? node.location
                let normal = target.split(separator: "/").joined(separator: "/")
                if let earlier = first[normal] {
                    problems.append(
                        Diagnostic(
                            code: "SC1118", summary: "two mounts have the target \"\(target)\"",
                            detail: "The other one is at \(earlier).", address: node.address.description,
                            location: place))
                } else {
                    first[normal] = place
                }
            }
        }
    }
}
