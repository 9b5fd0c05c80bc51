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
    /// Its own options, of a command that groups others before the name of the one below it.
    ///
    /// Those of `GlobalOptions` are accepted everywhere.
    let options: [OptionDeclaration]
    /// Options that help shows under headings of their own; they are in `options` too.
    let optionGroups: [OptionGroup]
    /// Commands below this one.
    let subcommands: [CommandDeclaration]
    /// Whether everything after the first operand belongs to another program (`exec`).
    let endsAtFirstOperand: Bool
    /// Whether an interrupt ends it; the daemon takes its signals itself.
    let watchesInterrupts: Bool
    /// The answer where the command line itself is wrong.
    let usageExitCode: ExitCode
    /// What it does; a command that only groups others has none.
    let action: Action?

    /// A command that does something.
    init(
        _ name: String, aliases: [String] = [], summary: String, discussion: String = "",
        operands: [OperandDeclaration] = [], options: [OptionDeclaration] = [], endsAtFirstOperand: Bool = false,
        watchesInterrupts: Bool = true, optionGroups: [OptionGroup] = [], usageExitCode: ExitCode = .failure,
        action: @escaping Action
    ) {
        self.name = name
        self.aliases = aliases
        self.summary = summary
        self.discussion = discussion
        self.operands = operands
        self.options = options + optionGroups.flatMap(\.options)
        self.optionGroups = optionGroups
        self.usageExitCode = usageExitCode
        self.subcommands = []
        self.endsAtFirstOperand = endsAtFirstOperand
        self.watchesInterrupts = watchesInterrupts
        self.action = action
    }

    /// A command that groups others.
    init(
        _ name: String, aliases: [String] = [], summary: String, discussion: String = "",
        options: [OptionDeclaration] = [], subcommands: [CommandDeclaration]
    ) {
        self.name = name
        self.aliases = aliases
        self.summary = summary
        self.discussion = discussion
        self.operands = []
        self.options = options
        self.optionGroups = []
        self.usageExitCode = .failure
        self.subcommands = subcommands
        self.endsAtFirstOperand = false
        self.watchesInterrupts = true
        self.action = nil
    }

    /// The options of `GlobalOptions` that it accepts: an option of its own hides the one of the same name or letter.
    var globalOptions: [OptionDeclaration] {
        GlobalOptions.all.compactMap { global in
            if options.contains(where: { $0.long == global.long }) { return nil }
            guard options.contains(where: { $0.short == global.short }) else { return global }
            return OptionDeclaration(
                long: global.long, short: nil, value: global.value, repeats: global.repeats, summary: global.summary)
        }
    }

    /// The same command under another name.
    func named(_ name: String, aliases: [String] = []) -> CommandDeclaration {
        guard let action else {
            return CommandDeclaration(
                name, aliases: aliases, summary: summary, discussion: discussion, options: options,
                subcommands: subcommands)
        }
        let grouped = Set(optionGroups.flatMap(\.options))
        return CommandDeclaration(
            name, aliases: aliases, summary: summary, discussion: discussion, operands: operands,
            options: options.filter { !grouped.contains($0) }, endsAtFirstOperand: endsAtFirstOperand,
            watchesInterrupts: watchesInterrupts, optionGroups: optionGroups, usageExitCode: usageExitCode,
            action: action)
    }

    /// The command below this one that answers to `word`.
    func subcommand(_ word: String) -> CommandDeclaration? {
        subcommands.first { $0.name == word || $0.aliases.contains(word) }
    }
}

/// Options under one heading of a help text.
struct OptionGroup: Sendable {
    /// The heading, such as `Network options`.
    let title: String
    let options: [OptionDeclaration]

    init(_ title: String, _ options: [OptionDeclaration]) {
        self.title = title
        self.options = options
    }
}

/// Options that every command accepts, before or after its name.
enum GlobalOptions {
    static let root = OptionDeclaration.value(
        "root", nil, .path("DIR"), "Data root of the daemon (default: $STACKCTL_ROOT or /var/lib/stackctl)")
    static let host = OptionDeclaration.value(
        "host", "H", .text("HOST"), "The daemon: unix://, tcp:// or ssh:// (default: $STACKCTL_HOST, $DOCKER_HOST)")
    static let help = OptionDeclaration.flag("help", "h", "Show help for the command")
    static let version = OptionDeclaration.flag("version", "v", "Show the version and leave")

    static let all = [root, host, help]

    static let context = OptionDeclaration.value(
        "context", "c", .text("NAME"), "Use the daemon of this context (default: $STACKCTL_CONTEXT or $DOCKER_CONTEXT)"
    ).offering(.contexts)
    static let config = OptionDeclaration.value(
        "config", nil, .path("DIR"),
        "Folder of Docker's configuration (default: $DOCKER_CONFIG or ~/.docker)")
    static let debug = OptionDeclaration.flag("debug", "D", "Accepted for Docker's sake")
    static let logLevel = OptionDeclaration.value(
        "log-level", "l", .choice(["debug", "info", "warn", "error", "fatal"]), "Accepted for Docker's sake")
    static let tls = OptionDeclaration.flag("tls", nil, "Use TLS with tcp://; implied by --tlsverify")
    static let tlsVerify = OptionDeclaration.flag("tlsverify", nil, "Use TLS and make the daemon prove who it is")
    static let tlsAuthority = OptionDeclaration.value(
        "tlscacert", nil, .path("FILE"), "Trust only certificates of this authority (default: ~/.docker/ca.pem)")
    static let tlsCertificate = OptionDeclaration.value(
        "tlscert", nil, .path("FILE"), "Our certificate (default: ~/.docker/cert.pem)")
    static let tlsKey = OptionDeclaration.value("tlskey", nil, .path("FILE"), "Its key (default: ~/.docker/key.pem)")

    /// Options that are accepted only before the name of a command, as Docker's are.
    static let beforeCommand = [
        context, config, debug, logLevel, tls, tlsVerify, tlsAuthority, tlsCertificate, tlsKey, version,
    ]
}
