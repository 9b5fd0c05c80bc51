import Diagnostics
import Engine
import JSONText

/// Containers that are made of the attributes of a stack's, but are in no stack: what `compose run` makes.
package enum LooseContainer {
    /// What attributes say of a container, without the names and labels that a stack gives.
    ///
    /// - Parameter attributes: with every reference resolved.
    /// - Throws: everything that cannot be.
    package static func specification(_ attributes: JSONObject) throws(DiagnosticList) -> ContainerSpecification {
        ContainerSpecification(
            attributes: try ContainerAttributes.normalize(attributes, ContainerNorms(hierarchy: nil)))
    }
}
