import Diagnostics
import JSONText

/// How a command shows one object after `--format`: as JSON on a line, or by a template.
struct ObjectFormat {
    private let template: GoTemplate

    /// Nil where nothing was given.
    ///
    /// - Throws: `Diagnostic` (SC0191) for a template that cannot be read.
    init?(_ format: String?) throws(Diagnostic) {
        guard let format, !format.isEmpty else { return nil }
        do throws(TemplateError) {
            template = try GoTemplate(
                (format == "json" ? "{{json .}}" : format).replacing("\\t", with: "\t").replacing("\\n", with: "\n"))
        } catch {
            throw ListFormat.unreadable(error)
        }
    }

    /// The text of an object, without a line end.
    func render(_ value: JSONValue) throws(Diagnostic) -> String {
        do throws(TemplateError) {
            return TerminalText.lines(try template.render(value))
        } catch {
            throw ListFormat.unreadable(error)
        }
    }
}
