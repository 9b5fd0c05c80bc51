import Diagnostics
import JSONText
import StackModel

/// The identity of an object, chosen and committed before it exists.
package struct ObjectIdentity: Sendable, Hashable {
    /// The object's id on the host.
    package var id: String
    /// What was reserved with it: addresses, a subnet.
    package var reserved: JSONObject

    package init(id: String, reserved: JSONObject = JSONObject()) {
        self.id = id
        self.reserved = reserved
    }
}

/// What the host has.
package struct ObservedObject: Sendable, Hashable {
    package var id: String
    /// In the same normal form as desired attributes; more than we own is fine.
    package var attributes: JSONObject
    package var outputs: JSONObject
    /// Changes whenever anything of the object changes that a plan rests on.
    package var fingerprint: String
    package var condition: ObjectCondition
    /// More about the condition that changes from look to look, such as a health check's last words.
    ///
    /// Shown, but no part of what a plan rests on.
    package var remark: String?
    /// What its deletion loses beyond what its kind says: "its anonymous volume at /data".
    package var data: String?

    package init(
        id: String, attributes: JSONObject, outputs: JSONObject = JSONObject(), fingerprint: String,
        condition: ObjectCondition = .ok, remark: String? = nil, data: String? = nil
    ) {
        self.id = id
        self.attributes = attributes
        self.outputs = outputs
        self.fingerprint = fingerprint
        self.condition = condition
        self.remark = remark
        self.data = data
    }
}

/// Whether an object does what it is there for.
package enum ObjectCondition: Sendable, Hashable {
    case ok
    /// It is there but does not run; the text says why: "exited with 137 at …".
    case stopped(String)
    /// A part of it is missing; the text says which: "link vethX is missing".
    case damaged(String)

    /// The text, `nil` for `ok`.
    package var text: String? {
        switch self {
        case .ok: nil
        case .stopped(let text), .damaged(let text): text
        }
    }
}

/// What was set by the last apply.
package struct RecordedObject: Sendable, Hashable {
    package var address: ResourceAddress
    package var objectID: String
    /// The attributes we set, normalised, references resolved.
    package var attributes: JSONObject
    package var outputs: JSONObject

    package init(address: ResourceAddress, objectID: String, attributes: JSONObject, outputs: JSONObject) {
        self.address = address
        self.objectID = objectID
        self.attributes = attributes
        self.outputs = outputs
    }
}

/// A resource of the manifest with what is planned for it, as `preflight` sees it.
package struct PlannedResource: Sendable, Hashable {
    package var stack: String
    package var address: ResourceAddress
    /// Normalised; what is known only after apply stays as `{"$ref": …}`.
    package var attributes: JSONObject
    package var action: ChangeAction
    /// The object it has now, if any.
    package var objectID: String?
    package var location: SourceLocation
    /// The place of single attributes, by path.
    package var locations: [String: SourceLocation]

    package init(
        stack: String, address: ResourceAddress, attributes: JSONObject, action: ChangeAction, objectID: String?,
        location: SourceLocation, locations: [String: SourceLocation] = [:]
    ) {
        self.stack = stack
        self.address = address
        self.attributes = attributes
        self.action = action
        self.objectID = objectID
        self.location = location
        self.locations = locations
    }
}

/// One attribute that changes, as `update` sees it.
package struct AttributeChange: Sendable, Hashable {
    /// A leaf of the normal form: `limits.memory`.
    package var path: String
    /// What is there, `nil` for absent.
    package var from: JSONValue?
    /// What shall be there, `nil` for absent.
    package var to: JSONValue?

    package init(path: String, from: JSONValue?, to: JSONValue?) {
        self.path = path
        self.from = from
        self.to = to
    }
}

/// A word on how a running step is doing.
package struct ProgressUpdate: Sendable, Hashable {
    package var address: ResourceAddress
    package var message: String
    /// Done so far, in the step's own unit.
    package var current: Int?
    package var total: Int?
    /// What the step could not do, though it is not undone for it: told for itself.
    package var warning: Diagnostic?

    package init(address: ResourceAddress, warning: Diagnostic) {
        self.init(address: address, message: warning.summary)
        self.warning = warning
    }

    package init(address: ResourceAddress, message: String, current: Int? = nil, total: Int? = nil) {
        self.address = address
        self.message = message
        self.current = current
        self.total = total
    }
}

/// Takes progress from any thread; must not block.
package typealias ProgressSink = @Sendable (ProgressUpdate) -> Void
