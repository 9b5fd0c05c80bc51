import Engine
import JSONText
import StackModel

extension ContainerSpecification {
    /// What attributes in their normal form say of a container.
    init(attributes: JSONObject) {
        self.init()
        for attribute in ContainerAttributes.all { attribute.write(attributes[attribute.name], &self) }
    }

    /// The specification of a stack's container, before the image's defaults are merged in.
    init(stack: String, address: ResourceAddress, attributes: JSONObject) {
        self.init(attributes: attributes)
        labels.merge(HostNames.labels(stack: stack, address)) { $1 }
        let own = HostNames.aliases(address)
        for index in endpoints.indices {
            // The names the rest of the stack asks for.
            endpoints[index].aliases = own + endpoints[index].aliases.filter { !own.contains($0) }
        }
    }
}
