import Diagnostics
import Dockerfile
import JSONText
import Linux
import OCI
import Registry

/// The form in which events travel to our client and are kept for later.
extension BuildEvent {
    /// One object; `type` says which event it is.
    package var json: JSONObject {
        switch self {
        case .step(let step): return step.json
        case .progress(let progress):
            var object: JSONObject = [
                "type": "progress", "step": .int(Int64(progress.step)), "name": .string(progress.name),
                "current": .int(progress.current),
            ]
            if progress.total > 0 { object["total"] = .int(progress.total) }
            if progress.isDone { object["done"] = true }
            return object
        case .log(let step, let isError, let bytes):
            var object: JSONObject = ["type": "log", "step": .int(Int64(step))]
            if isError { object["error"] = true }
            if let text = String(validating: bytes, as: UTF8.self) {
                object["text"] = .string(text)
            } else {
                object["data"] = .string(Base64.encode(bytes))
            }
            return object
        case .warning(let diagnostic): return ["type": "warning", "diagnostic": diagnostic.json]
        }
    }

    /// Reads `json`; nil for what is no event.
    package init?(json: JSONValue) {
        func number(_ key: String) -> Int? { json[key]?.intValue.flatMap { Int(exactly: $0) } }
        switch json["type"]?.stringValue {
        case "step":
            guard let step = Step(json: json) else { return nil }
            self = .step(step)
        case "progress":
            guard let step = number("step"), let name = json["name"]?.stringValue else { return nil }
            self = .progress(
                Progress(
                    step: step, name: name, current: json["current"]?.intValue ?? 0,
                    total: json["total"]?.intValue ?? 0, isDone: json["done"]?.boolValue ?? false))
        case "log":
            guard let step = number("step") else { return nil }
            let bytes =
                json["text"]?.stringValue.map { Array($0.utf8) }
                ?? json["data"]?.stringValue.flatMap { Base64.decode($0) }
            self = .log(step: step, isError: json["error"]?.boolValue ?? false, bytes: bytes ?? [])
        case "warning":
            guard let diagnostic = json["diagnostic"].flatMap({ Diagnostic(json: $0) }) else { return nil }
            self = .warning(diagnostic)
        default: return nil
        }
    }
}

extension BuildEvent.Step {
    fileprivate var json: JSONObject {
        var object: JSONObject = ["type": "step", "id": .int(Int64(id)), "name": .string(name)]
        let (word, time, reason) = words
        object["phase"] = .string(word)
        if let time { object["time"] = .string(time.rfc3339) }
        if let reason { object["reason"] = .string(reason) }
        if let span {
            object["line"] = .int(Int64(span.firstLine))
            object["lastLine"] = .int(Int64(span.lastLine))
        }
        return object
    }

    private var words: (String, Timestamp?, String?) {
        switch phase {
        case .waiting: ("waiting", nil, nil)
        case .started(let time): ("started", time, nil)
        case .cached: ("cached", nil, nil)
        case .done(let time): ("done", time, nil)
        case .failed(let reason): ("failed", nil, reason)
        case .cancelled: ("cancelled", nil, nil)
        }
    }

    fileprivate init?(json: JSONValue) {
        guard let id = json["id"]?.intValue.flatMap({ Int(exactly: $0) }), let name = json["name"]?.stringValue else {
            return nil
        }
        let time = json["time"]?.stringValue.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(seconds: 0)
        let phase: BuildEvent.Phase
        switch json["phase"]?.stringValue {
        case "waiting": phase = .waiting
        case "started": phase = .started(time)
        case "cached": phase = .cached
        case "done": phase = .done(time)
        case "failed": phase = .failed(json["reason"]?.stringValue ?? "")
        case "cancelled": phase = .cancelled
        default: return nil
        }
        var span: SourceSpan?
        if let line = json["line"]?.intValue.flatMap({ Int(exactly: $0) }) {
            let last = json["lastLine"]?.intValue.flatMap { Int(exactly: $0) } ?? line
            span = SourceSpan(firstLine: line, lastLine: last)
        }
        self.init(id: id, name: name, phase: phase, span: span)
    }
}

extension BuildResult {
    /// One object, `type` being `result`.
    package var json: JSONObject {
        var object: JSONObject = [
            "type": "result", "references": .strings(references.map(\.familiar)),
            "cachedSteps": .int(Int64(cachedSteps)), "steps": .int(Int64(steps)), "historyID": .string(historyID),
        ]
        if let imageID { object["imageID"] = .string(imageID.description) }
        if let manifestDigest { object["manifestDigest"] = .string(manifestDigest.description) }
        if !warnings.isEmpty { object["warnings"] = .array(warnings.map(\.json)) }
        return object
    }
}

extension BuildFailure {
    /// One object, `type` being `error`.
    package var json: JSONObject {
        var object: JSONObject = [
            "type": "error", "message": .string(message), "diagnostics": .array(diagnostics.map(\.json)),
        ]
        object["kind"] = .string(word)
        if case .process(let exitCode) = kind { object["exitCode"] = .int(Int64(exitCode)) }
        return object
    }

    /// The first thing that is wrong, in one line.
    package var message: String {
        diagnostics.first { $0.severity == .error }?.summary ?? diagnostics.first?.summary ?? "the build failed"
    }

    private var word: String {
        switch kind {
        case .invalid: "invalid"
        case .notFound: "notFound"
        case .process: "process"
        case .forbidden: "forbidden"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }
}
