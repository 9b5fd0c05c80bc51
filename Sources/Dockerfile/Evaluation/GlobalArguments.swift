/// Gives ARG before the first FROM its values.
struct GlobalArguments {
    let document: DockerfileDocument
    let input: EvaluationInput

    /// What is predefined; an argument of the same name counts more.
    var predefined: VariableScope {
        let build = PlatformText.parts(input.buildPlatform)
        let target = PlatformText.parts(input.targetPlatform)
        let stage = input.target.flatMap { $0.isEmpty ? nil : $0 } ?? document.stages.last?.from.name
        var scope = VariableScope()
        let values = [
            ("BUILDPLATFORM", input.buildPlatform), ("BUILDOS", build.system), ("BUILDOSVERSION", ""),
            ("BUILDARCH", build.architecture), ("BUILDVARIANT", build.variant),
            ("TARGETPLATFORM", input.targetPlatform), ("TARGETOS", target.system), ("TARGETOSVERSION", ""),
            ("TARGETARCH", target.architecture), ("TARGETVARIANT", target.variant), ("TARGETSTAGE", stage ?? "default"),
        ]
        for (name, value) in values { scope[name] = input.arguments[name] ?? value }
        return scope
    }

    /// The values.
    ///
    /// - Parameter ignoringArguments: whether only defaults count.
    func scope(ignoringArguments: Bool = false) throws(SourceFault) -> VariableScope {
        var scope = predefined
        for instruction in document.globalArguments {
            guard case .arg(let arguments) = instruction.kind else { continue }
            for argument in arguments {
                if let given = input.arguments[argument.name], !ignoringArguments {
                    scope[argument.name] = given
                } else if let written = argument.value {
                    let current = scope
                    do throws(ExpansionFault) {
                        let value = try ShellWords(escape: document.escape).expand(written) { current[$0] }
                        scope[argument.name] = value.text
                    } catch {
                        throw SourceFault(
                            error.message, line: instruction.span.firstLine, column: instruction.span.column,
                            length: instruction.text.count)
                    }
                }
            }
        }
        return scope
    }
}
