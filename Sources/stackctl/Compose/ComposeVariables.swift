import Compose
import Diagnostics
import JSONText
import Linux

/// `stackctl compose config --variables`: the variables that the files of a project name.
enum ComposeVariables {
    static func show(_ session: ComposeSession, format: String?) async throws {
        let variables = try await variables(session)
        switch format {
        case "json":
            session.output.print(jsonLine: .object(JSONObject(variables.map { ($0.name, .object($0.json)) })))
        case "yaml":
            for variable in variables {
                session.output.print("\(variable.name):")
                for (key, value) in variable.json {
                    session.output.print("  \(key.lowercased()): \(value.serialized(.compact))")
                }
            }
        default:
            let lines = variables.map { variable in
                [
                    variable.name, variable.isRequired ? "true" : "false", variable.defaultValue ?? "",
                    variable.alternateValue ?? "",
                ]
            }
            let headings = ["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"]
            session.output.write(
                AlignedText.render(
                    ([headings] + lines).map { $0.map(TerminalText.line).joined(separator: "\t") + "\n" }.joined(),
                    narrowest: 20))
        }
    }

    /// The variables of all files, each once, by name.
    private static func variables(_ session: ComposeSession) async throws -> [InterpolationVariable] {
        let texts = try session.source().request.texts
        // What is required and not set does not matter here.
        let project = try await session.project { request in
            request.interpolates = false
            request.checksConsistency = false
        }
        return try await BlockingExecutor.shared.run { () throws -> [InterpolationVariable] in
            var variables: [String: InterpolationVariable] = [:]
            for file in project.files {
                guard let bytes = try texts[file] ?? UserComposeFiles().read(file) else { continue }
                // The first place that says more than the name counts.
                for variable in try Interpolation.variables(in: bytes, file: file)
                where variables[variable.name]?.saysNothing ?? true { variables[variable.name] = variable }
            }
            return variables.values.sorted { $0.name < $1.name }
        }
    }
}

extension InterpolationVariable {
    fileprivate var saysNothing: Bool { !isRequired && defaultValue == nil && alternateValue == nil }

    /// The members that scripts read.
    fileprivate var json: JSONObject {
        [
            "Name": .string(name), "DefaultValue": .string(defaultValue ?? ""),
            "PresenceValue": .string(alternateValue ?? ""), "Required": .bool(isRequired),
        ]
    }
}
