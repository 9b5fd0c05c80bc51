import Diagnostics
import JSONText
import StackModel

extension Plan {
    /// The plan as versioned JSON.
    package var json: JSONValue {
        var prints = JSONObject()
        for (address, object) in fingerprints.sorted(by: { $0.key < $1.key }) {
            prints[address.description] = object.json
        }
        var object: JSONObject = [
            "version": .int(Self.formatVersion), "stack": .string(stack), "goal": .string(goal.rawValue),
            "generation": .int(generation), "changes": .array(changes.map(\.json)), "summary": summaryJSON,
            "fingerprints": .object(prints), "diagnostics": .array(diagnostics.map(\.json)),
            "milliseconds": .double(milliseconds),
        ]
        if scope != PlanScope() { object["scope"] = scope.json }
        if !untouched.isEmpty { object["untouched"] = .array(untouched.map { .string($0.description) }) }
        return .object(object)
    }

    /// The counts by action, and the addresses that lose data.
    package var summaryJSON: JSONValue {
        let counts = counts
        var object = JSONObject()
        for action in ChangeAction.allCases { object[action.rawValue] = .int(Int64(counts[action] ?? 0)) }
        let lost = changes.filter(\.losesData).map { JSONValue.string($0.address.description) }
        if !lost.isEmpty { object["dataLoss"] = .array(lost) }
        return .object(object)
    }

    /// Reads a plan, which may come from outside.
    ///
    /// - Throws: a diagnostic that names both versions, or the first part that is damaged.
    package init(json: JSONValue) throws(Diagnostic) {
        guard let version = json["version"]?.intValue else { throw Self.damaged("it has no version") }
        guard version == Self.formatVersion else {
            throw Diagnostic(
                code: "SC3110", summary: "the plan has format version \(version), not \(Self.formatVersion)",
                hint: "plan again with this stackctl")
        }
        guard let stack = json["stack"]?.stringValue else { throw Self.damaged("stack must be a string") }
        guard let goal = json["goal"]?.stringValue.flatMap(Goal.init) else {
            throw Self.damaged("goal must be apply or destroy")
        }
        guard let generation = json["generation"]?.intValue else { throw Self.damaged("generation must be a number") }
        guard let changes = json["changes"]?.arrayValue else { throw Self.damaged("changes must be a list") }
        self.init(stack: stack, goal: goal, generation: generation)
        for (position, value) in changes.enumerated() {
            guard let change = Change(json: value) else { throw Self.damaged("changes[\(position)]") }
            self.changes.append(change)
        }
        for (key, value) in json["fingerprints"]?.objectValue ?? JSONObject() {
            guard let address = ResourceAddress(key), let object = PlannedObject(json: value) else {
                throw Self.damaged("fingerprints of \(key)")
            }
            fingerprints[address] = object
        }
        guard let scope = PlanScope(json: json["scope"] ?? .null) else { throw Self.damaged("its scope") }
        self.scope = scope
        for value in json["untouched"]?.arrayValue ?? [] {
            guard let address = value.stringValue.flatMap({ ResourceAddress($0) }) else {
                throw Self.damaged("untouched")
            }
            untouched.append(address)
        }
        diagnostics = (json["diagnostics"]?.arrayValue ?? []).compactMap(Diagnostic.init(json:))
        milliseconds = json["milliseconds"]?.doubleValue ?? 0
    }

    static func damaged(_ what: String) -> Diagnostic {
        Diagnostic(
            code: "SC3111", summary: "the plan is damaged: \(what)",
            hint: "make it again with: stackctl plan --out FILE")
    }
}

extension Change {
    var json: JSONValue {
        var object: JSONObject = ["address": .string(address.description), "action": .string(action.rawValue)]
        if action == .noChange { return .object(object) }
        object["class"] = .string(changeClass.name)
        object["reasons"] = .array(reasons.map(\.json))
        if let location { object["location"] = location.json }
        if startsFirst { object["startsFirst"] = true }
        return .object(object)
    }

    init?(json: JSONValue) {
        guard let address = json["address"]?.stringValue.flatMap(ResourceAddress.init),
            let action = json["action"]?.stringValue.flatMap(ChangeAction.init)
        else { return nil }
        let reasons = json["reasons"]?.arrayValue ?? []
        let read = reasons.compactMap(ChangeReason.init(json:))
        guard read.count == reasons.count else { return nil }
        self.init(
            address: address, action: action,
            changeClass: json["class"]?.stringValue.flatMap { ChangeClass(name: $0) } ?? .none, reasons: read,
            location: json["location"].flatMap(SourceLocation.init(json:)),
            startsFirst: json["startsFirst"]?.boolValue ?? false)
    }
}

extension ChangeReason {
    var json: JSONValue {
        var object: JSONObject = ["path": .string(path)]
        object["from"] = from
        object["to"] = to
        object["because"] = .string(cause.rawValue)
        object["class"] = .string(changeClass.name)
        if let location { object["location"] = location.json }
        if let note { object["note"] = .string(note) }
        if let remark { object["remark"] = .string(remark) }
        return .object(object)
    }

    init?(json: JSONValue) {
        guard let path = json["path"]?.stringValue, let cause = json["because"]?.stringValue.flatMap(Cause.init),
            let changeClass = json["class"]?.stringValue.flatMap({ ChangeClass(name: $0) })
        else { return nil }
        self.init(
            path: path, from: json["from"], to: json["to"], cause: cause, changeClass: changeClass,
            location: json["location"].flatMap(SourceLocation.init(json:)), note: json["note"]?.stringValue,
            remark: json["remark"]?.stringValue)
    }
}

extension PlannedObject {
    var json: JSONValue {
        var object: JSONObject = ["object": .string(objectID), "attributes": .object(attributes)]
        if let fingerprint { object["fingerprint"] = .string(fingerprint) }
        if let condition { object["condition"] = .string(condition) }
        return .object(object)
    }

    init?(json: JSONValue) {
        guard let objectID = json["object"]?.stringValue else { return nil }
        self.init(
            objectID: objectID, fingerprint: json["fingerprint"]?.stringValue,
            condition: json["condition"]?.stringValue, attributes: json["attributes"]?.objectValue ?? JSONObject())
    }
}
