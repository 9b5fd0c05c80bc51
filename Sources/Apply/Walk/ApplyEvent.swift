import Diagnostics
import JSONText
import StackModel

/// What happens during an apply, as it happens.
///
/// Each is one JSON line of the API.
package enum ApplyEvent: Sendable {
    /// Sent first: what is about to be done.
    case started(run: String, stack: String, goal: Plan.Goal, generation: Int64, steps: Int)
    case stepStarted(StepName, SourceLocation?)
    case stepProgress(ProgressUpdate)
    case stepDone(StepName, milliseconds: Double)
    case stepFailed(StepName, Diagnostic)
    /// Not tried, because of what `cause` names.
    case stepSkipped(StepName, cause: ResourceAddress, reason: String)
    case diagnostic(Diagnostic)
    /// Sent last.
    case summary(ApplySummary)
}

/// Names one step of an apply.
package struct StepName: Sendable, Hashable {
    /// What a step does, in the words of the events.
    package enum Operation: String, Sendable {
        case create, update, restart, repair, delete, wait
        /// Part of an update: what another resource takes over is let go first.
        case release
        /// What the resource needs comes from elsewhere.
        case fetch
    }

    package var address: ResourceAddress
    package var operation: Operation

    package init(address: ResourceAddress, operation: Operation) {
        self.address = address
        self.operation = operation
    }
}

/// Takes events from any thread, in order for each step; must not block.
package typealias EventSink = @Sendable (ApplyEvent) -> Void

/// What came of an apply.
package struct ApplySummary: Sendable, Hashable {
    package var stack: String
    package var run: String
    package var generation: Int64
    /// Finished steps by operation.
    package var done: [String: Int]
    /// The addresses that failed, in order.
    package var failed: [ResourceAddress]
    /// The addresses that were not tried, in order.
    package var skipped: [ResourceAddress]
    package var unchanged: Int
    /// The stack's outputs, references resolved; those not known are left out.
    package var outputs: [ResolvedOutput]
    package var milliseconds: Double

    /// Whether everything planned was done.
    package var succeeded: Bool { failed.isEmpty && skipped.isEmpty }
}

/// An output of the stack with its value.
package struct ResolvedOutput: Sendable, Hashable {
    package var name: String
    package var value: JSONValue
    package var sensitive: Bool

    package init(name: String, value: JSONValue, sensitive: Bool) {
        self.name = name
        self.value = value
        self.sensitive = sensitive
    }

    /// The output as events and lists have it: a sensitive value is left out.
    var json: JSONValue {
        var object: JSONObject = ["name": .string(name)]
        if sensitive { object["sensitive"] = true } else { object["value"] = value }
        return .object(object)
    }

    /// The output with its value, for one who asked for it by name.
    package var revealed: JSONValue {
        var object: JSONObject = ["name": .string(name), "value": value]
        if sensitive { object["sensitive"] = true }
        return .object(object)
    }
}

extension ApplyEvent {
    /// The event as one JSON value.
    ///
    /// Readers ignore types and members they do not know.
    package var json: JSONValue {
        switch self {
        case .started(let run, let stack, let goal, let generation, let steps):
            return [
                "type": "started", "version": 1, "run": .string(run), "stack": .string(stack),
                "goal": .string(goal.rawValue), "generation": .int(generation), "steps": .int(Int64(steps)),
            ]
        case .stepStarted(let step, let location):
            var object = step.object(type: "step_started")
            if let location { object["location"] = location.json }
            return .object(object)
        case .stepProgress(let update):
            var object: JSONObject = [
                "type": "step_progress", "address": .string(update.address.description),
                "message": .string(update.message),
            ]
            if let current = update.current { object["current"] = .int(Int64(current)) }
            if let total = update.total { object["total"] = .int(Int64(total)) }
            return .object(object)
        case .stepDone(let step, let milliseconds):
            var object = step.object(type: "step_done")
            object["milliseconds"] = .double(milliseconds)
            return .object(object)
        case .stepFailed(let step, let diagnostic):
            var object = step.object(type: "step_failed")
            object["diagnostic"] = diagnostic.json
            return .object(object)
        case .stepSkipped(let step, let cause, let reason):
            var object = step.object(type: "step_skipped")
            object["cause"] = .string(cause.description)
            object["reason"] = .string(reason)
            return .object(object)
        case .diagnostic(let diagnostic):
            return ["type": "diagnostic", "diagnostic": diagnostic.json]
        case .summary(let summary):
            return summary.json
        }
    }
}

extension StepName {
    func object(type: String) -> JSONObject {
        [
            "type": .string(type), "address": .string(address.description),
            "operation": .string(operation.rawValue),
        ]
    }
}

extension ApplySummary {
    /// The summary event.
    package var json: JSONValue {
        var counts = JSONObject()
        for (operation, count) in done.sorted(by: { $0.key < $1.key }) { counts[operation] = .int(Int64(count)) }
        return [
            "type": "summary", "stack": .string(stack), "run": .string(run), "generation": .int(generation),
            "succeeded": .bool(succeeded), "done": .object(counts),
            "failed": .array(failed.map { .string($0.description) }),
            "skipped": .array(skipped.map { .string($0.description) }), "unchanged": .int(Int64(unchanged)),
            "outputs": .array(outputs.map(\.json)), "milliseconds": .double(milliseconds),
        ]
    }
}
