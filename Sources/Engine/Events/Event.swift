import JSONText
import Linux

/// Something that happened to an object, as `GET /events` shows it.
package struct Event: Sendable, Hashable {
    /// What kind of object.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case container, image, network, volume, daemon, builder
    }

    /// The kind of object.
    package var kind: Kind
    /// What happened: `start`, `die`, `exec_create: ls`.
    package var action: String
    /// The object's id or name.
    package var actor: String
    /// Facts about it.
    package var attributes: [String: String]
    /// When.
    package var time: Timestamp

    /// An event.
    package init(
        _ kind: Kind, _ action: String, actor: String, attributes: [String: String] = [:], time: Timestamp? = nil
    ) {
        self.kind = kind
        self.action = action
        self.actor = actor
        self.attributes = attributes
        self.time = time ?? Clock.now()
    }

    /// Docker's shape, with the fields of versions before 1.52.
    package var json: JSONObject {
        var object = JSONObject()
        if kind == .container {
            object["status"] = .string(action)
            object["id"] = .string(actor)
            object["from"] = .string(attributes["image"] ?? "")
        }
        object["Type"] = .string(kind.rawValue)
        object["Action"] = .string(action)
        object["Actor"] = ["ID": .string(actor), "Attributes": .object(.strings(attributes))]
        object["scope"] = "local"
        object["time"] = .int(time.seconds)
        object["timeNano"] = .int(time.nanosecondsSinceEpoch)
        return object
    }

    /// The action without what is said after a colon.
    package var verb: String { String(action.split(separator: ":", maxSplits: 1).first ?? "") }
}

extension FilterSet {
    /// The filters events have.
    package static let forEvents: Set<String> = [
        "config", "container", "daemon", "event", "image", "label", "network", "node", "plugin", "scope", "secret",
        "service", "type", "volume",
    ]

    /// Whether an event passes.
    package func allows(_ event: Event) -> Bool {
        allows("type") { $0 == event.kind.rawValue }
            && allows("event") { $0 == event.action || $0 == event.verb }
            && allows("scope") { $0 == "local" }
            && allows("container") { $0.isName(of: event, .container) }
            && allows("network") { $0.isName(of: event, .network) }
            && allows("volume") { $0.isName(of: event, .volume) }
            && allows("daemon") { $0.isName(of: event, .daemon) }
            && allows("image") {
                $0.isName(of: event, .image) || event.attributes["image"] == $0
                    || event.attributes["image"]?.hasPrefix($0 + ":") == true
            }
            && allows(labels: event.attributes)
            && Self.kindsWithoutEvents.allSatisfy(lacks)
    }

    /// Kinds of things that this engine does not have.
    private static let kindsWithoutEvents = ["config", "node", "plugin", "secret", "service"]
}

extension String {
    fileprivate func isName(of event: Event, _ kind: Event.Kind) -> Bool {
        event.kind == kind && (event.actor == self || event.attributes["name"] == self || event.actor.hasPrefix(self))
            || kind != .container && event.attributes[kind.rawValue] == self
    }
}
