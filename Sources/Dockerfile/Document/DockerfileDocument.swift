import Diagnostics

/// A Dockerfile as it was read: directives, global arguments, stages.
///
/// Words are kept as they were written, quotes, escapes and variables included; `Evaluation` makes values of them.
///
/// Source: Dockerfile reference; docker/dockerfile 1.x of BuildKit.
package struct DockerfileDocument: Sendable, Hashable {
    /// The file as the user would name it.
    package var name: String
    /// The text, line by line, for messages.
    package var lines: [String]
    /// The directives at the top.
    package var directives: ParserDirectives
    /// ARG before the first FROM.
    package var globalArguments: [Instruction]
    /// The stages in their order.
    package private(set) var stages: [StageDeclaration]
    /// Instructions with an empty line inside, which will be an error one day.
    package var emptyContinuations: [SourceSpan] = []
    /// The last stage of each name.
    private(set) var stageNames: [String: Int] = [:]

    package init(
        name: String, lines: [String] = [], directives: ParserDirectives = ParserDirectives(),
        globalArguments: [Instruction] = [], stages: [StageDeclaration] = []
    ) {
        self.name = name
        self.lines = lines
        self.directives = directives
        self.globalArguments = globalArguments
        self.stages = []
        for stage in stages { add(stage) }
    }

    /// Adds a stage.
    package mutating func add(_ stage: StageDeclaration) {
        if let name = stage.from.name { stageNames[name] = stages.count }
        stages.append(stage)
    }

    /// Adds an instruction to the last stage; false where there is none.
    package mutating func add(_ instruction: Instruction) -> Bool {
        guard !stages.isEmpty else { return false }
        stages[stages.count - 1].instructions.append(instruction)
        return true
    }
}

/// `# syntax=`, `# escape=`, `# check=`.
package struct ParserDirectives: Sendable, Hashable {
    /// The front end asked for.
    package var syntax: String?
    /// What escapes, and joins lines at their ends: a backslash or a backtick.
    package var escape: Character = "\\"
    /// What `# check=` says.
    package var check = CheckOptions()

    package init() {}
}

/// Where an instruction or a word is.
package struct SourceSpan: Sendable, Hashable {
    /// First line, from 1.
    package var firstLine: Int
    /// Last line, heredocs included.
    package var lastLine: Int
    /// Column of its first character, from 1.
    package var column: Int

    package init(firstLine: Int, lastLine: Int, column: Int = 1) {
        self.firstLine = firstLine
        self.lastLine = lastLine
        self.column = column
    }
}

/// FROM and the instructions after it.
package struct StageDeclaration: Sendable, Hashable {
    /// `FROM` itself.
    package var from: FromInstruction
    /// What follows, in its order.
    package var instructions: [Instruction]

    package init(from: FromInstruction, instructions: [Instruction] = []) {
        self.from = from
        self.instructions = instructions
    }
}

/// `FROM [--platform=…] base [AS name]`.
package struct FromInstruction: Sendable, Hashable {
    /// The base, not expanded yet: an image, a stage, `scratch`, a named context.
    package var base: String
    /// The stage's name in lower case, by which later ones know it.
    package var name: String?
    /// The value of `--platform`, not expanded yet.
    package var platform: String?
    /// Where it is.
    package var span: SourceSpan
    /// The instruction as it was written, joined to one line.
    package var text: String
    /// `FROM`, `AS` and the name as they were written.
    package var keyword = "FROM"
    package var asKeyword: String?
    package var writtenName: String?
    /// The comments right before it, without `#`.
    package var comments: [String] = []

    package init(base: String, name: String? = nil, platform: String? = nil, span: SourceSpan, text: String) {
        self.base = base
        self.name = name
        self.platform = platform
        self.span = span
        self.text = text
    }
}
