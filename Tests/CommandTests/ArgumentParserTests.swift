import Diagnostics
import Testing

@testable import stackctl

@Suite("argument parser")
struct ArgumentParserTests {
    private static let name = OptionDeclaration.value("name", "n", .text("NAME"), "a name")
    private static let all = OptionDeclaration.flag("all", "a", "all of it")
    private static let bare = OptionDeclaration.flag("bare", "b", "bare")
    private static let count = OptionDeclaration.value("count", "c", .integer("N"), "a count")
    private static let variable = OptionDeclaration.list("var", nil, .pair("KEY=VALUE"), "a pair")
    private static let format = OptionDeclaration.value("format", nil, .choice(["dot", "mermaid"]), "a format")

    private static let root = CommandDeclaration(
        "tool", summary: "A tool",
        subcommands: [
            CommandDeclaration(
                "list", aliases: ["ls"], summary: "List",
                operands: [OperandDeclaration("WHAT", .optional, "What")],
                options: [name, all, bare, count, variable, format]
            ) { _ in .success },
            CommandDeclaration(
                "remove", summary: "Remove", operands: [OperandDeclaration("WHAT", .oneOrMore, "What to remove")]
            ) { _ in .success },
            CommandDeclaration(
                "exec", summary: "Execute",
                operands: [OperandDeclaration("WHERE", .one, "Where"), OperandDeclaration("WORD", .any, "What")],
                options: [all], endsAtFirstOperand: true
            ) { _ in .success },
            CommandDeclaration(
                "group", summary: "Group",
                subcommands: [CommandDeclaration("inner", summary: "Inner") { _ in .success }]),
        ])

    private func parse(_ words: String...) throws -> ArgumentParser.Resolution {
        try ArgumentParser.parse(words, root: Self.root)
    }

    private func complaint(_ words: String...) throws -> Diagnostic {
        try #require(throws: Diagnostic.self) { _ = try ArgumentParser.parse(words, root: Self.root) }
    }

    @Test(
        "a value is taken in each of its spellings",
        arguments: [
            ["list", "--name", "web"], ["list", "--name=web"], ["list", "-n", "web"], ["list", "-nweb"],
            ["list", "-n=web"],
            ["list", "-abnweb"], ["ls", "-n", "web"],
        ])
    func spellings(words: [String]) throws {
        let resolution = try ArgumentParser.parse(words, root: Self.root)
        #expect(resolution.arguments.value(of: Self.name) == "web")
        #expect(resolution.path.map(\.name) == ["tool", "list"])
    }

    @Test("an empty value after = is a value")
    func emptyValue() throws {
        #expect(try parse("list", "--name=").arguments.value(of: Self.name) == "")
    }

    @Test("short flags can be joined")
    func joinedFlags() throws {
        let arguments = try parse("list", "-ab").arguments
        #expect(arguments.isSet(Self.all) && arguments.isSet(Self.bare))
    }

    @Test("options may come after operands")
    func optionsAfterOperands() throws {
        let arguments = try parse("list", "things", "--all").arguments
        #expect(arguments.operands == ["things"])
        #expect(arguments.isSet(Self.all))
    }

    @Test("after -- every word is an operand")
    func doubleDash() throws {
        #expect(try parse("remove", "--", "--all", "-x").arguments.operands == ["--all", "-x"])
    }

    @Test("a lone dash is an operand")
    func loneDash() throws {
        #expect(try parse("remove", "-").arguments.operands == ["-"])
    }

    @Test("after the first operand of exec everything belongs to the other program")
    func execEnds() throws {
        let arguments = try parse("exec", "-a", "web", "ls", "-a", "--help").arguments
        #expect(arguments.operands == ["web", "ls", "-a", "--help"])
    }

    @Test("a repeated list option keeps every value, a single one the last")
    func repetition() throws {
        let arguments = try parse("list", "--var", "a=1", "--var=b=x=y", "-n", "one", "-n", "two").arguments
        #expect(arguments.pairs(of: Self.variable).map(\.key) == ["a", "b"])
        #expect(arguments.pairs(of: Self.variable).map(\.value) == ["1", "x=y"])
        #expect(arguments.value(of: Self.name) == "two")
    }

    @Test("global options are taken before and after the command")
    func globalOptions() throws {
        #expect(try parse("--root", "/x", "list").arguments.value(of: GlobalOptions.root) == "/x")
        #expect(try parse("list", "-H", "unix:///s").arguments.value(of: GlobalOptions.host) == "unix:///s")
    }

    @Test("help is asked for without the operands that would be needed")
    func help() throws {
        let resolution = try parse("remove", "--help")
        #expect(resolution.wantsHelp)
        #expect(resolution.path.last?.name == "remove")
    }

    @Test("an unknown command names the nearest")
    func unknownCommand() throws {
        let diagnostic = try complaint("lsit")
        #expect(diagnostic.summary == "unknown command `lsit`")
        #expect(diagnostic.hint == "did you mean `tool list`?")
    }

    @Test("an unknown option names the nearest and the usage")
    func unknownOption() throws {
        let diagnostic = try complaint("list", "--nmae", "x")
        #expect(diagnostic.summary == "unknown option `--nmae`")
        #expect(diagnostic.hint == "did you mean `--name`?")
        #expect(diagnostic.notes == ["usage: tool list [OPTIONS] [WHAT]"])
    }

    @Test("a group without its command lists what there is")
    func missingCommand() throws {
        #expect(try complaint("group").summary == "`tool group` wants one of its commands: inner")
    }

    @Test(
        "wrong use is said in one sentence",
        arguments: [
            (["list", "--name"], "option `--name` wants a value"),
            (["list", "-n"], "option `-n` wants a value"),
            (["list", "--all=yes"], "option `--all` takes no value"),
            (
                ["list", "--count", "many"],
                "option `--count`: a whole number that is zero or more is expected, found `many`"
            ),
            (["list", "--count=-1"], "option `--count`: a whole number that is zero or more is expected, found `-1`"),
            (["list", "--var", "novalue"], "option `--var`: `KEY=VALUE` is expected, found `novalue`"),
            (["list", "--var", "=x"], "option `--var`: `KEY=VALUE` is expected, found `=x`"),
            (["list", "--format", "svg"], "option `--format`: one of dot, mermaid is expected, found `svg`"),
            (["remove"], "WHAT is missing: what to remove"),
            (["list", "one", "two"], "unexpected argument `two`"),
            (["group", "inner", "x"], "unexpected argument `x`"),
        ])
    func wrongUse(words: [String], summary: String) throws {
        let diagnostic = try #require(throws: Diagnostic.self) { _ = try ArgumentParser.parse(words, root: Self.root) }
        #expect(diagnostic.summary == summary)
    }

    @Test("no two commands or options of one command share a name")
    func uniqueNames() {
        func check(_ command: CommandDeclaration) {
            let options = command.options + command.globalOptions
            #expect(Set(options.map(\.long)).count == options.count, "\(command.name) has an option twice")
            let letters = options.compactMap(\.short)
            #expect(Set(letters).count == letters.count, "\(command.name) has a letter twice")
            let names = command.subcommands.flatMap { [$0.name] + $0.aliases }
            #expect(Set(names).count == names.count, "\(command.name) has a command twice")
            command.subcommands.forEach(check)
        }
        check(CommandTree.root)
    }
}
