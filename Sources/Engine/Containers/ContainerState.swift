import JSONText
import Linux

/// What is known of a container's runs.
package struct ContainerState: Sendable, Hashable {
    /// Docker's states.
    package enum Phase: String, Sendable, Hashable {
        case created, running, paused, restarting, removing, exited, dead
    }

    /// The state.
    package var phase = Phase.created
    /// The first process on the host; 0 while none runs.
    package var pid: Int32 = 0
    /// The supervisor; 0 while none runs.
    package var supervisorPID: Int32 = 0
    /// Exit code of the last run, 128 + n for a signal.
    package var exitCode: Int32 = 0
    /// Whether the kernel killed it for its memory.
    package var oomKilled = false
    /// Why it could not be started.
    package var error = ""
    /// Start of the last run.
    package var startedAt: Timestamp?
    /// End of the last run.
    package var finishedAt: Timestamp?
    /// Restarts by policy since it was last started.
    package var restartCount = 0
    /// Whether its creation came to its end; what is missing is made when a daemon finds it, or at its start.
    package var isMade = true

    /// A container that never ran.
    package init() {}

    /// Whether a supervisor holds it: running, paused or between two runs.
    package var isActive: Bool { phase == .running || phase == .paused || phase == .restarting }

    /// Docker's zero time.
    package static let never = "0001-01-01T00:00:00Z"

    init(json: JSONValue) {
        phase = json["phase"]?.stringValue.flatMap(Phase.init(rawValue:)) ?? .created
        pid = Int32(truncatingIfNeeded: json["pid"]?.intValue ?? 0)
        supervisorPID = Int32(truncatingIfNeeded: json["supervisorPID"]?.intValue ?? 0)
        exitCode = Int32(truncatingIfNeeded: json["exitCode"]?.intValue ?? 0)
        oomKilled = json["oomKilled"]?.boolValue ?? false
        error = json["error"]?.stringValue ?? ""
        startedAt = json["startedAt"]?.intValue.map { Timestamp(nanosecondsSinceEpoch: $0) }
        finishedAt = json["finishedAt"]?.intValue.map { Timestamp(nanosecondsSinceEpoch: $0) }
        restartCount = Int(json["restartCount"]?.intValue ?? 0)
        isMade = json["made"]?.boolValue ?? true
    }

    var json: JSONValue {
        var object: JSONObject = [
            "phase": .string(phase.rawValue), "pid": .int(Int64(pid)), "supervisorPID": .int(Int64(supervisorPID)),
            "exitCode": .int(Int64(exitCode)), "oomKilled": .bool(oomKilled), "error": .string(error),
            "restartCount": .int(Int64(restartCount)),
        ]
        if !isMade { object["made"] = false }
        object["startedAt"] = startedAt.map { .int($0.nanosecondsSinceEpoch) }
        object["finishedAt"] = finishedAt.map { .int($0.nanosecondsSinceEpoch) }
        return .object(object)
    }

    /// Docker's `State`.
    package func inspection(health: HealthState?) -> JSONObject {
        var object: JSONObject = [
            "Status": .string(phase.rawValue), "Running": .bool(isActive), "Paused": .bool(phase == .paused),
            "Restarting": .bool(phase == .restarting), "OOMKilled": .bool(oomKilled), "Dead": .bool(phase == .dead),
            "Pid": .int(Int64(pid)), "ExitCode": .int(Int64(exitCode)), "Error": .string(error),
            "StartedAt": .string(startedAt?.rfc3339 ?? Self.never),
            "FinishedAt": .string(finishedAt?.rfc3339 ?? Self.never),
        ]
        if let health { object["Health"] = .object(health.json) }
        return object
    }

    /// The text of `docker ps`: `Up 2 hours (healthy)`, `Exited (0) 3 minutes ago`.
    package func summary(now: Timestamp, health: HealthState?) -> String {
        let ran = startedAt.map { HumanText.duration(seconds: now.seconds - $0.seconds) } ?? "Less than a second"
        let ended = finishedAt.map { HumanText.duration(seconds: now.seconds - $0.seconds) } ?? "Less than a second"
        switch phase {
        case .created: return "Created"
        case .removing: return "Removal In Progress"
        case .dead: return "Dead"
        case .restarting: return "Restarting (\(exitCode)) \(ended) ago"
        case .exited: return finishedAt == nil ? "Created" : "Exited (\(exitCode)) \(ended) ago"
        case .paused: return "Up \(ran) (Paused)"
        case .running:
            guard let health else { return "Up \(ran)" }
            return "Up \(ran) (\(health.status == .starting ? "health: starting" : health.status.rawValue))"
        }
    }
}

/// Texts as Docker words them.
package enum HumanText {
    /// A rounded duration: `About a minute`, `5 hours`, `3 weeks`.
    package static func duration(seconds: Int64) -> String {
        switch seconds {
        case ..<1: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        default: break
        }
        let minutes = seconds / 60
        if minutes == 1 { return "About a minute" }
        if minutes < 60 { return "\(minutes) minutes" }
        let hours = (seconds + 1800) / 3600
        if hours == 1 { return "About an hour" }
        if hours < 48 { return "\(hours) hours" }
        if hours < 24 * 7 * 2 { return "\(hours / 24) days" }
        if hours < 24 * 30 * 2 { return "\(hours / 24 / 7) weeks" }
        if hours < 24 * 365 * 2 { return "\(hours / 24 / 30) months" }
        return "\(hours / 24 / 365) years"
    }
}
