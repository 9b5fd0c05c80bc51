import Diagnostics
import JSONText
import StackModel

/// What an apply would do, as a value.
///
/// It holds no way to do it.
package struct Plan: Sendable, Hashable {
    /// The version of its JSON.
    ///
    /// Readers ignore members they do not know.
    package static let formatVersion: Int64 = 1

    /// Where the plan leads.
    package enum Goal: String, Sendable {
        /// The host matches the manifest.
        case apply
        /// Nothing of the stack is left.
        case destroy
    }

    package var stack: String
    package var goal: Goal
    /// The stack's generation the plan was made on; 0 when it was never applied.
    package var generation: Int64
    /// One for every resource, in the order they would be made; deletes last.
    package var changes: [Change]
    /// How far the plan may go.
    package var scope: PlanScope
    /// What is recorded, but neither declared nor deleted: it is outside of the scope.
    package var untouched: [ResourceAddress]
    /// What was there when the plan was made, for every resource that has an object and would be touched.
    package var fingerprints: [ResourceAddress: PlannedObject]
    /// Warnings of the preflight and of the planner itself.
    package var diagnostics: [Diagnostic]
    /// How long planning took, in milliseconds.
    ///
    /// Not part of what the plan means.
    package var milliseconds: Double

    package init(
        stack: String, goal: Goal, generation: Int64, changes: [Change] = [],
        fingerprints: [ResourceAddress: PlannedObject] = [:], diagnostics: [Diagnostic] = [], milliseconds: Double = 0,
        scope: PlanScope = PlanScope(), untouched: [ResourceAddress] = []
    ) {
        self.stack = stack
        self.goal = goal
        self.generation = generation
        self.changes = changes
        self.fingerprints = fingerprints
        self.diagnostics = diagnostics
        self.milliseconds = milliseconds
        self.scope = scope
        self.untouched = untouched
    }

    /// Whether the host matches already.
    package var isEmpty: Bool { changes.allSatisfy { $0.action == .noChange } }

    /// How many resources each action has.
    package var counts: [ChangeAction: Int] {
        changes.reduce(into: [:]) { $0[$1.action, default: 0] += 1 }
    }
}

/// What a plan does to one resource, and why.
package struct Change: Sendable, Hashable {
    package var address: ResourceAddress
    package var action: ChangeAction
    package var changeClass: ChangeClass
    package var reasons: [ChangeReason]
    /// Where it is declared; where it was declared at the last apply for a delete.
    package var location: SourceLocation?
    /// Whether the new object of a recreation does its work before the old one is deleted.
    package var startsFirst: Bool

    package init(
        address: ResourceAddress, action: ChangeAction, changeClass: ChangeClass = .none,
        reasons: [ChangeReason] = [], location: SourceLocation? = nil, startsFirst: Bool = false
    ) {
        self.address = address
        self.action = action
        self.changeClass = changeClass
        self.reasons = reasons
        self.location = location
        self.startsFirst = startsFirst
    }

    /// Whether something users put into the object is lost.
    package var losesData: Bool { changeClass == .dataLoss && (action == .recreate || action == .delete) }

    /// The attributes that change.
    var attributeChanges: [AttributeChange] {
        reasons.filter { !$0.path.isEmpty }.map { AttributeChange(path: $0.path, from: $0.from, to: $0.to) }
    }
}

/// One reason for a change.
package struct ChangeReason: Sendable, Hashable {
    /// Who caused it.
    package enum Cause: String, Sendable {
        /// The manifest says something else than last time.
        case manifest
        /// The host has something else than was set.
        case drift
        /// A resource it refers to is made anew.
        case dependency
    }

    /// A leaf of the attributes; empty when the reason is about the whole object.
    package var path: String
    /// What is there, `nil` for absent.
    package var from: JSONValue?
    /// What shall be there, `nil` for absent; holds `$ref` when it is known only after apply.
    package var to: JSONValue?
    package var cause: Cause
    package var changeClass: ChangeClass
    /// The line of the manifest.
    package var location: SourceLocation?
    /// In words, where there is no attribute: "is gone", "exited with 137".
    package var note: String?
    /// More to the note that changes from look to look; not part of what the plan means.
    package var remark: String?

    package init(
        path: String, from: JSONValue? = nil, to: JSONValue? = nil, cause: Cause, changeClass: ChangeClass,
        location: SourceLocation?, note: String? = nil, remark: String? = nil
    ) {
        self.path = path
        self.from = from
        self.to = to
        self.cause = cause
        self.changeClass = changeClass
        self.location = location
        self.note = note
        self.remark = remark
    }

    /// The reason without what changes from look to look.
    var meaning: ChangeReason {
        var copy = self
        copy.remark = nil
        return copy
    }
}

/// An object as a plan found it.
package struct PlannedObject: Sendable, Hashable {
    package var objectID: String
    /// `nil` when the object was gone.
    package var fingerprint: String?
    /// `nil` when all was well.
    package var condition: String?
    /// The attributes we own, as observed.
    package var attributes: JSONObject

    package init(objectID: String, fingerprint: String?, condition: String? = nil, attributes: JSONObject) {
        self.objectID = objectID
        self.fingerprint = fingerprint
        self.condition = condition
        self.attributes = attributes
    }
}
