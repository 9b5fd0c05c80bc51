import Compose
import Diagnostics
import JSONText

/// `stackctl compose top`: the processes of a project's containers.
enum ComposeTopCommand {
    static let declaration = CommandDeclaration(
        "top", summary: "Show the processes of a project", operands: [ComposeOptions.services], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let containers = try await session.containers(
            of: try await session.target(), services: session.arguments.operands, all: false, oneOff: .included
        ).sorted { $0.name < $1.name }
        let daemon = try await session.daemon()
        let answers = try await withThrowingTaskGroup(of: (Int, JSONValue?).self) { group in
            for (index, container) in containers.enumerated() {
                group.addTask {
                    do {
                        return (index, try await daemon.get(Target("containers", container.id, "top").text))
                    } catch let failure as StatusFailure where [404, 409].contains(failure.status) {
                        // It has ended meanwhile.
                        return (index, nil)
                    }
                }
            }
            return try await group.reduce(into: [Int: JSONValue]()) { $0[$1.0] = $1.1 }
        }
        session.output.write(
            table(
                containers.enumerated().compactMap { index, container in
                    answers[index].map { (container, $0) }
                }))
        return .success
    }

    /// One row a process; the columns of all containers together, the command last.
    static func table(_ answers: [(container: ComposeContainer, top: JSONValue)]) -> String {
        var headings = ["SERVICE", "#"]
        var rows: [[String: String]] = []
        for (container, top) in answers {
            let titles = (top["Titles"]?.arrayValue ?? []).map { $0.stringValue ?? "" }
            for title in titles where !headings.contains(title) { headings.append(title) }
            for process in top["Processes"]?.arrayValue ?? [] {
                var row = ["SERVICE": container.service]
                if let number = container.labels[ComposeLabels.containerNumber] { row["#"] = number }
                for (title, cell) in zip(titles, process.arrayValue ?? []) {
                    row[title] = TerminalText.line(cell.stringValue ?? "")
                }
                rows.append(row)
            }
        }
        guard !rows.isEmpty else { return "" }
        if let place = headings.firstIndex(of: "CMD") { headings.append(headings.remove(at: place)) }
        let lines = [headings] + rows.map { row in headings.map { row[$0] ?? "-" } }
        return AlignedText.render(
            lines.map { $0.joined(separator: "\t") + "\n" }.joined(), narrowest: 4, gap: 2)
    }
}
