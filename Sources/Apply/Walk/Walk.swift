import Diagnostics
import JSONText
import Linux
import StackModel

/// Carries out a plan: independent steps at once, each after what it needs, the rest going on when one fails.
///
/// One task holds all the state; steps run in child tasks and get values.
struct Walk {
    /// What came of it.
    struct Outcome: Sendable {
        var done: [String: Int] = [:]
        var failed: [ResourceAddress] = []
        var skipped: [ResourceAddress] = []
        /// The journal could not be written: nothing more was tried.
        var broken: Diagnostic?
    }

    enum Status {
        case waiting, running, done, failed
        /// With the address that is to blame.
        case skipped(ResourceAddress)
    }

    /// What a child task comes back with.
    struct Answer: Sendable {
        var step: Int
        var result: Swift.Result<StepRunner.Result?, any Error>
        var milliseconds: Double
    }

    let planned: PlannedStack
    let graph: WalkGraph
    let runner: StepRunner
    let observers: Observers
    let events: EventSink
    /// How many steps of each pace may run at a time; those that only wait are not counted.
    let limits: [WalkStep.Pace: Int]

    var status: [Status]
    var outcome = Outcome()
    /// The outputs of the resources, by position: predicted at first, then what came of the steps.
    var outputs: [JSONObject]
    var objectIDs: [String]
    private var pending: [Int]
    private var dependents: [[Int]]
    private var ready = ReadySteps()
    private var running: [WalkStep.Pace: Int] = [:]
    /// Positions whose old object was deleted in this walk: they can only be made anew.
    var deleted: Set<Int> = []
    /// Positions whose object has been made anew in this walk.
    private(set) var replaced: Set<Int> = []
    /// Positions that turned out to need nothing.
    var unneeded: Set<Int> = []
    private var blamed: Set<ResourceAddress> = []

    init(
        _ planned: PlannedStack, observers: Observers, runner: StepRunner, parallelism: Int,
        events: @escaping EventSink
    ) {
        self.planned = planned
        self.runner = runner
        self.observers = observers
        self.events = events
        limits = [.acting: max(1, parallelism), .stopping: max(Parallelism.ofStops, parallelism)]
        graph = WalkGraph(planned, observers: observers)
        status = Array(repeating: .waiting, count: graph.steps.count)
        outputs = planned.desired.map(\.outputs)
        objectIDs = planned.desired.map {
            let address = $0.resource.address
            return planned.recorded.resources[address]?.object.objectID ?? planned.observed[address]?.id ?? ""
        }
        pending = graph.steps.map { $0.needs.count + $0.follows.count }
        dependents = Array(repeating: [], count: graph.steps.count)
        for (position, step) in graph.steps.enumerated() {
            for before in step.needs + step.follows { dependents[before].append(position) }
        }
    }

    /// Runs to the end and says what came of it.
    mutating func run() async -> Outcome {
        for step in pending.indices where pending[step] == 0 { ready.add(step, graph.steps[step].pace) }
        await withTaskGroup(of: Answer.self) { tasks in
            while true {
                startReady(&tasks)
                guard let answer = await tasks.next() else { break }
                take(answer)
            }
        }
        await rollBack()
        return outcome
    }

    private mutating func startReady(_ tasks: inout TaskGroup<Answer>) {
        while let step = ready.next(where: hasRoom) {
            if outcome.broken != nil || Task.isCancelled {
                if let name = graph.steps[step].name(in: planned) { skip(step, because: name.address) }
                continue
            }
            guard let work = prepare(step) else { continue }
            status[step] = .running
            running[graph.steps[step].pace, default: 0] += 1
            if let name = graph.steps[step].name(in: planned) {
                events(.stepStarted(name, location(of: step)))
            }
            tasks.addTask {
                let start = Clock.monotonic()
                var result: Swift.Result<StepRunner.Result?, any Error>
                do { result = .success(try await work()) } catch { result = .failure(error) }
                return Answer(step: step, result: result, milliseconds: Double(Clock.monotonic() - start) / 1e6)
            }
        }
    }

    private func hasRoom(_ pace: WalkStep.Pace) -> Bool {
        limits[pace].map { running[pace, default: 0] < $0 } ?? true
    }

    private mutating func take(_ answer: Answer) {
        let step = graph.steps[answer.step]
        running[step.pace, default: 0] -= 1
        let name = step.name(in: planned)
        switch answer.result {
        case .success(let result):
            if case .apply(let position) = step.work, let result {
                outputs[position] = result.outputs
                objectIDs[position] = result.objectID
                if planned.desired[position].change.action == .recreate { replaced.insert(position) }
            }
            if let name {
                if name.operation != .wait, name.operation != .release {
                    outcome.done[name.operation.rawValue, default: 0] += 1
                }
                events(.stepDone(name, milliseconds: answer.milliseconds))
            }
            finish(answer.step, .done)
        case .failure(let error):
            if let unwritable = error as? Journal.Unwritable {
                outcome.broken = Failure.diagnostic(unwritable.cause, name?.address, location(of: answer.step))
            }
            fail(answer.step, (error as? Journal.Unwritable)?.cause ?? error)
        }
    }

    /// Closes a step and frees those that waited for it.
    mutating func finish(_ step: Int, _ end: Status) {
        var closing = [(step, end)]
        while let (step, end) = closing.popLast() {
            status[step] = end
            for dependent in dependents[step] {
                pending[dependent] -= 1
                guard pending[dependent] == 0 else { continue }
                if let blame = blame(for: dependent) {
                    skipAnnounced(dependent, because: blame)
                    closing.append((dependent, .skipped(blame)))
                } else {
                    ready.add(dependent, graph.steps[dependent].pace)
                }
            }
        }
    }

    /// Records a failure and goes on with what does not need the step.
    mutating func fail(_ step: Int, _ error: any Error) {
        if let name = graph.steps[step].name(in: planned) {
            if blamed.insert(name.address).inserted { outcome.failed.append(name.address) }
            let doing = "\(name.operation.rawValue) of \(name.address)"
            events(.stepFailed(name, Failure.diagnostic(error, name.address, location(of: step), doing: doing)))
        }
        finish(step, .failed)
    }

    private mutating func skip(_ step: Int, because address: ResourceAddress) {
        skipAnnounced(step, because: address)
        finish(step, .skipped(address))
    }

    private mutating func skipAnnounced(_ step: Int, because address: ResourceAddress) {
        guard let name = graph.steps[step].name(in: planned) else { return }
        // The object stays because the one in its place was not made, which has been said.
        if case .retire = graph.steps[step].work { return }
        if name.operation != .wait, blamed.insert(name.address).inserted { outcome.skipped.append(name.address) }
        events(.stepSkipped(name, cause: address, reason: reason(name.address, because: address)))
    }

    private func reason(_ address: ResourceAddress, because cause: ResourceAddress) -> String {
        if outcome.broken != nil || Task.isCancelled { return "the apply was stopped" }
        let isReplica = cause != address && cause.kind == address.kind && cause.name == address.name
        return isReplica ? "\(cause), which is replaced before it, failed" : "it needs \(cause), which failed"
    }

    /// The address to blame when a step that this one needs did not succeed.
    private func blame(for step: Int) -> ResourceAddress? {
        for need in graph.steps[step].needs {
            switch status[need] {
            case .failed: return graph.steps[need].name(in: planned)?.address
            case .skipped(let address): return address
            default: continue
            }
        }
        return nil
    }
}

/// Steps whose needs are met, those of each pace first come first served.
struct ReadySteps {
    private struct Queue {
        var steps: [Int] = []
        var head = 0
    }

    private static let order: [WalkStep.Pace] = [.waiting, .stopping, .acting]
    private var queues: [WalkStep.Pace: Queue] = [:]

    mutating func add(_ step: Int, _ pace: WalkStep.Pace) {
        queues[pace, default: Queue()].steps.append(step)
    }

    /// The next step of a pace that has room.
    mutating func next(where hasRoom: (WalkStep.Pace) -> Bool) -> Int? {
        for pace in Self.order where hasRoom(pace) {
            guard let queue = queues[pace], queue.head < queue.steps.count else { continue }
            queues[pace]?.head += 1
            return queue.steps[queue.head]
        }
        return nil
    }
}
