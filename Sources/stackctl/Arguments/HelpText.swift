/// Help texts, made from the declarations.
enum HelpText {
    /// `stackctl plan [OPTIONS] [STACK]`.
    static func usageLine(_ path: [CommandDeclaration]) -> String {
        var words = path.map(\.name)
        guard let command = path.last else { return "" }
        if !command.options.isEmpty { words.append("[OPTIONS]") }
        words += command.subcommands.isEmpty ? command.operands.map(\.usage) : ["COMMAND"]
        return words.joined(separator: " ")
    }

    /// The whole help text of the last command of `path`.
    static func render(_ path: [CommandDeclaration]) -> String {
        guard let command = path.last else { return "" }
        if path.count == 1 { return renderRoot(command) }
        var text = "\(command.summary).\n\nUsage: \(usageLine(path))\n"
        if !command.aliases.isEmpty {
            text += "Also: \(command.aliases.joined(separator: ", "))\n"
        }
        if !command.discussion.isEmpty { text += "\n\(command.discussion)\n" }
        if !command.operands.isEmpty {
            text += "\nArguments:\n" + columns(command.operands.map { ($0.name, $0.summary) })
        }
        if !command.subcommands.isEmpty {
            text += "\nCommands:\n" + columns(command.subcommands.map { ($0.name, $0.summary) })
        }
        let grouped = Set(command.optionGroups.flatMap(\.options))
        let plain = command.options.filter { !grouped.contains($0) }
        if !plain.isEmpty { text += "\nOptions:\n" + columns(plain.map { (spelling($0), $0.summary) }) }
        for group in command.optionGroups {
            text += "\n\(group.title):\n" + columns(group.options.map { (spelling($0), $0.summary) })
        }
        text += "\nGlobal options:\n" + columns(command.globalOptions.map { (spelling($0), $0.summary) })
        return text
    }

    private static func renderRoot(_ root: CommandDeclaration) -> String {
        var text = "\(root.summary).\n\nUsage: \(usageLine([root]))\n"
        for group in CommandTree.groups {
            text += "\n\(group.title):\n" + columns(group.commands.map { ($0.name, $0.summary) }, indentTo: 14)
        }
        let options = GlobalOptions.all + GlobalOptions.beforeCommand
        text += "\nGlobal options:\n" + columns(options.map { (spelling($0), $0.summary) })
        text += "\n`stackctl COMMAND --help` says more about a command.\n"
        return text
    }

    /// `-n, --tail N`.
    static func spelling(_ option: OptionDeclaration) -> String {
        let short = option.short.map { "-\($0), " } ?? "    "
        let value = option.takesValue ? " \(option.placeholder)" : ""
        return "\(short)--\(option.long)\(value)"
    }

    private static func columns(_ rows: [(String, String)], indentTo least: Int = 0) -> String {
        let width = max(least, min(28, rows.map(\.0.count).max() ?? 0))
        var text = ""
        for (term, summary) in rows {
            if term.count > width {
                text += "  \(term)\n  \(String(repeating: " ", count: width))  \(summary)\n"
            } else {
                text += "  \(term)\(String(repeating: " ", count: width - term.count))  \(summary)\n"
            }
        }
        return text
    }
}
