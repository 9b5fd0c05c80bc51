import Apply
import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore
import Synchronization
import Testing

/// A host, a database and an engine for one test.
///
/// The database's folder goes with it.
final class Workbench: Sendable {
    let host = MemoryHost()
    let folder: String
    let database: StateDatabase
    let engine: StackEngine

    init(crashPoint: CrashPoint = .none, parallelism: Int = 4) throws {
        folder = "/tmp/stackctl-apply-\(try Random.hex(bytes: 8))"
        try Files.makeDirectories(folder)
        database = try StateDatabase(path: folder + "/state.db")
        engine = StackEngine(
            database: database, providers: MemoryProvider.all(host), crashPoint: crashPoint, parallelism: parallelism)
    }

    deinit { try? Files.removeTree(folder) }

    /// An engine as a new daemon would have it, on the same database and host.
    func newEngine(crashPoint: CrashPoint = .none) -> StackEngine {
        StackEngine(
            database: database, providers: MemoryProvider.all(host), crashPoint: crashPoint, parallelism: 4)
    }

    @discardableResult
    func apply(_ document: StackDocument, _ log: EventLog = EventLog()) async throws -> ApplySummary {
        try await engine.apply(document) { log.add($0) }
    }

    /// Steps that are open, but for images that are kept for a rollback.
    func openSteps() throws -> [JournalRow] {
        try database.read { try $0.openJournal() }.filter {
            $0.intent["deferred"] != true || !$0.address.hasPrefix("image.")
        }
    }

    /// The objects of the stack, but for images that are kept for a rollback.
    func current(_ stack: String) throws -> [MemoryHost.Object] {
        let kept = Set(try database.read { try $0.openJournal(stack: stack) }.map(\.objectID))
        return host.objects(of: stack).filter { !kept.contains($0.id) }
    }

    /// Objects of the stack nobody knows of, neither as recorded nor as put down for deletion, and half made ones.
    func orphans(_ stack: String) throws -> [String] {
        let recorded = try database.read { transaction in
            Set(try transaction.resources(stack: stack).map(\.objectID))
                .union(try transaction.openJournal(stack: stack).map(\.objectID))
        }
        let there = host.objects(of: stack)
        return there.filter { !recorded.contains($0.id) }.map { "\($0.address) as \($0.id) is not recorded" }
            + there.filter { !$0.isWhole }.map { "\($0.address) as \($0.id) is half made" }
    }
}

/// Keeps the events of an apply.
final class EventLog: Sendable {
    private let events = Mutex<[ApplyEvent]>([])

    func add(_ event: ApplyEvent) { events.withLock { $0.append(event) } }

    var all: [ApplyEvent] { events.withLock { $0 } }

    var skipped: [String] {
        all.compactMap { event in
            if case .stepSkipped(let step, _, let reason) = event { "\(step.address): \(reason)" } else { nil }
        }
    }

    var diagnostics: [Diagnostic] {
        all.compactMap { event in
            switch event {
            case .diagnostic(let diagnostic), .stepFailed(_, let diagnostic): diagnostic
            default: nil
            }
        }
    }
}

/// Short ways to write documents.
enum Make {
    static func resource(
        _ address: String, _ attributes: JSONObject = [:], after: [(String, DependencyCondition)] = [],
        line: Int = 1, protect: Bool = false, lines: [String: Int] = [:]
    ) throws -> StackResource {
        StackResource(
            address: try #require(ResourceAddress(address)), attributes: attributes,
            dependencies: try after.map {
                StackDependency(address: try #require(ResourceAddress($0.0)), until: $0.1)
            },
            location: SourceLocation(file: "Stack.swift", line: line), protect: protect,
            locations: lines.mapValues { SourceLocation(file: "Stack.swift", line: $0) })
    }

    static func reference(_ address: String, _ attribute: String) -> JSONValue {
        ["$ref": .string(address), "attribute": .string(attribute)]
    }

    static func stack(_ resources: [StackResource], name: String = "shop") -> StackDocument {
        StackDocument(name: name, resources: resources)
    }

    /// An image, a network, a volume, a database on them and a site behind it.
    static func shop(
        color: String = "blue", memory: Int64 = 256, suite: String = "bookworm", spelling: String? = nil
    ) throws -> [StackResource] {
        var image: JSONObject = ["suite": .string(suite)]
        if let spelling { image["spelling"] = .string(spelling) }
        return [
            try resource("image.site", image, line: 5),
            try resource("network.back", ["subnet": "10.42.0.0/24"], line: 6),
            try resource("volume.data", ["labels": ["keep": "yes"]], line: 7),
            try resource(
                "container.db",
                [
                    "network": reference("network.back", "id"),
                    "volume": reference("volume.data", "id"), "limits": ["memory": 512],
                ], after: [("network.back", .created), ("volume.data", .created)], line: 10),
            try resource(
                "container.web",
                [
                    "image": reference("image.site", "id"), "network": reference("network.back", "id"),
                    "env": ["COLOR": .string(color), "DB": ["$text": ["pg://", reference("container.db", "host")]]],
                    "limits": ["memory": .int(memory)], "port": 8080,
                ], after: [("container.db", .healthy)], line: 20,
                lines: ["env.COLOR": 24, "limits": 25, "limits.memory": 25, "port": 26]),
        ]
    }
}
