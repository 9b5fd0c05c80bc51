/// Shell completion, made from the declarations.
enum CompletionScript {
    /// Shells a script can be made for.
    enum Shell: String, CaseIterable {
        case bash
        case zsh
        case fish
    }

    /// The script for `shell` that completes `root` and everything below it.
    static func render(_ shell: Shell, root: CommandDeclaration) -> String {
        switch shell {
        case .bash: bash(root)
        case .zsh: zsh(root)
        case .fish: fish(root)
        }
    }

    /// A command with the words that lead to it, the program's name left out.
    private struct Node {
        let words: [String]
        let command: CommandDeclaration
    }

    private static func nodes(_ command: CommandDeclaration, words: [String] = []) -> [Node] {
        [Node(words: words, command: command)]
            + command.subcommands.flatMap { nodes($0, words: words + [$0.name]) }
    }

    private static func completesPaths(_ command: CommandDeclaration) -> Bool {
        command.operands.contains { $0.completion == .path }
    }

    /// What the operands are the names of.
    private static func names(of command: CommandDeclaration) -> CompletedKind? {
        for case .names(let kind) in command.operands.map(\.completion) { return kind }
        return nil
    }

    private static func words(of command: CommandDeclaration) -> [String] {
        var words = command.subcommands.map(\.name)
        for case .choice(let choices) in command.operands.map(\.completion) { words += choices }
        return words
    }

    private static func options(of node: Node) -> [OptionDeclaration] {
        node.command.options + node.command.globalOptions + (node.words.isEmpty ? GlobalOptions.beforeCommand : [])
    }

    // MARK: bash

    private static func bash(_ root: CommandDeclaration) -> String {
        let all = nodes(root)
        let commands = all.dropFirst().map { "\"\($0.words.joined(separator: " "))\"" }
        var cases = ""
        var values = ""
        for node in all {
            let candidates = words(of: node.command) + options(of: node).map { "--\($0.long)" }
            cases += "        \"\(node.words.joined(separator: " "))\")\n"
            cases += "            words=\"\(candidates.joined(separator: " "))\"\n"
            if completesPaths(node.command) { cases += "            paths=1\n" }
            if let kind = names(of: node.command) { cases += "            names=\(kind.rawValue)\n" }
            cases += "            ;;\n"
            for option in options(of: node) {
                let key = (node.words + ["--\(option.long)"]).joined(separator: " ")
                if let kind = option.offers {
                    values += "        \"\(key)\") _stackctl_names \(kind.rawValue); return ;;\n"
                    continue
                }
                switch option.value {
                case .path: values += "        \"\(key)\") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
                case .choice(let choices):
                    values +=
                        "        \"\(key)\") "
                        + "COMPREPLY=($(compgen -W \"\(choices.joined(separator: " "))\" -- \"$word\")); return ;;\n"
                default: break
                }
            }
        }
        return """
            # bash completion for stackctl, written by `stackctl completion bash`
            _stackctl_names() {
                # A colon parts words for the shell, but not for us.
                local line="${COMP_LINE:0:$COMP_POINT}" whole="${COMP_WORDS[COMP_CWORD]}" name
                [ -n "$line" ] && whole="${line##* }"
                local before="${whole%"${whole##*:}"}"
                while IFS= read -r name; do
                    [[ "$name" == "$whole"* ]] && COMPREPLY+=("${name#"$before"}")
                done < <("${COMP_WORDS[0]}" __complete "$1" -- "${COMP_WORDS[@]:1}" 2>/dev/null)
            }
            _stackctl() {
                local word="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
                local path="" words="" paths="" names="" next i
                COMPREPLY=()
                for ((i = 1; i < COMP_CWORD; i++)); do
                    next="${path:+$path }${COMP_WORDS[i]}"
                    case "$next" in
                    \(commands.joined(separator: " | ")))
                        path="$next" ;;
                    esac
                done
                case "${path:+$path }$previous" in
            \(values)    esac
                case "$path" in
            \(cases)    esac
                COMPREPLY=($(compgen -W "$words" -- "$word"))
                [ -n "$paths" ] && [[ "$word" != -* ]] && COMPREPLY+=($(compgen -f -- "$word"))
                [ -n "$names" ] && [[ "$word" != -* ]] && _stackctl_names "$names"
            }
            complete -o filenames -F _stackctl stackctl

            """
    }

    // MARK: zsh

    private static func zsh(_ root: CommandDeclaration) -> String {
        var functions = ""
        for node in nodes(root) {
            functions += zshFunction(node)
        }
        return """
            #compdef stackctl
            # zsh completion for stackctl, written by `stackctl completion zsh`
            _stackctl_names() {
                local -a names
                names=(${(f)"$(stackctl __complete $1 -- "${(@)_stackctl_words}" 2>/dev/null)"})
                compadd -a names
            }
            \(functions)
            if [ "$funcstack[1]" = "_stackctl" ]; then
                _stackctl "$@"
            else
                compdef _stackctl stackctl
            fi

            """
    }

    private static func zshFunction(_ node: Node) -> String {
        let name = (["_stackctl"] + node.words).joined(separator: "_").replacing("-", with: "_")
        var lines = ["\(name)() {", "    local state line"]
        if node.words.isEmpty { lines.append("    local -a _stackctl_words=(\"${(@)words[2,-1]}\")") }
        lines.append("    _arguments -C \\")
        for option in options(of: node) {
            for spelling in zshOption(option) { lines.append("        \(spelling) \\") }
        }
        if node.command.subcommands.isEmpty {
            let choices = words(of: node.command)
            let action: String
            if !choices.isEmpty {
                action = "(\(choices.joined(separator: " ")))"
            } else {
                let kind = names(of: node.command)
                action =
                    completesPaths(node.command) ? "_files" : kind.map { "{_stackctl_names \($0.rawValue)}" } ?? " "
            }
            lines.append("        '*::argument:\(action)'")
        } else {
            lines.append("        '1: :->command' '*:: :->rest'")
            lines.append("    case $state in")
            let described = node.command.subcommands.map { "'\($0.name):\(quoted($0.summary))'" }
            lines.append("    command) local -a list=(\(described.joined(separator: " "))); _describe command list ;;")
            lines.append("    rest) case $line[1] in")
            for sub in node.command.subcommands {
                lines.append("        \(sub.name)) \(name)_\(sub.name.replacing("-", with: "_")) ;;")
            }
            lines.append("        esac ;;")
            lines.append("    esac")
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    /// The long spelling, and the short one where there is one.
    private static func zshOption(_ option: OptionDeclaration) -> [String] {
        let summary = quoted(option.summary).replacing("[", with: "(").replacing("]", with: ")")
        let star = option.repeats ? "*" : ""
        func spellings(_ value: String?) -> [String] {
            let rest = "[\(summary)]" + (value.map { ":\(option.long):\($0)" } ?? "")
            let isTaking = value != nil
            return ["'\(star)--\(option.long)\(isTaking ? "=" : "")\(rest)'"]
                + (option.short.map { ["'\(star)-\($0)\(isTaking ? "+" : "")\(rest)'"] } ?? [])
        }
        if let kind = option.offers { return spellings("{_stackctl_names \(kind.rawValue)}") }
        switch option.value {
        case .none: return spellings(nil)
        case .path: return spellings("_files")
        case .choice(let choices): return spellings("(\(choices.joined(separator: " ")))")
        case .text, .integer, .pair: return spellings(" ")
        }
    }

    private static func quoted(_ text: String) -> String {
        text.replacing("'", with: "'\\''").replacing(":", with: "\\:")
    }

    // MARK: fish

    private static func fish(_ root: CommandDeclaration) -> String {
        var lines = [
            "# fish completion for stackctl, written by `stackctl completion fish`",
            "complete -c stackctl -f",
        ]
        for node in nodes(root) {
            let condition = fishCondition(node)
            for sub in node.command.subcommands {
                lines.append("complete -c stackctl -n '\(condition)' -a \(sub.name) -d '\(fishQuoted(sub.summary))'")
            }
            for choice in node.command.subcommands.isEmpty ? words(of: node.command) : [] {
                lines.append("complete -c stackctl -n '\(condition)' -a \(choice)")
            }
            if completesPaths(node.command) { lines.append("complete -c stackctl -n '\(condition)' -F") }
            if let kind = names(of: node.command) {
                lines.append("complete -c stackctl -n '\(condition)' -a '\(fishNames(kind))'")
            }
            for option in node.command.options
                + (node.words.isEmpty ? GlobalOptions.all + GlobalOptions.beforeCommand : [])
            {
                lines.append(fishOption(option, condition: node.words.isEmpty ? nil : condition))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func fishCondition(_ node: Node) -> String {
        if node.words.isEmpty { return "__fish_use_subcommand" }
        var parts = node.words.map { "__fish_seen_subcommand_from \($0)" }
        let below = node.command.subcommands.map(\.name)
        if !below.isEmpty { parts.append("not __fish_seen_subcommand_from \(below.joined(separator: " "))") }
        return parts.joined(separator: "; and ")
    }

    private static func fishOption(_ option: OptionDeclaration, condition: String?) -> String {
        var line = "complete -c stackctl"
        if let condition { line += " -n '\(condition)'" }
        line += " -l \(option.long)"
        if let short = option.short { line += " -s \(short)" }
        if let kind = option.offers {
            return line + " -x -a '\(fishNames(kind))' -d '\(fishQuoted(option.summary))'"
        }
        switch option.value {
        case .none: break
        case .path: line += " -r -F"
        case .choice(let choices): line += " -x -a '\(choices.joined(separator: " "))'"
        case .text, .integer, .pair: line += " -x"
        }
        return line + " -d '\(fishQuoted(option.summary))'"
    }

    private static func fishNames(_ kind: CompletedKind) -> String {
        "(stackctl __complete \(kind.rawValue) -- (commandline -opc)[2..] 2>/dev/null)"
    }

    private static func fishQuoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }
}
