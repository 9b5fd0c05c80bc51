import Diagnostics
import JSONText

/// The input values given by the user, before they are matched with the declared inputs.
struct GivenInputs {
    struct Given {
        /// Text from a flag or the environment, or a typed value from a file.
        var value: JSONValue
        /// Where it comes from, as the user wrote it: "--var servers".
        var source: String
        /// Whether an undeclared name is a mistake (flag, file) or only worth a warning (environment).
        var mustBeDeclared: Bool
    }

    var values: [(name: String, given: Given)] = []
    var problems: [Diagnostic] = []

    init() {}

    /// Reads `{"values": {name: {"value": …, "source": …, "strict": …}}}`; empty text is no input.
    init(json bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        do {
            let document = try JSONValue.parse(bytes)
            for (name, entry) in document["values"]?.objectValue ?? [:] {
                values.append(
                    (
                        name,
                        Given(
                            value: entry["value"] ?? .null, source: entry["source"]?.stringValue ?? name,
                            mustBeDeclared: entry["strict"]?.boolValue ?? true)
                    ))
            }
        } catch {
            problems.append(Diagnostic(code: "SC1100", summary: "the inputs are not JSON: \(error)"))
        }
    }
}
