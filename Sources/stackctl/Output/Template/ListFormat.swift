import Diagnostics
import JSONText

/// How a command lists things after `--format`: as a table, as JSON, or by a template for each row.
struct ListFormat {
    /// A field of the rows, and its heading in a table.
    struct Field: Sendable {
        let name: String
        let heading: String

        init(_ name: String, _ heading: String) {
            self.name = name
            self.heading = heading
        }
    }

    private let fields: [Field]
    private let template: GoTemplate
    private let isTable: Bool
    /// The labels that the template names.
    private let labels: [String]

    /// The words of `--format`, for help texts.
    static let option = OptionDeclaration.value(
        "format", nil, .text("FORMAT"), "`table`, `json`, or a Go template, such as '{{.ID}}'")

    /// - Parameters:
    ///   - format: what the user gave; nil for a table.
    ///   - fields: everything that a template may name.
    ///   - columns: the template of the table without a template.
    ///   - quiet: the template that takes the table's place where only the essential is wanted.
    /// - Throws: `Diagnostic` (SC0191) for a template that cannot be read.
    init(_ format: String?, fields: [Field], columns: String, quiet: String? = nil) throws(Diagnostic) {
        self.fields = fields
        var text = format ?? ""
        if text.isEmpty { text = "table" }
        var isTable = text.hasPrefix("table")
        if text == "table" {
            isTable = quiet == nil
            text = quiet ?? columns
        } else if text == "json" {
            text = "{{json .}}"
        } else if isTable {
            text = String(text.dropFirst("table".count))
        }
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        self.isTable = isTable
        labels = Self.labels(in: text)
        do throws(TemplateError) {
            template = try GoTemplate(text.replacing("\\t", with: "\t").replacing("\\n", with: "\n"))
        } catch {
            throw Self.unreadable(error)
        }
    }

    /// The text of all rows.
    ///
    /// - Throws: `Diagnostic` (SC0191) for a field that is none.
    func render(_ rows: [JSONObject]) throws(Diagnostic) -> String {
        do throws(TemplateError) {
            guard isTable else { return try rows.map(line).joined() }
            var headings = JSONObject(fields.map { ($0.name, .string($0.heading)) })
            // The column of a label is headed by the label's name.
            headings[LabelText.hiddenMember] = .object(JSONObject(labels.map { ($0, .string($0)) }))
            return AlignedText.render(try line(headings) + rows.map(line).joined())
        } catch {
            var diagnostic = Self.unreadable(error)
            diagnostic.notes.append("fields: " + fields.map { "." + $0.name }.joined(separator: " "))
            throw diagnostic
        }
    }

    private static func labels(in template: String) -> [String] {
        var names: [String] = []
        var rest = template[...]
        while let start = rest.firstRange(of: ".Label \"") {
            let name = rest[start.upperBound...].prefix { $0 != "\"" }
            names.append(String(name))
            rest = rest[name.endIndex...]
        }
        return names
    }

    private static func sorted(_ row: JSONObject) -> JSONObject {
        JSONObject(row.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    private func line(_ row: JSONObject) throws(TemplateError) -> String {
        // What a container or an image is called must not steer the terminal.
        // In the order of names, in which Go writes maps as JSON.
        TerminalText.lines(try template.render(.object(Self.sorted(row)))) + "\n"
    }

    static func unreadable(_ error: TemplateError) -> Diagnostic {
        Diagnostic(
            code: "SC0191", summary: "the format cannot be used: \(error)",
            hint: "write `json`, `table`, or fields in braces, such as '{{.ID}}'")
    }
}

/// Text with cells ended by tabs, in columns as Go's `tabwriter` aligns them for Docker.
enum AlignedText {
    /// A column is a run of lines that have a cell there.
    ///
    /// - Parameters:
    ///   - narrowest: columns that each has at least.
    ///   - gap: spaces between two at least.
    static func render(_ text: String, narrowest: Int = 10, gap: Int = 3) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        if lines.last == [""] { lines.removeLast() }
        var column = 0
        while lines.contains(where: { $0.count > column + 1 }) {
            var start = 0
            while start < lines.count {
                guard lines[start].count > column + 1 else {
                    start += 1
                    continue
                }
                let block = lines[start...].prefix { $0.count > column + 1 }
                let width = block.map { TerminalText.columns($0[column]) }.max() ?? 0
                for index in block.indices {
                    let padding = max(narrowest, width + gap) - TerminalText.columns(lines[index][column])
                    lines[index][column] += String(repeating: " ", count: padding)
                }
                start = block.endIndex
            }
            column += 1
        }
        return lines.map { $0.joined() + "\n" }.joined()
    }
}
