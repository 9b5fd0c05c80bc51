import JSONText

/// A piece of a template.
indirect enum TemplateNode: Equatable {
    case text(String)
    case action(TemplatePipeline)
    /// `if` and `with`; the latter makes its value the dot.
    case condition(TemplatePipeline, bindsDot: Bool, then: [TemplateNode], otherwise: [TemplateNode])
    case range(TemplatePipeline, body: [TemplateNode], otherwise: [TemplateNode])
    case leave
    case proceed
}

/// Commands, each given the result of the one before as its last argument.
struct TemplatePipeline: Equatable {
    /// `$x := …`, `$i, $x := range …`.
    var variables: [String] = []
    /// Whether the variables are new (`:=`) or there already (`=`).
    var declares = true
    var commands: [[TemplateOperand]] = []
}

/// A value in a command, or the function at its start.
indirect enum TemplateOperand: Equatable {
    case literal(JSONValue)
    case function(String)
    /// `.`, `.A.B`
    case dot([String])
    /// `$`, `$x.A`
    case variable(String, [String])
    /// `(…).A`
    case pipeline(TemplatePipeline, [String])
}

/// What is wrong with a template, or with what it does to a value.
struct TemplateError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
