import Compose

/// The order in which the containers of a project are acted on.
struct ComposeOrder: Sendable {
    /// Who waits for whom.
    enum Direction: Sendable {
        /// A service waits for those it depends on, as at a start.
        case dependenciesFirst
        /// A service waits for those that depend on it, as at a stop.
        case dependentsFirst
        /// Nobody waits.
        case none
    }

    /// What each service depends on.
    private let dependencies: [String: Set<String>]

    /// By what the project says or, where there is none, by the labels of its containers.
    init(_ target: ComposeTarget, _ containers: [ComposeContainer]) {
        var found: [String: Set<String>] = [:]
        for container in containers where target.project?.services[container.service] == nil {
            found[container.service, default: []].formUnion(container.dependencies.map(\.service))
        }
        for service in target.project?.services.keys ?? [] {
            found[service] = Set(target.project?.dependencies(of: service) ?? [])
        }
        dependencies = found
    }

    /// By given edges.
    init(dependencies: [String: Set<String>]) { self.dependencies = dependencies }

    /// The services that a service waits for.
    func predecessors(of service: String, _ direction: Direction) -> Set<String> {
        switch direction {
        case .dependenciesFirst: dependencies[service] ?? []
        case .dependentsFirst: Set(dependencies.filter { $0.value.contains(service) }.keys)
        case .none: []
        }
    }

    /// Does something for every item, after those of the services that its own waits for; many at a time.
    ///
    /// Labels may hold a circle: whoever is left when nobody can begin begins at once.
    ///
    /// - Parameter service: the service of an item.
    func each<Item: Sendable>(
        of items: [Item], _ direction: Direction, limit: Int, service: @Sendable (Item) -> String,
        _ body: @escaping @Sendable (Item) async -> Void
    ) async {
        var waiting = items
        var open: [String: Int] = [:]
        for item in items { open[service(item), default: 0] += 1 }
        await withTaskGroup(of: String.self) { group in
            var running = 0
            func begin(_ isForced: Bool = false) {
                var kept: [Item] = []
                for item in waiting {
                    let name = service(item)
                    let isBlocked = predecessors(of: name, direction).contains { $0 != name && open[$0] != nil }
                    guard running < limit, isForced || !isBlocked else {
                        kept.append(item)
                        continue
                    }
                    running += 1
                    group.addTask {
                        await body(item)
                        return name
                    }
                }
                waiting = kept
            }
            begin()
            while !waiting.isEmpty || running > 0 {
                if running == 0 { begin(true) }
                guard let name = await group.next() else { break }
                running -= 1
                open[name, default: 1] -= 1
                if open[name] == 0 { open[name] = nil }
                begin()
            }
        }
    }
}
