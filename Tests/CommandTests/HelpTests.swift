import Linux
import Testing

@testable import stackctl

@Suite("help")
struct HelpTests {
    private static func paths(_ path: [CommandDeclaration]) -> [[CommandDeclaration]] {
        guard let last = path.last else { return [] }
        return [path] + last.subcommands.flatMap { paths(path + [$0]) }
    }

    @Test("each command's help is the one in Golden/help")
    func golden() throws {
        for path in HelpTests.paths([CommandTree.root]) {
            try Golden.expect(HelpText.render(path), "help/\(path.map(\.name).joined(separator: "-")).txt")
        }
    }

    @Test("no line of help is wider than 110 columns")
    func width() {
        for path in HelpTests.paths([CommandTree.root]) {
            for line in HelpText.render(path).split(separator: "\n") {
                #expect(line.count <= 110, "\(path.map(\.name).joined(separator: " ")): \(line)")
            }
        }
    }

    @Test("docs/commands.md is what the declarations say")
    func reference() throws {
        var text =
            "# Commands\n\nMade from the declarations of the commands; `stackctl COMMAND --help` prints the same.\n"
        for path in HelpTests.paths([CommandTree.root]) where path.last?.action != nil {
            text += "\n## \(path.map(\.name).joined(separator: " "))\n\n```\n\(HelpText.render(path))```\n"
        }
        text += """

            ## Exit codes

            | command | codes |
            |---|---|
            | `plan` | 0; with `--detailed-exitcode` 0 for no changes, 2 for changes; 1 for an error |
            | `drift` | 0 for none, 2 for drift, 1 for an error |
            | `apply`, `destroy` | 0 done, 1 failed: what was done is recorded and named |
            | `exec`, `run` | the program's own; 125 refused, 126 not executable, 127 not found |
            | `create` | 0 done, 125 for wrong options, 1 for another error |
            | `attach`, `start -a` | the container's own |
            | all | 1 for an error, 130 when interrupted |

            """
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        let path = parts.dropLast(3).joined(separator: "/") + "/docs/commands.md"
        if Environment.get("STACKCTL_UPDATE_GOLDEN") != nil {
            try Files.writeAtomically(path, Array(text.utf8))
        } else {
            #expect(
                text == (try Files.readText(path)), "docs/commands.md differs: STACKCTL_UPDATE_GOLDEN=1 writes it anew")
        }
    }
}

@Suite("completion")
struct CompletionTests {
    @Test(
        "bash offers commands, options and choices",
        arguments: [
            (["stackctl", "pl"], "plan"), (["stackctl", "plan", "--detailed"], "--detailed-exitcode"),
            (["stackctl", "network", "ins"], "inspect"), (["stackctl", "graph", "--format", "m"], "mermaid"),
            (["stackctl", "completion", "fi"], "fish"),
        ])
    func bash(words: [String], offered: String) async throws {
        let quoted = words.map { "'\($0)'" }.joined(separator: " ")
        let script =
            CompletionScript.render(.bash, root: CommandTree.root)
            + "COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count - 1); _stackctl; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        let result = try await Spawn.run(
            SpawnRequest("/bin/bash", ["--norc", "-c", script]), timeout: .seconds(120))
        #expect(result.outputText.split(separator: "\n").contains(Substring(offered)), "\(result.errorText)")
    }

    @Test(
        "bash offers the names that the program knows, whatever colons they have",
        arguments: [
            (["stackctl", "rmi", "bo"], "box:1 box:2"), (["stackctl", "rmi", "box", ":", "1"], "1"),
            (["stackctl", "-H", "unix:///s", "run", "--network", "bo"], "box:1 box:2"),
            (["stackctl", "--context", ""], "box:1 box:2 other"),
        ])
    func names(words: [String], offered: String) async throws {
        let quoted = words.map { "'\($0)'" }.joined(separator: " ")
        let line = words.joined(separator: " ").replacing(" : ", with: ":")
        let script =
            CompletionScript.render(.bash, root: CommandTree.root)
            + "stackctl() { [ \"$1\" = __complete ] && printf '%s\\n' box:1 box:2 other; }\n"
            + "COMP_LINE='\(line)'; COMP_POINT=${#COMP_LINE}\n"
            + "COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count - 1); _stackctl; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        let result = try await Spawn.run(
            SpawnRequest("/bin/bash", ["--norc", "-c", script]), timeout: .seconds(120))
        let names = result.outputText.split(separator: "\n").filter { !$0.hasPrefix("-") }
        #expect(names.joined(separator: " ") == offered, "\(result.errorText)")
    }

    @Test("the daemon that a line means is read from it as it is typed")
    func typedOptions() {
        let words = ["-H", "unix:///a", "run", "-c", "512", "--host=unix:///b", "--context"]
        let arguments = DynamicCompletion.globalOptions(in: words)
        #expect(arguments.value(of: GlobalOptions.host) == "unix:///b")
        #expect(arguments.value(of: GlobalOptions.context) == nil)
    }

    @Test(
        "zsh and fish can read their scripts, where they are installed",
        arguments: [("/usr/bin/zsh", CompletionScript.Shell.zsh), ("/usr/bin/fish", .fish)])
    func syntax(program: String, shell: CompletionScript.Shell) async throws {
        guard Files.exists(program) else { return }
        let folder = try Files.temporaryDirectory(prefix: "stackctl-completion-")
        defer { try? Files.removeTree(folder) }
        try Files.write(folder + "/script", Array(CompletionScript.render(shell, root: CommandTree.root).utf8))
        let result = try await Spawn.run(SpawnRequest(program, ["-n", folder + "/script"]), timeout: .seconds(120))
        #expect(result.status.code == 0, "\(result.errorText)")
    }

    @Test("every shell's script names every command", arguments: CompletionScript.Shell.allCases)
    func complete(shell: CompletionScript.Shell) {
        let script = CompletionScript.render(shell, root: CommandTree.root)
        for command in CommandTree.root.subcommands {
            #expect(script.contains(command.name), "\(shell) does not know \(command.name)")
        }
    }
}
