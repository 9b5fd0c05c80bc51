import JSONText
import Linux

/// The networks that are none: what Docker lists for containers in the host's network, and in none.
package enum PredefinedNetwork: String, Sendable, CaseIterable {
    case host, none

    /// The same on every host.
    package var id: String { String(repeating: self == .host ? "1" : "2", count: 64) }

    /// Docker's name of the driver.
    package var driver: String { self == .host ? "host" : "null" }

    /// By name, id, or a start of the id that is no name's.
    package init?(_ text: String) {
        guard
            let found = Self.allCases.first(where: { network in
                network.rawValue == text || (text.utf8.count >= 12 && network.id.hasPrefix(text))
            })
        else { return nil }
        self = found
    }
}

extension HostEngine {
    /// Docker's `Network` of `host` or `none`.
    package func inspection(_ network: PredefinedNetwork, withMembers: Bool = true) -> JSONObject {
        var members = JSONObject()
        for container in withMembers ? containers.all : []
        where container.state.isActive && container.specification.networkMode == network.rawValue {
            members[container.id] = [
                "Name": .string(container.name),
                "EndpointID": .string(Self.endpointID(container.id, network.id)), "MacAddress": "",
                "IPv4Address": "", "IPv6Address": "",
            ]
        }
        return [
            "Name": .string(network.rawValue), "Id": .string(network.id), "Created": .string(startedAt.rfc3339),
            "Scope": "local", "Driver": .string(network.driver), "EnableIPv4": true, "EnableIPv6": false,
            "IPAM": ["Driver": "default", "Options": .null, "Config": .null], "Internal": false,
            "Attachable": false, "Ingress": false, "ConfigFrom": ["Network": ""], "ConfigOnly": false,
            "Containers": .object(members), "Options": .object(JSONObject()), "Labels": .object(JSONObject()),
        ]
    }
}
