import Diagnostics

/// What `$` stands for in compose files: `$V`, `${V}`, `${V:-default}`, `${V-default}`, `${V:?error}`, `${V?error}`,
/// `${V:+instead}`, `${V+instead}`, nested, and `$$` for the sign itself.
package struct Interpolation: Sendable {
    /// The values of the variables.
    package let environment: [String: String]
    /// Whether anything is replaced; where not, texts stay as they are, byte by byte.
    package let replaces: Bool

    package init(environment: [String: String], replaces: Bool = true) {
        self.environment = environment
        self.replaces = replaces
    }

    /// A text with its variables replaced, and a warning for each that is not set.
    ///
    /// - Throws: what is no variable, or one that is required and missing.
    package func replacing(
        _ text: String, at location: SourceLocation
    ) throws(Diagnostic) -> (text: String, warnings: [Diagnostic]) {
        guard replaces else { return (text, []) }
        var expansion = VariableExpansion { environment[$0] }
        do throws(InterpolationFailure) {
            let result = try expansion.expand(text)
            return (result, expansion.unset.map { Self.warning($0, at: location) })
        } catch {
            throw error.diagnostic(at: location) { $0 }
        }
    }

    /// Docker's words.
    ///
    /// - Parameter literal: how a dollar sign is written that is none; nil is as in compose files.
    static func warning(_ name: String, at location: SourceLocation, literal: String? = nil) -> Diagnostic {
        Diagnostic(
            severity: .warning, code: "SC2012",
            summary: "The \"\(name)\" variable is not set. Defaulting to a blank string.",
            hint: "set it in the environment or in .env, or give it a default: ${\(name):-VALUE}; "
                + (literal ?? "write \"$$\" for a dollar sign that is no variable"), location: location)
    }

    /// The variables a compose file names, each once, in the order of the file.
    ///
    /// - Throws: what keeps the file from being read, and what is no variable.
    package static func variables(
        in bytes: [UInt8], file: String
    ) throws(DiagnosticList) -> [InterpolationVariable] {
        var result: [InterpolationVariable] = []
        var known: Set<String> = []
        var errors: [Diagnostic] = []
        func visit(_ node: ComposeNode) {
            switch node.value {
            case .string(let text):
                do throws(InterpolationFailure) {
                    for variable in try VariableTemplate(text).variables where known.insert(variable.name).inserted {
                        result.append(InterpolationVariable(variable, at: node.location))
                    }
                } catch {
                    errors.append(error.diagnostic(at: node.location) { $0 })
                }
            case .list(let elements):
                elements.forEach(visit)
            case .map(let members):
                members.entries.forEach { visit($0.value) }
            case .null, .bool, .int, .double:
                break
            }
        }
        try ComposeTreeReader.documents(bytes, file: file).forEach(visit)
        guard errors.isEmpty else { throw DiagnosticList(errors) }
        return result
    }
}

/// A variable that a compose file names.
package struct InterpolationVariable: Sendable, Hashable {
    package var name: String
    /// Whether the file cannot be read without it.
    package var isRequired: Bool
    /// What stands in for it, as written.
    package var defaultValue: String?
    /// What stands in its place where it is set, as written.
    package var alternateValue: String?
    /// The value it is first named in.
    package var location: SourceLocation

    fileprivate init(_ variable: VariableTemplate.Variable, at location: SourceLocation) {
        name = variable.name
        isRequired = variable.form == .required
        defaultValue = variable.form == .fallback ? variable.word : nil
        alternateValue = variable.form == .alternative ? variable.word : nil
        self.location = location
    }
}

/// Replaces the variables in all texts of a tree; keys stay as they are.
struct TreeInterpolation {
    private var expansion: VariableExpansion
    private var path = ComposePath()
    private(set) var errors: [Diagnostic] = []
    private(set) var warnings: [Diagnostic] = []
    /// The texts that could not be replaced, and so are as they were.
    private(set) var places: Set<SourceLocation> = []

    init(_ interpolation: Interpolation) {
        let environment = interpolation.environment
        expansion = VariableExpansion { environment[$0] }
    }

    mutating func replace(_ node: inout ComposeNode) {
        switch node.value {
        case .string(let text):
            guard text.utf8.contains(UInt8(ascii: "$")) else { return }
            node.value = .string(replacing(text, at: node.location))
        case .list(var elements):
            node.value = .null
            for position in elements.indices { within(.position(position), &elements[position]) }
            node.value = .list(elements)
        case .map(var members):
            node.value = .null
            members.updateValues { key, value in within(.key(key), &value) }
            node.value = .map(members)
        case .null, .bool, .int, .double:
            break
        }
    }

    private mutating func within(_ part: ComposePath.Part, _ node: inout ComposeNode) {
        path.append(part)
        replace(&node)
        path.removeLast()
    }

    private mutating func replacing(_ text: String, at location: SourceLocation) -> String {
        let known = expansion.unset.count
        do throws(InterpolationFailure) {
            let result = try expansion.expand(text)
            warnings += expansion.unset.dropFirst(known).map { Interpolation.warning($0, at: location) }
            return result
        } catch {
            // What an alias has brought here is said already.
            guard places.insert(location).inserted, errors.count < ComposeFileReader.maximumErrors else { return text }
            let path = path
            errors.append(error.diagnostic(at: location) { path.says($0) })
            return text
        }
    }
}
