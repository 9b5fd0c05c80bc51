import Diagnostics

/// Rows under headings, aligned by spaces, as `docker ps` prints them.
struct TextTable: Sendable {
    private let headings: [String]
    private var rows: [[String]] = []

    /// A table with these headings.
    init(_ headings: [String]) { self.headings = headings }

    /// Adds a row; missing cells are empty, control characters are made visible.
    mutating func append(_ cells: [String]) { rows.append(cells.map(TerminalText.line)) }

    /// The text, one line a row, three spaces between columns, nothing after the last one.
    func render() -> String {
        var widths = headings.map(TerminalText.columns)
        for row in rows {
            for (index, cell) in row.enumerated() where widths.indices.contains(index) {
                widths[index] = max(widths[index], TerminalText.columns(cell))
            }
        }
        return ([headings] + rows).map { line($0, widths) }.joined()
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var text = ""
        for (index, cell) in cells.enumerated() {
            text += cell
            if index < cells.count - 1, widths.indices.contains(index) {
                text += String(repeating: " ", count: widths[index] - TerminalText.columns(cell) + 3)
            }
        }
        while text.hasSuffix(" ") { text.removeLast() }
        return text + "\n"
    }
}
