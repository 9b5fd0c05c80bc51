import JSONText

extension SourceLocation {
    /// `{"file": …, "line": …, "column": …}`.
    public var json: JSONValue {
        var object: JSONObject = ["file": .string(file), "line": .int(Int64(line))]
        if let column { object["column"] = .int(Int64(column)) }
        return .object(object)
    }

    /// Reads `json`; nil when it is something else.
    public init?(json: JSONValue) {
        guard let file = json["file"]?.stringValue, let line = json["line"]?.intValue.flatMap(Int.init(exactly:)) else {
            return nil
        }
        self.init(file: file, line: line, column: json["column"]?.intValue.flatMap(Int.init(exactly:)))
    }
}

extension Diagnostic {
    /// The form used by `--json` and by the API; absent fields are left out.
    public var json: JSONValue {
        var object: JSONObject = [
            "severity": .string(severity.rawValue), "code": .string(code), "summary": .string(summary),
        ]
        if let detail { object["detail"] = .string(detail) }
        if let hint { object["hint"] = .string(hint) }
        if let address { object["address"] = .string(address) }
        if let location { object["location"] = location.json }
        if !notes.isEmpty { object["notes"] = .array(notes.map { .string($0) }) }
        return .object(object)
    }

    /// Reads `json`; nil when it is no diagnostic.
    public init?(json: JSONValue) {
        guard let severity = json["severity"]?.stringValue.flatMap(Severity.init(rawValue:)),
            let code = json["code"]?.stringValue, let summary = json["summary"]?.stringValue
        else { return nil }
        self.init(
            severity: severity, code: code, summary: summary, detail: json["detail"]?.stringValue,
            hint: json["hint"]?.stringValue, address: json["address"]?.stringValue,
            location: json["location"].flatMap(SourceLocation.init(json:)),
            notes: json["notes"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }
}

extension DiagnosticList {
    /// A list of the diagnostics' own JSON.
    public var json: JSONValue { .array(diagnostics.map(\.json)) }
}
