import Diagnostics

/// Reads what the compiler printed (`-diagnostic-style llvm`) into diagnostics; its words are kept as they are.
///
///     stacks/shop/Stack.swift:5:26: error: cannot find 'x' in scope
///             x
///             ^
///
/// - Parameter place: the path that the user knows a file by.
func compilerDiagnostics(_ output: String, place: (String) -> String = { $0 }) -> [Diagnostic] {
    var result: [Diagnostic] = []
    var stray: [String] = []
    for line in output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
        if let (severity, message, found) = heading(line) {
            let location = found.map { SourceLocation(file: place($0.file), line: $0.line, column: $0.column) }
            if severity == .note, !result.isEmpty {
                result[result.count - 1].notes.append(location.map { "\($0): \(message)" } ?? message)
            } else {
                result.append(
                    Diagnostic(severity: severity, code: "SC1201", summary: message, location: location))
            }
        } else if line.hasPrefix(" ") || line.hasPrefix("\t") || line == "^" {
            guard !result.isEmpty else { continue }
            append(line, to: &result[result.count - 1])
        } else if !line.isEmpty {
            stray.append(line)
        }
    }
    if result.isEmpty, !stray.isEmpty {
        result.append(
            Diagnostic(
                code: "SC1202", summary: "the compiler failed", detail: stray.map { "  " + $0 }.joined(separator: "\n"))
        )
    } else if !stray.isEmpty, let index = result.lastIndex(where: { $0.severity == .error && $0.location == nil }) {
        // "link command failed" comes from the driver; why it failed is what the linker printed before.
        result[index].detail = stray.map { "  " + $0 }.joined(separator: "\n")
    }
    var seen: Set<Diagnostic> = []
    return result.filter { seen.insert($0).inserted }
}

/// A line of source or carets: to the detail, or to the note it follows.
private func append(_ line: String, to diagnostic: inout Diagnostic) {
    let text = "  " + line.replacing("\t", with: "    ")
    if diagnostic.notes.isEmpty {
        diagnostic.detail = diagnostic.detail.map { "\($0)\n\(text)" } ?? text
    } else {
        diagnostic.notes[diagnostic.notes.count - 1] += "\n" + text
    }
}

/// "path:line:column: error: message" or "error: message".
private func heading(_ line: String) -> (Severity, String, SourceLocation?)? {
    for severity in Severity.allCases {
        let mark = severity.rawValue + ": "
        if line.hasPrefix(mark) { return (severity, String(line.dropFirst(mark.count)), nil) }
        guard let range = line.firstRange(of: ": " + mark), !line.hasPrefix(" ") else { continue }
        let place = line[..<range.lowerBound].split(separator: ":", omittingEmptySubsequences: false)
        guard place.count >= 3, let column = Int(place[place.count - 1]), let row = Int(place[place.count - 2]) else {
            continue
        }
        let file = place.dropLast(2).joined(separator: ":")
        return (
            severity, String(line[range.upperBound...]), SourceLocation(file: file, line: row, column: column)
        )
    }
    return nil
}
