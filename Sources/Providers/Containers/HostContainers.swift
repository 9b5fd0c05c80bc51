import Engine
import JSONText

/// The containers of a host at one moment, found by their names and by what they are in their projects: for those who
/// ask about many.
struct HostContainers {
    private let names: [String: Container]
    /// Those that no stack has, by project, service and number.
    private let foreign: [[String]: [Container]]

    init(_ containers: [Container]) {
        names = Dictionary(containers.map { ($0.name, $0) }) { newer, _ in newer }
        foreign = Dictionary(grouping: containers.filter { $0.snapshot.stack == nil }) { container in
            Self.place(container.snapshot.specification.labels)
        }
    }

    /// The container of a name.
    func named(_ name: String) -> Container? { names[name] }

    /// The containers that go when a new one comes.
    func replaced(by adoption: ContainerAdoption) -> [Container] {
        guard adoption.labels[ProjectLabels.project] == adoption.stack else { return [] }
        return (foreign[Self.place(adoption.labels)] ?? []).filter(adoption.covers)
    }

    private static func place(_ labels: [String: String]) -> [String] {
        [ProjectLabels.project, ProjectLabels.service, ProjectLabels.number].map { labels[$0] ?? "" }
    }
}
