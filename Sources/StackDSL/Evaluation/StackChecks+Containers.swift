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
        for node in nodes where node.kind == .container && node.addresses.count > 0 {
            for (offset, entry) in (node.attributes["ports"]?.arrayValue ?? []).enumerated() {
                guard let port = entry["published"]?.intValue, let transport = entry["protocol"]?.stringValue else {
                    continue
                }
                let place = node.locations["ports[\(offset)]"] ?? node.location
                let address = entry["hostAddress"]?.stringValue.flatMap { $0 == "0.0.0.0" ? nil : $0 }
                let key = "\(port)/\(transport)"
                let earlier = claims[key]?.first {
                    $0.hostAddress == address || $0.hostAddress == nil || address == nil
                }
                if let earlier {
                    report(port: key, of: node, at: place, takenBy: earlier.node, at: earlier.location)
                } else if node.addresses.count > 1 {
                    report(port: key, replicas: node.addresses.count, of: node, at: place)
                }
                claims[key, default: []].append(Claim(node: node, location: place, hostAddress: address))
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
            var networks: Set<JSONValue> = []
            for (offset, endpoint) in (node.attributes["networks"]?.arrayValue ?? []).enumerated() {
                let place = node.locations["networks[\(offset)]"] ?? node.location
                guard let network = endpoint["network"] else { continue }
                let networkName = StackReference(json: network)?.address.description ?? ""
                if !networks.insert(network).inserted {
                    problems.append(
                        Diagnostic(
                            code: "SC1128", summary: "\(networkName) is attached twice",
                            hint: "write Attach once, with all aliases",
                            address: node.address.description, location: place))
                }
                guard let address = endpoint["address"]?.stringValue else { continue }
                if node.addresses.count > 1 {
                    problems.append(
                        Diagnostic(
                            code: "SC1116",
                            summary: "\(node.addresses.count) replicas cannot share the address \(address)",
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
