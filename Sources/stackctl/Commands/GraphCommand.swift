import Apply
import Diagnostics
import JSONText
import StackModel

/// `stackctl graph`: what depends on what.
enum GraphCommand {
    private static let format = OptionDeclaration.value(
        "format", nil, .choice(["dot", "mermaid"]), "Language of the graph (default: dot)")

    static let declaration = CommandDeclaration(
        "graph", summary: "Show what depends on what, for Graphviz or Mermaid",
        discussion: "For example: stackctl graph | dot -Tsvg > stack.svg",
        operands: [SharedOptions.stack],
        options: [format, SharedOptions.variable, SharedOptions.variableFile, SharedOptions.json],
        optionGroups: [ComposeSelectionOptions.group], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let document = try await StackSource.chosen(by: invocation).evaluate(invocation).document
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: json(document))
            return .success
        }
        let graph = try GraphRendering(document)
        let text = arguments.value(of: format) == "mermaid" ? graph.mermaid() : graph.dot()
        invocation.output.write(text.hasSuffix("\n") ? text : text + "\n")
        return .success
    }

    private static func json(_ document: StackDocument) -> JSONValue {
        let nodes = document.resources.map { resource -> JSONValue in
            ["address": .string(resource.address.description), "location": .string(resource.location.description)]
        }
        let edges = document.resources.flatMap { resource in
            resource.dependencies.map { dependency -> JSONValue in
                [
                    "from": .string(resource.address.description), "to": .string(dependency.address.description),
                    "until": .string(dependency.until.rawValue),
                ]
            }
        }
        return ["version": 1, "stack": .string(document.name), "nodes": .array(nodes), "edges": .array(edges)]
    }
}
