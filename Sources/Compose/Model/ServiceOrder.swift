/// The order of services by what they depend on.
struct ServiceOrder {
    /// The services, each after what it depends on; those of a circle stand where they were met.
    private(set) var order: [String] = []
    /// Services that depend on each other in a circle, if there are such.
    private(set) var circle: [String]?

    private enum Mark { case entered, left }

    /// Orders the active services, equal ones by name.
    init(_ project: ComposeProject) {
        var marks: [String: Mark] = [:]
        // A stack of its own: dependencies may be as deep as there are services.
        var path: [(name: String, rest: ArraySlice<String>)] = []
        for start in project.services.keys.sorted() where marks[start] == nil {
            path.append((start, project.dependencies(of: start)[...]))
            marks[start] = .entered
            while let step = path.last {
                guard let next = step.rest.first else {
                    order.append(step.name)
                    marks[step.name] = .left
                    path.removeLast()
                    continue
                }
                path[path.count - 1].rest.removeFirst()
                switch marks[next] {
                case nil where project.services.entry(next) != nil:
                    marks[next] = .entered
                    path.append((next, project.dependencies(of: next)[...]))
                case .entered where circle == nil:
                    let start = path.firstIndex { $0.name == next } ?? 0
                    circle = path[start...].map(\.name)
                default: break
                }
            }
        }
    }
}
