import Engine
import JSONText

/// Containers that another client made for a service of the same project, and that no stack has: a new one takes their
/// place.
struct ContainerAdoption {
    let stack: String
    /// What the project's own container is labelled with; empty where it is of no project.
    let labels: [String: String]
    let name: String?

    init(_ stack: String, _ attributes: JSONObject) {
        self.stack = stack
        labels = attributes.strings("labels")
        name = attributes["name"]?.stringValue
    }

    /// Whether a container is the one that the new one stands for.
    ///
    /// Clients call it differently: its labels tell.
    func covers(_ container: Container) -> Bool {
        let facts = container.snapshot
        guard labels[ProjectLabels.project] == stack, facts.stack == nil else { return false }
        let found = facts.specification.labels
        return [ProjectLabels.project, ProjectLabels.service, ProjectLabels.number].allSatisfy {
            labels[$0] != nil && labels[$0] == found[$0]
        } && found[ProjectLabels.oneOff]?.lowercased() != "true"
    }

    /// The containers that go when the new one comes.
    func replaced(of engine: HostEngine) -> [Container] {
        guard labels[ProjectLabels.project] == stack else { return [] }
        return engine.containers.unordered.filter(covers)
    }
}
