import Compose
import JSONText
import Providers
import StackModel

/// A container of a compose project, as the daemon lists it.
struct ComposeContainer: Sendable, Equatable {
    /// The entry of `GET /containers/json`.
    let json: JSONValue
    let id: String
    /// Without the slash.
    let name: String
    let service: String
    /// 1 and up; 0 for those of `run`.
    let number: Int
    /// Whether `run` made it.
    let isOneOff: Bool
    /// `running`, `exited`, `created`, `paused`, `restarting`, `dead`.
    let state: String
    /// `Up 3 minutes (healthy)`.
    let status: String
    let image: String
    let labels: [String: String]

    /// Reads an entry; nil where it belongs to no service.
    init?(json: JSONValue) {
        labels = json["Labels"]?.objectValue?.strings ?? [:]
        guard let id = json["Id"]?.stringValue, let service = labels[ComposeLabels.service] else { return nil }
        self.json = json
        self.id = id
        self.service = service
        let name = json["Names"]?.arrayValue?.first?.stringValue ?? id
        self.name = name.hasPrefix("/") ? String(name.dropFirst()) : name
        number = labels[ComposeLabels.containerNumber].flatMap { Int($0) } ?? 0
        isOneOff = labels[ComposeLabels.oneOff]?.lowercased() == "true"
        state = json["State"]?.stringValue ?? ""
        status = json["Status"]?.stringValue ?? ""
        image = json["Image"]?.stringValue ?? ""
    }

    /// Its project.
    var project: String { labels[ComposeLabels.project] ?? "" }

    /// What it is in the stack of the project; nil for one that another client made.
    var address: ResourceAddress? {
        guard labels[HostNames.stackLabel] == project else { return nil }
        return labels[HostNames.addressLabel].flatMap { ResourceAddress($0) }
    }

    /// Whether it has processes.
    var isRunning: Bool { ["running", "paused", "restarting"].contains(state) }

    /// What its service depended on when it was made, with the condition: `db:service_healthy:false,cache:…`.
    var dependencies: [Dependency] {
        (labels[ComposeLabels.dependsOn] ?? "").split(separator: ",").compactMap { Dependency(String($0)) }
    }

    /// The name in the prefix of its log: `web-1`, or what it is called.
    var shortName: String { isOneOff || number == 0 ? name : "\(service)-\(number)" }

    /// A service that another one depends on.
    struct Dependency: Sendable, Equatable {
        var service: String
        /// `service_started`, `service_healthy`, `service_completed_successfully`.
        var condition: String
        /// Whether who depends on it is restarted with it.
        var restarts: Bool

        init(service: String, condition: String = "service_started", restarts: Bool = false) {
            self.service = service
            self.condition = condition
            self.restarts = restarts
        }

        /// Reads `db:service_healthy:false`; nil for an empty text.
        init?(_ text: String) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard let name = parts.first, !name.isEmpty else { return nil }
            service = String(name)
            condition = parts.count > 1 ? String(parts[1]) : "service_started"
            restarts = parts.count > 2 && parts[2] == "true"
        }
    }
}

extension ComposeProject {
    /// Whether a container's service is none of the project's, active or not.
    func isOrphan(_ container: ComposeContainer) -> Bool {
        services[container.service] == nil && disabledServices[container.service] == nil
    }
}

extension ResourceAddress {
    /// The service that a container of `pre_start` runs before; nil for any other.
    var serviceBefore: String? { name.firstRange(of: "-pre_start-").map { String(name[..<$0.lowerBound]) } }
}
