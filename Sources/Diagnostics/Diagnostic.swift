import JSONText

/// How bad a diagnostic is.
public enum Severity: String, Sendable, Hashable, CaseIterable {
    /// What was asked cannot be done.
    case error
    /// It can be done, but something deserves attention.
    case warning
    /// Information.
    case note
}

/// A place in a file the user wrote.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
    /// The file as the user would name it.
    public var file: String
    /// Line, from 1.
    public var line: Int
    /// Column, from 1, when known.
    public var column: Int?

    /// A place.
    public init(file: String, line: Int, column: Int? = nil) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// "file:line" or "file:line:column".
    public var description: String { column.map { "\(file):\(line):\($0)" } ?? "\(file):\(line)" }
}

/// One message for the user: what is wrong, what was expected and found, and what to type next.
public struct Diagnostic: Error, Sendable, Hashable {
    /// How bad it is.
    public var severity: Severity
    /// A stable code such as "SC1203", for searching and for scripts.
    public var code: String
    /// One line, without a period.
    public var summary: String
    /// What was expected and what was found.
    public var detail: String?
    /// The next thing to type or to change.
    public var hint: String?
    /// The resource it is about, such as "container.web".
    public var address: String?
    /// The line of the manifest, Dockerfile or compose file.
    public var location: SourceLocation?
    /// Related facts, each one line or a block of output.
    public var notes: [String]

    /// A diagnostic; an error unless said otherwise.
    public init(
        severity: Severity = .error, code: String, summary: String, detail: String? = nil, hint: String? = nil,
        address: String? = nil, location: SourceLocation? = nil, notes: [String] = []
    ) {
        self.severity = severity
        self.code = code
        self.summary = summary
        self.detail = detail
        self.hint = hint
        self.address = address
        self.location = location
        self.notes = notes
    }
}

/// Several diagnostics thrown together.
public struct DiagnosticList: Error, Sendable, Hashable {
    /// The diagnostics in the order they were found.
    public var diagnostics: [Diagnostic]

    /// A list.
    public init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }

    /// A list of one.
    public init(_ diagnostic: Diagnostic) { diagnostics = [diagnostic] }

    /// Whether one of them is an error.
    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    /// Errors first, then by place, then in the order found.
    public var sorted: [Diagnostic] {
        diagnostics.enumerated().sorted { left, right in
            let leftKey = Self.sortKey(left.element)
            let rightKey = Self.sortKey(right.element)
            return leftKey == rightKey ? left.offset < right.offset : leftKey < rightKey
        }.map(\.element)
    }

    private static func sortKey(_ diagnostic: Diagnostic) -> (Int, String, Int) {
        let rank = Severity.allCases.firstIndex(of: diagnostic.severity) ?? 0
        return (rank, diagnostic.location?.file ?? "", diagnostic.location?.line ?? 0)
    }
}

extension DiagnosticList: CustomStringConvertible {
    /// All diagnostics as plain text.
    public var description: String {
        let renderer = DiagnosticRenderer(color: false, width: 100)
        return diagnostics.map { renderer.render($0) }.joined(separator: "\n")
    }
}

extension Diagnostic: CustomStringConvertible {
    /// The diagnostic as plain text.
    public var description: String { DiagnosticRenderer(color: false, width: 100).render(self) }
}
