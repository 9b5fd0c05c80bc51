import JSONText
import StackModel

/// Collects the steps of an apply and orders them.
struct WalkGraphBuilder {
    private(set) var steps: [WalkStep] = []
    private let planned: PlannedStack
    private let observers: Observers
    private var applyStep: [Int?]
    private var deleteStep: [ResourceAddress: Int] = [:]
    private var retireStep: [Int: Int] = [:]
    private var waitStep: [WalkStep.Work: Int] = [:]
    private var barrier: [ResourceKind: Int] = [:]

    init(_ planned: PlannedStack, _ observers: Observers) {
        self.planned = planned
        self.observers = observers
        applyStep = Array(repeating: nil, count: planned.desired.count)
    }

    private mutating func add(_ work: WalkStep.Work) -> Int {
        steps.append(WalkStep(work: work, pace: pace(of: work)))
        return steps.count - 1
    }

    private func pace(of work: WalkStep.Work) -> WalkStep.Pace {
        switch work {
        case .wait, .barrier, .pause: return .waiting
        case .release: return .acting
        case .delete(let address): return waitsToStop(address.kind) ? .stopping : .acting
        case .deleteToRecreate(let position), .retire(let position):
            return waitsToStop(planned.desired[position].resource.address.kind) ? .stopping : .acting
        case .apply(let position):
            let change = planned.desired[position].change
            return change.changeClass == .restart && waitsToStop(change.address.kind) ? .stopping : .acting
        }
    }

    private func waitsToStop(_ kind: ResourceKind) -> Bool {
        (try? observers.observer(for: kind))?.waitsToStop ?? false
    }

    mutating func addNodes() {
        for change in planned.plan.changes where change.action == .delete {
            deleteStep[change.address] = add(.delete(change.address))
        }
        for (position, item) in planned.desired.enumerated() where item.change.action != .noChange {
            if item.change.action == .recreate, !item.createsFirst {
                deleteStep[item.resource.address] = add(.deleteToRecreate(position))
            }
            let step = add(.apply(position))
            applyStep[position] = step
            guard item.change.startsFirst else { continue }
            let retire = add(.retire(position))
            steps[retire].needs = [step]
            retireStep[position] = retire
        }
    }

    private func isDeletedLast(_ kind: ResourceKind) -> Bool {
        (try? observers.observer(for: kind))?.isDeletedLast ?? false
    }

    /// An object goes after everything that was made on top of it has gone, or has let go of it.
    mutating func orderDeletes(kindsOnly: Bool, letGoFirst: Bool) {
        let positions = Dictionary(
            planned.desired.enumerated().map { ($0.element.resource.address, $0.offset) }
        ) { first, _ in first }
        for (address, resource) in planned.recorded.resources {
            for below in resource.dependencies {
                guard let step = deleteStep[below], !kindsOnly || address.kind != below.kind else { continue }
                if let above = deleteStep[address] {
                    steps[step].needs.append(above)
                } else if letGoFirst, positions[below] == nil, let position = positions[address],
                    let above = retireStep[position] ?? applyStep[position]
                {
                    steps[step].needs.append(above)
                }
            }
        }
    }

    /// Replicas are replaced some at a time where they ask for it, the next ones after those before them are done.
    ///
    /// Those that something they hold is recreated with cannot wait for each other.
    mutating func orderRollouts() {
        var replicas: [ResourceAddress: [Int]] = [:]
        for (position, item) in planned.desired.enumerated() where applyStep[position] != nil {
            let address = item.resource.address
            guard address.index != nil, item.change.action == .recreate || item.change.action == .restart else {
                continue
            }
            replicas[ResourceAddress(kind: address.kind, name: address.name), default: []].append(position)
        }
        for (_, positions) in replicas.sorted(by: { $0.key < $1.key }) {
            guard positions.count > 1, !positions.contains(where: { planned.desired[$0].followsHeld }),
                let rollout = rollout(of: positions), rollout.parallelism > 0
            else { continue }
            order(
                positions.sorted { planned.desired[$0].resource.address < planned.desired[$1].resource.address },
                rollout)
        }
    }

    private func rollout(of positions: [Int]) -> Rollout? {
        guard let first = positions.first.map({ planned.desired[$0] }) else { return nil }
        return (try? observers.observer(for: first.resource.address.kind))?.rollout(first.attributes)
    }

    private mutating func order(_ positions: [Int], _ rollout: Rollout) {
        for start in stride(from: rollout.parallelism, to: positions.count, by: rollout.parallelism) {
            let before = positions[(start - rollout.parallelism)..<start]
            var gate = before.compactMap { retireStep[$0] ?? applyStep[$0] }
            if rollout.delay > 0, let last = before.last {
                let pause = add(.pause(last, rollout.delay))
                put(gate, before: pause, rollout)
                gate = [pause]
            }
            for position in positions[start..<min(start + rollout.parallelism, positions.count)] {
                let first = deleteStep[planned.desired[position].resource.address] ?? applyStep[position]
                if let first { put(gate, before: first, rollout) }
            }
        }
    }

    private mutating func put(_ gate: [Int], before step: Int, _ rollout: Rollout) {
        if rollout.goesOnAfterFailure { steps[step].follows += gate } else { steps[step].needs += gate }
    }

    /// What is recreated from a new image runs on until the image is there; then it may turn out to be the same one.
    mutating func keepRunningUntilImagesAreThere() {
        guard let graph = planned.graph else { return }
        for (position, item) in planned.desired.enumerated() where item.change.action == .recreate {
            guard let step = deleteStep[item.resource.address] else { continue }
            for edge in graph.edges[position] where edge.refers && graph.edges[edge.target].isEmpty {
                guard isDeletedLast(planned.desired[edge.target].resource.address.kind),
                    let image = applyStep[edge.target]
                else { continue }
                steps[step].needs.append(image)
            }
        }
    }

    /// What is new is made after the old of its kind has gone: it may want the same port, name or subnet.
    ///
    /// Only deletes take part that wait for no apply, or for one that itself waits for nothing: no circle comes of it.
    mutating func addBarriers() {
        let order: [Int]
        switch TopologicalOrder.of(count: steps.count, edges: { steps[$0].needs + steps[$0].follows }) {
        case .ordered(let found): order = found
        case .cycle: return
        }
        var waitsForNoApply = Array(repeating: false, count: steps.count)
        for step in order {
            if case .apply(let position) = steps[step].work {
                let isFree = planned.graph?.edges[position].isEmpty ?? false
                waitsForNoApply[step] = isFree && isDeletedLast(planned.desired[position].resource.address.kind)
            } else {
                waitsForNoApply[step] = (steps[step].needs + steps[step].follows).allSatisfy { waitsForNoApply[$0] }
            }
        }
        for (address, step) in deleteStep.sorted(by: { $0.value < $1.value })
        where waitsForNoApply[step] && !isDeletedLast(address.kind) {
            let point = barrier[address.kind] ?? add(.barrier(address.kind))
            barrier[address.kind] = point
            steps[point].follows.append(step)
        }
    }

    mutating func orderApplies() {
        guard let graph = planned.graph else { return }
        orderRetirements()
        for (position, item) in planned.desired.enumerated() {
            guard let step = applyStep[position] else { continue }
            let action = item.change.action
            if let delete = deleteStep[item.resource.address] { steps[step].needs.append(delete) }
            if action == .create || action == .recreate, let point = barrier[item.resource.address.kind] {
                steps[step].follows.append(point)
            }
            for edge in graph.edges[position] {
                if let below = applyStep[edge.target] { steps[step].needs.append(below) }
                if edge.refers, let retire = retireStep[edge.target] { steps[retire].follows.append(step) }
                if edge.until != .created, action != .update {
                    let wait = waiting(for: edge)
                    steps[step].needs.append(wait)
                }
            }
        }
    }

    /// A replaced object goes after everything that was made with it has let go of it.
    private mutating func orderRetirements() {
        guard !retireStep.isEmpty else { return }
        for (position, item) in planned.desired.enumerated() {
            guard let step = applyStep[position] else { continue }
            for below in planned.recorded.resources[item.resource.address]?.dependencies ?? [] {
                retire(below, after: step)
            }
        }
        for (address, step) in deleteStep {
            for below in planned.recorded.resources[address]?.dependencies ?? [] { retire(below, after: step) }
        }
    }

    private mutating func retire(_ address: ResourceAddress, after step: Int) {
        for target in planned.graph?.positions(of: address) ?? [] {
            if let retire = retireStep[target] { steps[retire].follows.append(step) }
        }
    }

    /// Objects that are made before old ones are deleted stay until everything else is done: what used them by
    /// another name may have found the same content under a new one.
    mutating func deferDeletes() {
        let late = deleteStep.filter { isDeletedLast($0.key.kind) }.values.sorted()
        guard !late.isEmpty else { return }
        let end = add(.barrier(nil))
        steps[end].follows = applyStep.compactMap { $0 } + retireStep.values.sorted()
        for step in late { steps[step].follows.append(end) }
    }

    /// What takes a port over is changed after the one that lets it go.
    ///
    /// `apart` says whether one that stays lets it go in a step of its own, which waits for nothing: then no circle comes
    /// of it.
    mutating func orderHandovers(apart: Bool) {
        var letsGo: [String: (address: ResourceAddress, step: Int)] = [:]
        var takes: [(claim: String, address: ResourceAddress, step: Int)] = []
        for change in planned.plan.changes where change.action == .delete {
            guard let step = deleteStep[change.address] else { continue }
            for claim in claimsNow(change.address) { letsGo[claim] = (change.address, step) }
        }
        for (position, item) in planned.desired.enumerated() {
            guard let step = applyStep[position] else { continue }
            let address = item.resource.address
            let (now, then) = (claimsNow(address), claims(address.kind, item.attributes))
            let leaving = now.subtracting(then)
            if !leaving.isEmpty {
                let stays = deleteStep[address] == nil && item.change.action.isInPlace
                let before =
                    deleteStep[address] ?? retireStep[position]
                    ?? (apart && stays ? release(position, before: step) : step)
                for claim in leaving { letsGo[claim] = (address, before) }
            }
            for claim in then.subtracting(now) { takes.append((claim, address, step)) }
        }
        for taking in takes {
            guard let before = letsGo[taking.claim], before.address != taking.address else { continue }
            steps[taking.step].follows.append(before.step)
        }
    }

    private mutating func release(_ position: Int, before step: Int) -> Int {
        let release = add(.release(position))
        steps[step].needs.append(release)
        return release
    }

    private func claimsNow(_ address: ResourceAddress) -> Set<String> {
        let attributes = planned.observed[address]?.attributes ?? planned.recorded.resources[address]?.object.attributes
        return attributes.map { claims(address.kind, $0) } ?? []
    }

    private func claims(_ kind: ResourceKind, _ attributes: JSONObject) -> Set<String> {
        (try? observers.observer(for: kind))?.claims(attributes) ?? []
    }

    private mutating func waiting(for edge: DependencyGraph.Edge) -> Int {
        let work = WalkStep.Work.wait(edge.target, edge.until)
        if let known = waitStep[work] { return known }
        let step = add(work)
        if let below = applyStep[edge.target] { steps[step].needs.append(below) }
        waitStep[work] = step
        return step
    }
}
