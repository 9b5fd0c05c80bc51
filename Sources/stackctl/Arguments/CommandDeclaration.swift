/// One command: what it is called, what it takes, what it does.
///
/// The tree of these values is the whole command line. Nothing else knows a command's options.
struct CommandDeclaration: Sendable {
    /// What a command does with its arguments; it throws a `Diagnostic` or a `DiagnosticList`.
    typealias Action = @Sendable (Invocation) async throws -> ExitCode

    /// The word a user types.
    let name: String
    /// Other words for the same command.
    let aliases: [String]
    /// One line for lists, without a full stop.
    let summary: String
    /// Paragraphs for the command's own help; lines are at most 80 columns.
    let discussion: String
    /// Words without a dash, in order.
    let operands: [OperandDeclaration]
    /// Its own options; those of `GlobalOptions` are accepted everywhere.
    let options: [OptionDeclaration]
    /// Commands below this one.
    let subcommands: [CommandDeclaration]
    /// Whether everything after the first operand belongs to another program (`exec`).
    let endsAtFirstOperand: Bool
    /// Whether an interrupt ends it; the daemon takes its signals itself.
    let watchesInterrupts: Bool
    /// What it does; a command that only groups others has none.
    let action: Action?

    /// A command that does something.
    init(
        _ name: String, aliases: [String] = [], summary: String, discussion: String = "",
        operands: [OperandDeclaration] = [], options: [OptionDeclaration] = [], endsAtFirstOperand: Bool = false,
        watchesInterrupts: Bool = true, action: @escaping Action
    ) {
        self.name = name
        self.aliases = aliases
        self.summary = summary
        self.discussion = discussion
        self.operands = operands
        self.options = options
        self.subcommands = []
        self.endsAtFirstOperand = endsAtFirstOperand
        self.watchesInterrupts = watchesInterrupts
        self.action = action
    }

    /// A command that groups others.
    init(
        _ name: String, aliases: [String] = [], summary: String, discussion: String = "",
        subcommands: [CommandDeclaration]
    ) {
        self.name = name
        self.aliases = aliases
        self.summary = summary
        self.discussion = discussion
        self.operands = []
        self.options = []
        self.subcommands = subcommands
        self.endsAtFirstOperand = false
        self.watchesInterrupts = true
        self.action = nil
    }

    /// The options of `GlobalOptions` that it accepts: an option of its own hides the one of the same name.
    var globalOptions: [OptionDeclaration] {
        GlobalOptions.all.filter { global in !options.contains { $0.long == global.long } }
    }

    /// The command below this one that answers to `word`.
    func subcommand(_ word: String) -> CommandDeclaration? {
        subcommands.first { $0.name == word || $0.aliases.contains(word) }
    }
}

/// Options that every command accepts, before or after its name.
enum GlobalOptions {
    static let root = OptionDeclaration.value(
        "root", nil, .path("DIR"), "Data root of the daemon (default: $STACKCTL_ROOT or /var/lib/stackctl)")
    static let host = OptionDeclaration.value(
        "host", "H", .text("unix://PATH"), "Socket of the daemon (default: $STACKCTL_SOCKET or DIR/run/stackctl.sock)")
    static let help = OptionDeclaration.flag("help", "h", "Show help for the command")
    static let version = OptionDeclaration.flag("version", nil, "Show the version and leave")

    static let all = [root, host, help]
}
