import Apply
import Diagnostics
import JSONText
import Networking
import StackModel

/// A network that another client made for the same project, and that no stack has.
struct NetworkAdoption {
    let network: NetworkSpecification

    /// Nil where the network is somebody else's.
    init?(_ network: NetworkSpecification, stack: String, address: ResourceAddress) {
        guard network.labels[HostNames.stackLabel] == nil,
            ProjectLabels.name(of: network.labels, as: "network", stack: stack) == address.name
        else { return nil }
        self.network = network
    }

    /// What a plan says of it: that it is taken over, or why it cannot be.
    func judge(_ wanted: JSONObject) -> Diagnostic {
        let found = BridgeAttributes.of(network, labels: network.labels)
        for (path, value) in wanted.leaves() where !path.hasPrefix("labels") && path != "attachable" {
            let there = found.value(at: path)
            guard there != value else { continue }
            return Diagnostic(
                code: "SC5143", summary: "the network \(network.name) of this project is there with another \(path)",
                detail:
                    "it has \(there?.serialized(.compact) ?? "none"), and \(value.serialized(.compact)) is asked for",
                hint: "take it down with the client that made it, or: stackctl network rm \(network.name)")
        }
        return Diagnostic(
            severity: .note, code: "SC5144",
            summary: "the network \(network.name), which another client made for this project, becomes this stack's")
    }
}
