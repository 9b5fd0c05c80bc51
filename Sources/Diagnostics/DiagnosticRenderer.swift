/// Turns diagnostics into text for a terminal or a plain file.
///
/// What other programs wrote into a diagnostic is shown without its control characters.
public struct DiagnosticRenderer: Sendable {
    /// Whether to use ANSI colours.
    public var color: Bool
    /// Columns to wrap at; words longer than that stay whole.
    public var width: Int

    /// A renderer.
    public init(color: Bool, width: Int = 100) {
        self.color = color
        self.width = max(width, 20)
    }

    /// The diagnostic as lines, without a trailing newline.
    ///
    ///     error: two containers are named web
    ///       stacks/shop/Stack.swift:12  container.web
    ///       The first one is at stacks/shop/Stack.swift:9.
    ///       hint: give each container its own name
    public func render(_ diagnostic: Diagnostic) -> String {
        var lines = [heading(diagnostic)]
        let place = [diagnostic.location?.description, diagnostic.address].compactMap(\.self)
        if !place.isEmpty { lines.append("  " + styled(TerminalText.line(place.joined(separator: "  ")), .dim)) }
        if let detail = diagnostic.detail { lines += block(detail, label: nil, style: nil) }
        for note in diagnostic.notes { lines += block(note, label: "note: ", style: .note) }
        if let hint = diagnostic.hint { lines += block(hint, label: "hint: ", style: .hint) }
        return lines.joined(separator: "\n")
    }

    /// All diagnostics, errors first, each followed by an empty line but the last.
    public func render(_ list: DiagnosticList) -> String {
        list.sorted.map { render($0) }.joined(separator: "\n\n")
    }

    private func heading(_ diagnostic: Diagnostic) -> String {
        let style: Style =
            switch diagnostic.severity {
            case .error: .error
            case .warning: .warning
            case .note: .note
            }
        let label = styled(diagnostic.severity.rawValue + ":", style)
        let code = diagnostic.code.isEmpty ? "" : " " + styled("[\(diagnostic.code)]", .dim)
        return "\(label) \(styled(TerminalText.line(diagnostic.summary), .bold))\(code)"
    }

    private func block(_ text: String, label: String?, style: Style?) -> [String] {
        let indent = String(repeating: " ", count: 2 + (label?.count ?? 0))
        var lines: [String] = []
        for paragraph in TerminalText.lines(text).split(separator: "\n", omittingEmptySubsequences: false) {
            for line in wrapped(String(paragraph), columns: width - indent.count) {
                let isFirst = lines.isEmpty
                if isFirst, let label {
                    lines.append("  " + styled(label, style ?? .dim) + line)
                } else {
                    lines.append(line.isEmpty ? "" : indent + line)
                }
            }
        }
        return lines
    }

    /// Breaks at spaces; a line that starts with a space is output of another program and stays as it is.
    private func wrapped(_ text: String, columns: Int) -> [String] {
        guard text.count > columns, text.first != " " else { return [text] }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if line.isEmpty {
                line = String(word)
            } else if line.count + 1 + word.count <= columns {
                line += " " + word
            } else {
                lines.append(line)
                line = String(word)
            }
        }
        lines.append(line)
        return lines
    }

    private enum Style: String {
        case error = "1;31"
        case warning = "1;33"
        case note = "36"
        case hint = "32"
        case bold = "1"
        case dim = "2"
    }

    private func styled(_ text: String, _ style: Style) -> String {
        color ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }
}
