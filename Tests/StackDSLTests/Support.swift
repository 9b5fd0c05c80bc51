import Diagnostics
import JSONText
import StackModel

@testable import StackDSL

/// The document of a list, without any input.
func document(@ResourcesBuilder _ list: () -> Resources) -> StackDocument {
    document(of: list(), name: "test")
}

extension StackDocument {
    /// "SC1101 line summary" of each diagnostic.
    var codes: [String] { diagnostics.map(\.code) }

    func attributes(_ address: String) -> JSONValue? {
        resources.first { $0.address.description == address }.map { .object($0.attributes) }
    }

    func dependencies(_ address: String) -> [String] {
        resources.first { $0.address.description == address }?.dependencies.map { "\($0.address) \($0.until)" } ?? []
    }
}

/// Inputs given by flags.
func given(_ values: [String: JSONValue], strict: Bool = true) -> GivenInputs {
    var inputs = GivenInputs()
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
        inputs.values.append((name, .init(value: value, source: "--var \(name)", mustBeDeclared: strict)))
    }
    return inputs
}
