import Archives
import Builder
import Diagnostics
import JSONText
import Linux
import Registry

/// A build as lines of JSON, in the form of BuildKit's `SolveStatus` (`--progress=rawjson`).
struct RawBuildLog: Sendable {
    private var steps: [Int: (digest: String, name: String, started: Timestamp?)] = [:]

    init() {}

    /// The line that an event is worth; nil for none.
    mutating func take(_ event: BuildEvent, at now: Timestamp) -> JSONObject? {
        let time = JSONValue.string(now.rfc3339)
        switch event {
        case .step(let step): return ["vertexes": [.object(vertex(step, now))]]
        case .log(let id, let isError, let bytes):
            guard let step = steps[id] else { return nil }
            return [
                "logs": [
                    [
                        "vertex": .string(step.digest), "stream": .int(isError ? 2 : 1),
                        "data": .string(Base64.encode(bytes)), "timestamp": time,
                    ]
                ]
            ]
        case .progress(let progress):
            guard let step = steps[progress.step] else { return nil }
            var status: JSONObject = [
                "id": .string(progress.name), "vertex": .string(step.digest), "current": .int(progress.current),
                "timestamp": time, "started": .string((step.started ?? now).rfc3339),
            ]
            if progress.total > 0 { status["total"] = .int(progress.total) }
            if progress.isDone { status["completed"] = time }
            return ["statuses": [.object(status)]]
        case .warning(let diagnostic):
            var warning: JSONObject = [
                "level": 1, "short": .string(Base64.encode(Array(diagnostic.summary.utf8))),
            ]
            if let detail = diagnostic.detail {
                warning["detail"] = .array([.string(Base64.encode(Array(detail.utf8)))])
            }
            if let location = diagnostic.location {
                let line = JSONValue.int(Int64(location.line))
                warning["range"] = [["start": ["line": line], "end": ["line": line]]]
            }
            return ["warnings": [.object(warning)]]
        }
    }

    private mutating func vertex(_ step: BuildEvent.Step, _ now: Timestamp) -> JSONObject {
        let digest = steps[step.id]?.digest ?? Self.digest(step)
        var started = steps[step.id]?.started
        if case .started(let time) = step.phase { started = time }
        steps[step.id] = (digest, step.name, started)
        var vertex: JSONObject = ["digest": .string(digest), "name": .string(step.name)]
        if let started { vertex["started"] = .string(started.rfc3339) }
        switch step.phase {
        case .waiting, .started: break
        case .cached:
            vertex["started"] = .string((started ?? now).rfc3339)
            vertex["completed"] = .string(now.rfc3339)
            vertex["cached"] = true
        case .done(let time): vertex["completed"] = .string(time.rfc3339)
        case .failed(let reason):
            vertex["completed"] = .string(now.rfc3339)
            vertex["error"] = .string(reason)
        case .cancelled:
            vertex["completed"] = .string(now.rfc3339)
            vertex["error"] = "context canceled"
        }
        return vertex
    }

    /// A name for a step that looks like BuildKit's: readers only compare it.
    private static func digest(_ step: BuildEvent.Step) -> String {
        "sha256:" + SHA256.hex(of: Array("\(step.id) \(step.name)".utf8))
    }
}
