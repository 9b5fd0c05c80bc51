import JSONText
import StackModel

/// How resources are called on the host.
package enum HostNames {
    /// The label that names the stack an object belongs to.
    package static let stackLabel = "io.stackctl.stack"
    /// The label that names the resource an object is made for.
    package static let addressLabel = "io.stackctl.address"

    /// `shop-web`, or `shop-web-1` for a replica.
    static func container(stack: String, _ address: ResourceAddress) -> String {
        "\(stack)-\(host(address))"
    }

    /// The name a container is asked to have, or else its usual one.
    static func container(stack: String, _ address: ResourceAddress, _ attributes: JSONObject) -> String {
        attributes["name"]?.stringValue ?? container(stack: stack, address)
    }

    /// `shop_backend`, or the name that was asked for: that of a network or a volume.
    static func shared(stack: String, _ address: ResourceAddress, _ attributes: JSONObject) -> String {
        attributes["name"]?.stringValue ?? "\(stack)_\(address.name)"
    }

    /// The name other containers of the stack ask for: `web`, or `web-1` for a replica.
    static func host(_ address: ResourceAddress) -> String {
        address.index.map { "\(address.name)-\($0)" } ?? address.name
    }

    /// All names of a container: its own and, for a replica, the one it shares with the others.
    static func aliases(_ address: ResourceAddress) -> [String] {
        address.index == nil ? [address.name] : [address.name, host(address)]
    }

    /// The labels that mark an object as ours.
    static func labels(stack: String, _ address: ResourceAddress) -> [String: String] {
        [stackLabel: stack, addressLabel: address.description]
    }
}
