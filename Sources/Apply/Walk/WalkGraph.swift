import StackModel

/// One thing to do during an apply, and what comes before it.
struct WalkStep: Sendable {
    enum Work: Sendable, Hashable {
        /// Make or change the resource at this position of the graph.
        case apply(Int)
        /// Delete an object whose declaration is gone.
        case delete(ResourceAddress)
        /// Delete the object of the resource at this position, which is then made again.
        case deleteToRecreate(Int)
        /// Delete the object that the one at this position has replaced.
        case retire(Int)
        /// Let time pass between the replicas up to this position and the next ones.
        ///
        /// Nanoseconds.
        case pause(Int, Int64)
        /// Take from the resource at this position what others take over; the rest of its change comes later.
        case release(Int)
        /// Wait until the resource at this position has come this far.
        case wait(Int, DependencyCondition)
        /// The point where all deletes of a kind are over; without a kind, where all is made and what was replaced goes.
        case barrier(ResourceKind?)
    }

    /// What a step does to the host while it runs.
    enum Pace: Sendable, Hashable {
        /// Keeps it busy.
        case acting
        /// Waits for processes to end, then acts for a moment.
        case stopping
        /// Only waits, or does nothing.
        case waiting
    }

    var work: Work
    var pace: Pace
    /// Must have succeeded.
    var needs: [Int] = []
    /// Must be over, whatever came of it.
    var follows: [Int] = []
}

/// The steps of an apply with their order.
///
/// Never holds a circle.
struct WalkGraph: Sendable {
    /// How much of the order is kept beyond what the manifest says.
    ///
    /// A port that moves against the order, or is exchanged, is taken from the one that has it in a step of its own.
    /// Replicas that are replaced one after the other go on while what they use is replaced. What was recorded by applies
    /// of different manifests may contradict the new order; then less of it is taken.
    private enum Strictness: CaseIterable {
        case handovers, splitHandovers, all, rollouts, deletesOnly, kindsOnly

        var keepsAll: Bool { self == .handovers || self == .splitHandovers || self == .all }
        var isKindsOnly: Bool { self == .rollouts || self == .kindsOnly }
        var letsGoFirst: Bool { keepsAll || self == .rollouts }
    }

    let steps: [WalkStep]

    init(_ planned: PlannedStack, observers: Observers) {
        var found: [WalkStep] = []
        for strictness in Strictness.allCases {
            found = Self.steps(planned, observers, strictness)
            if case .ordered = TopologicalOrder.of(
                count: found.count, edges: { found[$0].needs + found[$0].follows })
            {
                break
            }
        }
        steps = found
    }

    private static func steps(
        _ planned: PlannedStack, _ observers: Observers, _ strictness: Strictness
    ) -> [WalkStep] {
        var builder = WalkGraphBuilder(planned, observers)
        builder.addNodes()
        builder.orderDeletes(kindsOnly: strictness.isKindsOnly, letGoFirst: strictness.letsGoFirst)
        if strictness.letsGoFirst {
            builder.keepRunningUntilImagesAreThere()
            builder.orderRollouts()
        }
        builder.addBarriers()
        builder.orderApplies()
        builder.deferDeletes()
        switch strictness {
        case .handovers: builder.orderHandovers(apart: false)
        case .splitHandovers: builder.orderHandovers(apart: true)
        case .all, .rollouts, .deletesOnly, .kindsOnly: break
        }
        return builder.steps
    }
}

extension WalkStep {
    /// The step's name in events; `nil` for what nobody needs to see.
    func name(in planned: PlannedStack) -> StepName? {
        switch work {
        case .apply(let position):
            let change = planned.desired[position].change
            let operation: StepName.Operation =
                switch change.action {
                case .create, .recreate: .create
                case .update: .update
                case .restart: .restart
                default: .repair
                }
            return StepName(address: change.address, operation: operation)
        case .delete(let address): return StepName(address: address, operation: .delete)
        case .deleteToRecreate(let position):
            return StepName(address: planned.desired[position].resource.address, operation: .delete)
        case .retire(let position):
            return StepName(address: planned.desired[position].resource.address, operation: .delete)
        case .release(let position):
            return StepName(address: planned.desired[position].resource.address, operation: .release)
        case .wait(let position, _):
            return StepName(address: planned.desired[position].resource.address, operation: .wait)
        case .barrier, .pause: return nil
        }
    }
}
