import JSONText

/// `stackctl compose version`.
enum ComposeVersionCommand {
    private static let format = OptionDeclaration.value(
        "format", "f", .choice(["pretty", "json"]), "`pretty` or `json`")
    private static let short = OptionDeclaration.flag("short", nil, "Only the number")

    static let declaration = CommandDeclaration(
        "version", summary: "Show the version", options: [format, short]
    ) { invocation in
        let arguments = invocation.arguments
        if arguments.isSet(short) {
            invocation.output.print(Version.number)
        } else if arguments.value(of: format) == "json" {
            invocation.output.print(jsonLine: ["version": .string(Version.number)])
        } else {
            invocation.output.print("stackctl compose version \(Version.number)")
        }
        return .success
    }
}
