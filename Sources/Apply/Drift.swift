import Diagnostics
import JSONText
import StackModel
import StateStore

/// Where the host no longer matches what the last apply set.
package struct DriftReport: Sendable, Hashable {
    /// One thing that is not as it was set.
    package struct Entry: Sendable, Hashable {
        package enum Kind: String, Sendable {
            /// An attribute has another value.
            case attribute
            /// The object is there but stopped or damaged.
            case condition
            /// The object is gone.
            case gone
        }

        package var address: ResourceAddress
        package var kind: Kind
        /// The attribute's path; empty for the whole object.
        package var path: String
        /// What was set.
        package var set: JSONValue?
        /// What is there.
        package var found: JSONValue?
        /// In words, where there is no attribute.
        package var text: String?
        /// The line of the manifest, as of the last apply.
        package var location: SourceLocation?

        package init(
            address: ResourceAddress, kind: Kind, path: String, set: JSONValue? = nil, found: JSONValue? = nil,
            text: String? = nil, location: SourceLocation?
        ) {
            self.address = address
            self.kind = kind
            self.path = path
            self.set = set
            self.found = found
            self.text = text
            self.location = location
        }
    }

    package var stack: String
    package var generation: Int64
    /// The folder it was last applied from.
    package var origin: String?
    package var entries: [Entry]
    /// How many objects were looked at.
    package var checked: Int
    package var milliseconds: Double

    package init(
        stack: String, generation: Int64, origin: String? = nil, entries: [Entry], checked: Int,
        milliseconds: Double = 0
    ) {
        self.stack = stack
        self.generation = generation
        self.origin = origin
        self.entries = entries
        self.checked = checked
        self.milliseconds = milliseconds
    }

    /// Compares what was set with what is there.
    ///
    /// Pure.
    static func compare(
        _ stack: String, _ recorded: RecordedStack, _ observed: [ResourceAddress: ObservedObject],
        _ observers: Observers
    ) -> DriftReport {
        var entries: [Entry] = []
        for (address, resource) in recorded.resources.sorted(by: { $0.key < $1.key }) {
            guard let found = observed[address] else {
                entries.append(
                    Entry(
                        address: address, kind: .gone, path: "", text: "is gone from the host",
                        location: resource.location))
                continue
            }
            let set = resource.object.attributes
            let observer = try? observers.observer(for: address.kind)
            let there = observer?.matched(found.attributes, to: set) ?? found.attributes
            for difference in Comparison(desired: set, recorded: set, observed: there).differences {
                let cost = observer?.changeClass(path: difference.path, from: difference.from, to: difference.to)
                if cost == ChangeClass.none { continue }
                entries.append(
                    Entry(
                        address: address, kind: .attribute, path: difference.path, set: difference.to,
                        found: difference.from, location: resource.location(of: difference.path)))
            }
            if let text = found.condition.text {
                let said = found.remark.map { "\(text): \($0)" } ?? text
                entries.append(
                    Entry(
                        address: address, kind: .condition, path: "", text: said, location: resource.location))
            }
        }
        return DriftReport(
            stack: stack, generation: recorded.generation, origin: recorded.header?.origin, entries: entries,
            checked: recorded.resources.count)
    }
}

extension DriftReport {
    /// The report as versioned JSON.
    package var json: JSONValue {
        var object: JSONObject = [
            "version": 1, "stack": .string(stack), "generation": .int(generation), "checked": .int(Int64(checked)),
            "drift": .array(entries.map(\.json)), "milliseconds": .double(milliseconds),
        ]
        if let origin { object["origin"] = .string(origin) }
        return .object(object)
    }

    /// Reads a report; `nil` when it is none.
    package init?(json: JSONValue) {
        guard json["version"]?.intValue == 1, let stack = json["stack"]?.stringValue,
            let list = json["drift"]?.arrayValue
        else { return nil }
        let entries = list.compactMap(Entry.init(json:))
        guard entries.count == list.count else { return nil }
        self.init(
            stack: stack, generation: json["generation"]?.intValue ?? 0,
            origin: json["origin"]?.stringValue, entries: entries,
            checked: json["checked"]?.intValue.flatMap(Int.init(exactly:)) ?? 0,
            milliseconds: json["milliseconds"]?.doubleValue ?? 0)
    }
}

extension DriftReport.Entry {
    var json: JSONValue {
        var object: JSONObject = ["address": .string(address.description), "kind": .string(kind.rawValue)]
        if !path.isEmpty { object["path"] = .string(path) }
        object["set"] = set
        object["found"] = found
        if let text { object["text"] = .string(text) }
        if let location { object["location"] = location.json }
        return .object(object)
    }

    init?(json: JSONValue) {
        guard let address = json["address"]?.stringValue.flatMap(ResourceAddress.init),
            let kind = json["kind"]?.stringValue.flatMap(Kind.init)
        else { return nil }
        self.init(
            address: address, kind: kind, path: json["path"]?.stringValue ?? "", set: json["set"],
            found: json["found"], text: json["text"]?.stringValue,
            location: json["location"].flatMap(SourceLocation.init(json:)))
    }
}
