import Compose
import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl compose logs`: what the containers of a project printed.
enum ComposeLogsCommand {
    private static let follow = OptionDeclaration.flag("follow", "f", "Go on with what they print from now on")
    private static let noColor = OptionDeclaration.flag("no-color", nil, "No colours")
    private static let noPrefix = OptionDeclaration.flag(
        "no-log-prefix", nil, "Do not put the container before each line")
    private static let since = OptionDeclaration.value(
        "since", nil, .text("TIME"), "Only lines since a time (2026-01-02T03:04:05Z) or age (10m)")
    private static let tail = OptionDeclaration.value(
        "tail", "n", .text("LINES"), "Only the last lines of each container (default: all)")
    private static let timestamps = OptionDeclaration.flag("timestamps", "t", "Put the time before each line")
    private static let until = OptionDeclaration.value("until", nil, .text("TIME"), "Only lines before a time or age")

    static let declaration = CommandDeclaration(
        "logs", summary: "Show what a project's containers printed", operands: [ComposeOptions.services],
        options: [follow, ComposeOptions.index, noColor, noPrefix, since, tail, timestamps, until], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let query = ComposeLogs.Query(
            follows: arguments.isSet(follow), tail: try LogsCommand.lines(arguments.value(of: tail)),
            since: try arguments.value(of: since).map { try PointInTime.unixSeconds($0, option: "--since") },
            until: try arguments.value(of: until).map { try PointInTime.unixSeconds($0, option: "--until") },
            hasTimestamps: arguments.isSet(timestamps))
        let target = try await session.target()
        let selection = try Selection(arguments, target)
        let containers = selection.filter(
            try await session.containers(of: target, services: arguments.operands))
        if let index = selection.index, containers.isEmpty {
            throw Diagnostic(
                code: "SC0263", summary: "service \"\(arguments.operand(0) ?? "")\" has no container #\(index)",
                hint: "stackctl compose ps -a \(arguments.operand(0) ?? "")")
        }
        let printer = ComposeLogPrinter(
            output: session.output,
            style: .init(
                hasPrefix: !arguments.isSet(noPrefix),
                hasColor: session.output.style.color && !arguments.isSet(noColor)))
        // The names of all are known before the first line, so that the lines of all begin at one column.
        for container in containers { await printer.register(container.shortName) }
        let daemon = try await session.daemon()
        let logs = ComposeLogs(daemon: daemon, printer: printer)
        guard query.follows else {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for container in containers { group.addTask { try await read(container, logs, query, session) } }
                try await group.waitForAll()
            }
            return .success
        }
        try await Follower(session: session, target: target, selection: selection, logs: logs, query: query)
            .run(containers)
        return .success
    }

    /// Which containers are meant.
    struct Selection: Sendable {
        let services: Set<String>?
        let index: Int?

        init(_ arguments: ParsedArguments, _ target: ComposeTarget) throws(Diagnostic) {
            index = arguments.value(of: ComposeOptions.index).flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
            guard index == nil || arguments.operands.count == 1 else {
                throw Diagnostic(
                    code: "SC0263", summary: "--index requires one service to be selected",
                    hint: "stackctl compose logs --index 2 SERVICE")
            }
            // With a file, what the file does not have is not shown.
            let named = arguments.operands.isEmpty ? target.project?.services.keys : arguments.operands
            services = named.map { Set($0) }
        }

        func contains(_ container: ComposeContainer) -> Bool {
            (services?.contains(container.service) ?? true) && (index == nil || container.number == index)
        }

        func filter(_ containers: [ComposeContainer]) -> [ComposeContainer] { containers.filter(contains) }
    }

    /// A container whose log driver keeps nothing is said so, and a container that is gone meanwhile has no more to say.
    static func read(
        _ container: ComposeContainer, _ logs: ComposeLogs, _ query: ComposeLogs.Query, _ session: ComposeSession
    ) async throws {
        do {
            try await logs.read(container.id, as: container.shortName, query)
        } catch let failure as StatusFailure where failure.status == 501 {
            session.output.show([
                Diagnostic(
                    severity: .warning, code: "SC0264", summary: "there is no log of \(container.name) to show",
                    detail: failure.diagnostics.first?.summary)
            ])
        } catch let failure as StatusFailure where [404, 409].contains(failure.status) && query.follows {}
    }
}

/// Follows the logs of containers, those that start later too, until none of them runs.
private struct Follower: Sendable {
    let session: ComposeSession
    let target: ComposeTarget
    let selection: ComposeLogsCommand.Selection
    let logs: ComposeLogs
    let query: ComposeLogs.Query

    private enum Step: Sendable {
        case started(String)
        case ended(id: String, code: String)
        case read
        case noMoreEvents
    }

    func run(_ first: [ComposeContainer]) async throws {
        let (events, sender) = AsyncStream.makeStream(of: Step.self)
        let request = Target("events").with(filters: [
            ("type", "container"), ("label", "\(ComposeLabels.project)=\(target.name)"), ("event", "start"),
            ("event", "die"),
        ])
        let watched = try await session.daemon().open("GET", request.text)
        defer { watched.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var lines = watched.lines()
                while let line = try await lines.next() {
                    guard let event = try? JSONValue.parse(line), let id = event["Actor"]?["ID"]?.stringValue else {
                        continue
                    }
                    let code = event["Actor"]?["Attributes"]?["exitCode"]?.stringValue ?? "0"
                    sender.yield(event["Action"] == "start" ? .started(id) : .ended(id: id, code: code))
                }
                sender.yield(.noMoreEvents)
            }
            var known: [String: ComposeContainer] = [:]
            for container in first {
                known[container.id] = container
                addReader(container, query, sender, to: &group)
            }
            var reading = first.count
            // Whose end is still to be told: the events are listened to already, so none of them is missed.
            var running = Set(try await runningNow().map(\.id))
            if first.isEmpty, running.isEmpty { sender.yield(.noMoreEvents) }
            for await step in events {
                switch step {
                case .started(let id):
                    guard let container = try await container(id) else { continue }
                    known[id] = container
                    running.insert(id)
                    reading += 1
                    addReader(container, try await since(container), sender, to: &group)
                case .ended(let id, let code):
                    running.remove(id)
                    guard let container = known[id] else { continue }
                    await logs.printer.say("\(container.shortName) exited with code \(code)")
                case .read:
                    reading -= 1
                case .noMoreEvents:
                    group.cancelAll()
                    return
                }
                if reading == 0, running.isEmpty, try await runningNow().isEmpty { break }
            }
            group.cancelAll()
        }
    }

    private func addReader(
        _ container: ComposeContainer, _ query: ComposeLogs.Query, _ sender: AsyncStream<Step>.Continuation,
        to group: inout ThrowingTaskGroup<Void, any Error>
    ) {
        group.addTask {
            try await ComposeLogsCommand.read(container, logs, query, session)
            sender.yield(.read)
        }
    }

    private func runningNow() async throws -> [ComposeContainer] {
        selection.filter(try await session.containers(of: target, all: false))
    }

    private func container(_ id: String) async throws -> ComposeContainer? {
        let found = try await session.containers(of: target).first { $0.id == id }
        return found.flatMap { selection.contains($0) ? $0 : nil }
    }

    /// What a container prints from its newest start on.
    private func since(_ container: ComposeContainer) async throws -> ComposeLogs.Query {
        let inspected = try await session.daemon().get(Target("containers", container.id, "json").text)
        var query = query
        query.since = inspected["State"]?["StartedAt"]?.stringValue
        query.tail = nil
        return query
    }
}
