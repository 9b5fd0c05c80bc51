import JSONText
import StackModel
import StateStore

/// What a journaled step is about to do, with all that recovery needs to finish or undo it.
struct Intent: Sendable {
    enum Operation: String, Sendable {
        case create, update, repair, delete
    }

    var operation: Operation
    var address: ResourceAddress
    var objectID: String
    /// What was reserved with the identity; only of a create.
    var reserved = JSONObject()
    /// What the object has, or shall have, when the step is done; references resolved.
    var attributes: JSONObject
    /// What will be recorded; `nil` for a delete.
    var row: ResourceRow?
    /// A create that found the object there already, with data in it: taking the step back leaves it.
    var adopts = false
    /// A delete that waits until nothing uses the object any more.
    var isDeferred = false
    /// A delete of an object whose address gets, or has got, another one.
    var isReplaced = false
    /// The outputs of an object that is to be deleted: who holds one of them still uses it.
    var outputs = JSONObject()

    var json: JSONValue {
        var object: JSONObject = ["attributes": .object(attributes)]
        if !reserved.isEmpty { object["reserved"] = .object(reserved) }
        if !outputs.isEmpty { object["outputs"] = .object(outputs) }
        if adopts { object["adopts"] = true }
        if isDeferred { object["deferred"] = true }
        if isReplaced { object["replaced"] = true }
        if let row {
            object["location"] = row.location
            object["locations"] = .object(row.locations)
            object["dependencies"] = .object(row.dependencies)
            object["protect"] = .bool(row.protect)
        }
        return .object(object)
    }

    /// Reads what the journal holds; `nil` when another version wrote something unknown.
    init?(_ row: JournalRow) {
        guard let operation = Operation(rawValue: row.operation), let address = ResourceAddress(row.address),
            let attributes = row.intent["attributes"]?.objectValue
        else { return nil }
        self.init(operation: operation, address: address, objectID: row.objectID, attributes: attributes)
        reserved = row.intent["reserved"]?.objectValue ?? JSONObject()
        outputs = row.intent["outputs"]?.objectValue ?? JSONObject()
        adopts = row.intent["adopts"]?.boolValue ?? false
        isDeferred = row.intent["deferred"]?.boolValue ?? false
        isReplaced = row.intent["replaced"]?.boolValue ?? isDeferred
        guard let dependencies = row.intent["dependencies"]?.objectValue else { return }
        self.row = ResourceRow(
            stack: row.stack, address: row.address, kind: address.kind.rawValue, objectID: row.objectID,
            attributes: attributes, outputs: JSONObject(), location: row.intent["location"] ?? .null,
            locations: row.intent["locations"]?.objectValue ?? JSONObject(), dependencies: dependencies,
            protect: row.intent["protect"]?.boolValue ?? false, updated: row.started)
    }

    init(operation: Operation, address: ResourceAddress, objectID: String, attributes: JSONObject) {
        self.operation = operation
        self.address = address
        self.objectID = objectID
        self.attributes = attributes
    }
}
