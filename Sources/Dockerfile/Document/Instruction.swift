/// One instruction but FROM.
package struct Instruction: Sendable, Hashable {
    /// What it says.
    package var kind: Kind
    /// Its flags, `--name=value`, in their order.
    package var flags: [Flag]
    /// Where it is.
    package var span: SourceSpan
    /// The instruction as it was written, joined to one line, heredocs left out.
    package var text: String
    /// Its name as it was written.
    package var keyword = ""
    /// The comments right before it, without `#`.
    package var comments: [String] = []

    package init(kind: Kind, flags: [Flag] = [], span: SourceSpan, text: String) {
        self.kind = kind
        self.flags = flags
        self.span = span
        self.text = text
    }

    /// The value of a flag that is given once; nil where it is not given, and where it has none.
    func value(_ flag: String) -> String? { flags.last { $0.name == flag }?.value }

    /// The values of a flag that may be given often.
    func values(_ flag: String) -> [String] { flags.compactMap { $0.name == flag ? $0.value : nil } }

    /// The value of a flag that is on or off; nil where it is not given.
    func truth(_ flag: String) -> Bool? {
        flags.last { $0.name == flag }.map { $0.value?.lowercased() != "false" }
    }

    /// What an instruction says.
    package enum Kind: Sendable, Hashable {
        case add(Transfer)
        case arg([Assignment])
        case cmd(CommandForm)
        case copy(Transfer)
        case entrypoint(CommandForm)
        case env([Assignment])
        case expose([String])
        /// Nil is NONE.
        case healthcheck(CommandForm?)
        case label([Assignment])
        case maintainer(String)
        /// The instruction for images built of this one, as text.
        case onbuild(String)
        case run(CommandForm, heredocs: [Heredoc])
        case shell([String])
        case stopsignal(String)
        case user(String)
        case volume([String])
        case workdir(String)
    }

    /// `--name=value`; `--name` alone has no value.
    package struct Flag: Sendable, Hashable {
        package var name: String
        package var value: String?
        package var span: SourceSpan

        package init(name: String, value: String?, span: SourceSpan) {
            self.name = name
            self.value = value
            self.span = span
        }
    }

    /// `name=value`; ARG may have no value.
    package struct Assignment: Sendable, Hashable {
        package var name: String
        package var value: String?
        /// Whether it was written in the old form, `name value`.
        package var isLegacy: Bool

        package init(name: String, value: String?, isLegacy: Bool = false) {
            self.name = name
            self.value = value
            self.isLegacy = isLegacy
        }
    }

    /// The words of COPY and ADD.
    package struct Transfer: Sendable, Hashable {
        package var sources: [TransferSource]
        package var destination: String

        package init(sources: [TransferSource], destination: String) {
            self.sources = sources
            self.destination = destination
        }
    }

    /// One source of COPY or ADD.
    package enum TransferSource: Sendable, Hashable {
        /// A path, a pattern, an address.
        case path(String)
        /// A file whose content is in the Dockerfile.
        case heredoc(Heredoc)
    }
}

/// The shell form or the JSON form of a command.
package enum CommandForm: Sendable, Hashable {
    case shell(String)
    case exec([String])
}

/// `<<NAME … NAME`.
package struct Heredoc: Sendable, Hashable {
    /// The delimiter without its quotes; COPY's name of the file.
    package var name: String
    /// The lines as they were written.
    package var content: String
    /// The lines, leading tabs gone for `<<-`.
    package var text: String {
        guard stripsTabs else { return content }
        let lines = content.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        let stripped = lines.map { Array($0.drop { $0 == 0x09 }) }
        return String(decoding: Array(stripped.joined(separator: [0x0A])), as: UTF8.self)
    }
    /// Whether variables in it are expanded: the delimiter had no quotes.
    package var isExpanded: Bool
    /// Whether it was `<<-`.
    package var stripsTabs: Bool

    package init(name: String, content: String, isExpanded: Bool, stripsTabs: Bool = false) {
        self.name = name
        self.content = content
        self.isExpanded = isExpanded
        self.stripsTabs = stripsTabs
    }
}
