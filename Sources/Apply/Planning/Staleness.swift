import Diagnostics
import JSONText
import StackModel

/// Tells whether a plan still means what it meant when it was shown, and if not, what has changed and how.
///
/// Pure.
package enum Staleness {
    /// Nothing when the plan may be carried out; otherwise one diagnostic that names every change.
    ///
    /// `fresh` is a plan of the same document, made now.
    package static func check(_ plan: Plan, against fresh: PlannedStack) -> Diagnostic? {
        var notes: [String] = []
        let now = Dictionary(fresh.plan.changes.map { ($0.address, $0) }) { first, _ in first }
        var known: Set<ResourceAddress> = []
        for change in plan.changes {
            known.insert(change.address)
            if let note = note(plan, change, fresh, now[change.address]) {
                notes.append("\(change.address) \(note)")
            }
        }
        for change in fresh.plan.changes where !known.contains(change.address) {
            notes.append("\(change.address) has been recorded since")
        }
        guard !notes.isEmpty else { return nil }
        var detail = "The plan was made on generation \(plan.generation) of stack \(plan.stack)"
        if fresh.plan.generation != plan.generation {
            detail += ", which is at generation \(fresh.plan.generation) now"
        }
        return Diagnostic(
            code: "SC3130", summary: "the plan is stale: the host is not as it was when it was made",
            detail: detail + ".", hint: "look at a new plan with: stackctl plan", notes: notes)
    }

    private static func note(
        _ plan: Plan, _ change: Change, _ fresh: PlannedStack, _ now: Change?
    ) -> String? {
        guard let now else { return "is not recorded any more" }
        let recorded = fresh.recorded.resources[change.address]
        let current = recorded.map { Fingerprints.object($0, fresh.observed[change.address]) }
        if change.action != .noChange {
            let planned = plan.fingerprints[change.address]
            if let text = difference(planned, current) { return text }
        }
        guard
            now.action != change.action || now.changeClass != change.changeClass
                || now.reasons.map(\.meaning) != change.reasons.map(\.meaning)
        else { return nil }
        if change.action == .noChange { return "needed nothing, and now \(explain(now))" }
        if now.action == .noChange { return "needs nothing any more" }
        return "was planned as \(change.action.rawValue), and now \(explain(now))"
    }

    private static func difference(_ planned: PlannedObject?, _ current: PlannedObject?) -> String? {
        switch (planned, current) {
        case (nil, nil): return nil
        case (nil, _?): return "has been made since"
        case (_?, nil): return "is not recorded any more"
        case (let planned?, let current?):
            if planned == current { return nil }
            if planned.objectID != current.objectID {
                return "is another object now: \(short(current.objectID)) in place of \(short(planned.objectID))"
            }
            if planned.fingerprint != nil, current.fingerprint == nil { return "is gone from the host" }
            if planned.fingerprint == nil { return "was gone from the host and is there again" }
            if planned.condition != current.condition {
                return "\(planned.condition ?? "was fine"), now: \(current.condition ?? "it is fine")"
            }
            let changed = changedLeaves(planned.attributes, current.attributes)
            if changed.isEmpty { return "has been changed or restarted" }
            return changed.joined(separator: ", ")
        }
    }

    private static func changedLeaves(_ before: JSONObject, _ after: JSONObject) -> [String] {
        let old = Dictionary(before.leaves().map { ($0.path, $0.value) }) { first, _ in first }
        let new = Dictionary(after.leaves().map { ($0.path, $0.value) }) { first, _ in first }
        return Set(old.keys).union(new.keys).sorted().compactMap { path in
            guard old[path] != new[path] else { return nil }
            return "\(path) was \(AttributeText.of(old[path], path: path)), "
                + "is \(AttributeText.of(new[path], path: path))"
        }
    }

    private static func explain(_ change: Change) -> String {
        let reason = change.reasons.first.map { reason in
            reason.note
                ?? "\(reason.path): \(AttributeText.of(reason.from, path: reason.path)) → "
                + AttributeText.of(reason.to, path: reason.path)
        }
        return "needs \(change.action.rawValue)" + (reason.map { " (\($0))" } ?? "")
    }

    private static func short(_ id: String) -> String { String(id.prefix(12)) }
}
