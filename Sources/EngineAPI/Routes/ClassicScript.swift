import Dockerfile
import JSONText

/// The steps of a build as Docker's classic builder counts them: every instruction of the stages that are needed.
struct ClassicScript: Sendable {
    /// One step.
    struct Entry: Sendable {
        /// What stands after `Step 1/3 : `.
        var text: String
        /// Where it is in the Dockerfile, from 1.
        var line: Int
        /// The stage it is in; -1 for ARG before the first FROM.
        var stage: Int
        /// What RUN runs, joined by blanks, as messages name it; nil for other instructions.
        var command: String?
    }

    let entries: [Entry]

    /// The steps of a document.
    ///
    /// - Parameter stages: the stages that are needed, by their numbers.
    init(_ document: DockerfileDocument, stages: [Int]) {
        var entries = document.globalArguments.map {
            Entry(text: $0.text, line: $0.span.firstLine, stage: -1)
        }
        for (number, stage) in document.stages.enumerated() where stages.contains(number) {
            entries.append(Entry(text: stage.from.text, line: stage.from.span.firstLine, stage: number))
            var shell = ["/bin/sh", "-c"]
            for instruction in stage.instructions {
                if case .shell(let words) = instruction.kind { shell = words }
                entries.append(
                    Entry(
                        text: instruction.text, line: instruction.span.firstLine, stage: number,
                        command: Self.command(instruction, shell)))
            }
        }
        self.entries = entries
    }

    init(_ entries: [Entry]) { self.entries = entries }

    private static func command(_ instruction: Instruction, _ shell: [String]) -> String? {
        guard case .run(let form, _) = instruction.kind else { return nil }
        switch form {
        case .shell(let text): return (shell + [text]).joined(separator: " ")
        case .exec(let words): return words.joined(separator: " ")
        }
    }
}
