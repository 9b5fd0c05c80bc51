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

    /// Each service and another that it waits for.
    private func edges(_ direction: Direction) -> [(waiting: String, first: String)] {
        switch direction {
        case .dependenciesFirst: dependencies.flatMap { service, others in others.map { (service, $0) } }
        case .dependentsFirst: dependencies.flatMap { service, others in others.map { ($0, service) } }
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
        var turns = Turns(items.map(service), edges(direction))
        await withTaskGroup(of: Int.self) { group in
            var running = 0
            while true {
                while running < max(1, limit), let index = turns.next(isForced: running == 0) {
                    running += 1
                    let item = items[index]
                    group.addTask {
                        await body(item)
                        return index
                    }
                }
                guard let done = await group.next() else { return }
                running -= 1
                turns.end(done)
            }
        }
    }

    /// Whose turn it is; each service and each edge is looked at once.
    private struct Turns {
        private let names: [String]
        /// Places of the items of each service.
        private let items: [String: [Int]]
        /// The services that wait for one.
        private var waiting: [String: [String]] = [:]
        /// How many services each one waits for still.
        private var blocks: [String: Int] = [:]
        /// How many items of a service have not ended.
        private var open: [String: Int] = [:]
        private var ready: [Int] = []
        private var nextReady = 0
        private var isBegun: [Bool]

        init(_ names: [String], _ edges: [(waiting: String, first: String)]) {
            self.names = names
            items = Dictionary(grouping: names.indices) { names[$0] }
            open = items.mapValues(\.count)
            isBegun = Array(repeating: false, count: names.count)
            for (service, first) in edges where service != first && items[service] != nil && items[first] != nil {
                waiting[first, default: []].append(service)
                blocks[service, default: 0] += 1
            }
            ready = names.indices.filter { blocks[names[$0]] == nil }
        }

        /// The next item that can begin.
        ///
        /// - Parameter isForced: whether one that waits begins where nobody else can.
        mutating func next(isForced: Bool) -> Int? {
            if nextReady == ready.count, isForced { ready += names.indices.filter { !isBegun[$0] } }
            while nextReady < ready.count {
                defer { nextReady += 1 }
                let index = ready[nextReady]
                guard !isBegun[index] else { continue }
                isBegun[index] = true
                return index
            }
            return nil
        }

        mutating func end(_ index: Int) {
            let name = names[index]
            open[name, default: 1] -= 1
            guard open[name] == 0 else { return }
            for service in waiting[name] ?? [] {
                blocks[service, default: 1] -= 1
                if blocks[service] == 0 { ready += items[service] ?? [] }
            }
        }
    }
}
