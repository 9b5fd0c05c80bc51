import Diagnostics
import JSONText
import StackModel

/// Text that may hold references: `"postgres://\(db.host):5432"`.
///
/// References stay unevaluated until apply.
public struct Text: Sendable {
    var parts: [JSONValue] = []
    var edges: [Edge] = []
    var problems: [Diagnostic] = []

    /// Plain text.
    public init(_ text: String) { parts = [.string(text)] }

    /// The text of one reference.
    public init(_ reference: Reference) { append(reference) }

    init() {}

    var json: JSONValue { StackReference.text(parts) }

    mutating func append(_ reference: Reference) {
        parts.append(reference.json)
        if let edge = reference.edge { edges.append(edge) }
        if let problem = reference.problem { problems.append(problem) }
    }

    mutating func append(_ text: Text) {
        parts += text.parts
        edges += text.edges
        problems += text.problems
    }
}

extension Text: ExpressibleByStringInterpolation {
    /// Plain text.
    public init(stringLiteral value: String) { self.init(value) }

    /// Text with values and references inside.
    public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.text }

    /// Collects the pieces of an interpolated text.
    public struct StringInterpolation: StringInterpolationProtocol {
        var text = Text()

        /// Starts an empty text.
        public init(literalCapacity: Int, interpolationCount: Int) {}

        /// Adds a literal piece.
        public mutating func appendLiteral(_ literal: String) { text.parts.append(.string(literal)) }

        /// Adds a reference.
        public mutating func appendInterpolation(_ reference: Reference) { text.append(reference) }

        /// Adds another text with its references.
        public mutating func appendInterpolation(_ other: Text) { text.append(other) }

        /// Adds a string, number or other plain value.
        public mutating func appendInterpolation(_ value: some LosslessStringConvertible) {
            text.parts.append(.string(value.description))
        }

        /// Adds the raw value of an enumeration.
        public mutating func appendInterpolation<Value: RawRepresentable<String>>(_ value: Value) {
            text.parts.append(.string(value.rawValue))
        }

        /// A mistake that the evaluation reports: a container is no text.
        @available(*, deprecated, message: "say which property of the container is meant, e.g. \\(db.host)")
        public mutating func appendInterpolation(_ container: Container) {
            text.problems.append(.wholeResource("\\(db.host)"))
        }

        /// A mistake that the evaluation reports: an image is no text.
        @available(*, deprecated, message: "say which property of the image is meant, e.g. \\(site.id)")
        public mutating func appendInterpolation(_ image: Image) { text.problems.append(.wholeResource("\\(site.id)")) }

        /// A mistake that the evaluation reports: a network is no text.
        @available(*, deprecated, message: "say which property of the network is meant, e.g. \\(backend.subnet)")
        public mutating func appendInterpolation(_ network: Network) {
            text.problems.append(.wholeResource("\\(backend.subnet)"))
        }

        /// A mistake that the evaluation reports: a volume is no text.
        @available(*, deprecated, message: "say which property of the volume is meant, e.g. \\(data.path)")
        public mutating func appendInterpolation(_ volume: Volume) {
            text.problems.append(.wholeResource("\\(data.path)"))
        }
    }
}

extension Diagnostic {
    /// A resource stands where one of its properties is meant.
    ///
    /// Were the interpolation unavailable, the compiler would take the plain string instead, which accepts anything.
    fileprivate static func wholeResource(_ example: String) -> Diagnostic {
        Diagnostic(
            code: "SC1129", summary: "a whole resource is used in a text",
            hint: "say which property is meant, e.g. \(example)")
    }
}
