import Apply
import Diagnostics
import JSONText
import Linux
import StackModel

/// What plan and apply share: a document on its way to the daemon and the plan on its way back.
struct StackSession: Sendable {
    let invocation: Invocation
    let source: StackSource

    /// A plan with the document it was made of, and how long each phase took.
    struct Planned: Sendable {
        var saved: SavedPlan
        var timings: Timings
        var plan: Plan { saved.plan }
    }

    /// Evaluates the source, pins a manifest's packages and images, and asks the daemon for the plan.
    ///
    /// What a compose file names by a tag stays a tag: it means what the store has under it.
    func plan(_ daemon: () async throws -> DaemonClient) async throws -> Planned {
        guard case .manifest(let folder) = source else {
            let client = try await daemon()
            let evaluated = try await source.evaluate(invocation, daemon: client)
            invocation.output.show(evaluated.warnings)
            return try await plan(evaluated, evaluated.document, tags: [:], client)
        }
        let upgrades = invocation.arguments.isSet(SharedOptions.upgrade)
        let lock = try StackLock.read(folder: folder)
        var evaluated = try await source.evaluate(invocation)
        invocation.output.show(evaluated.warnings)
        let pinned =
            upgrades
            ? StackLock.Pinned(document: StackLock.lifted(evaluated.document.json), notes: [])
            : lock.applied(to: evaluated.document.json)
        invocation.output.show(pinned.notes)
        let client = try await daemon()
        let began = Clock.monotonic()
        let unpinned = try await BlockingExecutor.shared.run { () throws in
            DockerfileBases.added(to: try StackDocument(json: pinned.document))
        }
        let tags = try await digests(ofTagsIn: unpinned, lock, client)
        evaluated.timings.add("images", nanoseconds: Clock.monotonic() - began)
        return try await plan(evaluated, ImageTags.pinned(unpinned, by: tags), tags: tags, client)
    }

    private func plan(
        _ evaluated: StackEvaluation.Evaluated, _ document: StackDocument, tags: [String: String],
        _ daemon: DaemonClient
    ) async throws -> Planned {
        var timings = evaluated.timings
        let began = Clock.monotonic()
        let scope = try PlanTargets(invocation).scope(of: document)
        var options: JSONObject = ["origin": .string(evaluated.origin), "takeOver": .bool(takesOver)]
        if scope != PlanScope() { options["scope"] = scope.json }
        let plan = try Plan(
            json: try await daemon.plan(.apply(document: document.json, options: .object(options))))
        timings.add("plan", nanoseconds: Clock.monotonic() - began)
        try PlanTargets(invocation).check(document.resources.map(\.address), plan)
        let saved = SavedPlan(
            plan: plan, document: document, origin: evaluated.origin, takeOver: takesOver, tags: tags)
        return Planned(saved: saved, timings: timings)
    }

    /// What each tag means: what the lock says, or else what the daemon finds out.
    ///
    /// A tag that no registry is known for, as that of an image built here, has no digest.
    private func digests(
        ofTagsIn document: StackDocument, _ lock: StackLock, _ daemon: DaemonClient
    ) async throws -> [String: String] {
        let upgrades = invocation.arguments.isSet(SharedOptions.upgrade)
        let uses = ImageTags.unpinned(in: document)
        var digests = lock.tags.filter { tag, _ in uses.contains { $0.tag == tag } && !upgrades }
        let open = uses.filter { digests[$0.tag] == nil }
        guard !open.isEmpty else { return digests }
        let asked: [JSONValue] = open.map { use in
            [
                "tag": .string(use.tag), "address": .string(use.resource.address.description),
                "location": use.resource.location.json,
            ]
        }
        let body: JSONValue = [
            "stack": .string(document.name), "upgrade": .bool(upgrades), "tags": .array(asked),
        ]
        let answer = try await daemon.post(
            "/stacks/tags", body, headers: await CallerCredentials.headers(for: open.map(\.tag), invocation.output))
        digests.merge(answer["tags"]?.objectValue?.strings ?? [:]) { _, new in new }
        return digests
    }

    private var takesOver: Bool { invocation.arguments.isSet(SharedOptions.takeOver) }
}

/// How long each phase of a command took.
struct Timings: Sendable, Equatable {
    /// One phase.
    struct Phase: Sendable, Equatable {
        var name: String
        var nanoseconds: Int64
    }

    private(set) var phases: [Phase] = []

    /// Adds a phase.
    mutating func add(_ name: String, nanoseconds: Int64) {
        phases.append(Phase(name: name, nanoseconds: nanoseconds))
    }

    /// Adds a phase.
    mutating func add(_ name: String, _ duration: Duration) {
        let parts = duration.components
        add(name, nanoseconds: parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000)
    }

    /// `timings: compile 160.2 ms · evaluate 6.1 ms · plan 12.0 ms`.
    var line: String {
        let parts = phases.map { "\($0.name) \(HumanText.fixed(Double($0.nanoseconds) / 1e6, 1)) ms" }
        return "timings: " + parts.joined(separator: " · ")
    }
}
