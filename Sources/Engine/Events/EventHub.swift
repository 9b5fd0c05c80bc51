import JSONText
import Linux
import StateStore

/// Tells subscribers what happens, and keeps it for those who ask later.
package actor EventHub {
    private let writer: StateWriter
    private let database: StateDatabase
    private let metrics: EngineMetrics
    private var recent: [Event] = []
    private var subscribers: [Int: AsyncStream<Event>.Continuation] = [:]
    private var nextSubscriber = 0
    /// Replays of more than this come from the database.
    private static let ringSize = 1024
    /// A subscriber that is further behind than this is cut off rather than fed from ever growing memory.
    private static let backlog = 4096
    private static let kept = 20_000
    private var sincePruned = 0

    /// A hub over the events table.
    package init(database: StateDatabase, writer: StateWriter, metrics: EngineMetrics = EngineMetrics()) {
        self.metrics = metrics
        self.database = database
        self.writer = writer
    }

    /// Tells everyone.
    package func publish(_ event: Event) async {
        metrics.countEvent()
        recent.append(event)
        if recent.count > 2 * Self.ringSize { recent.removeFirst(recent.count - Self.ringSize) }
        for (id, subscriber) in subscribers {
            if case .dropped = subscriber.yield(event) {
                subscriber.finish()
                subscribers[id] = nil
            }
        }
        let row = EventRow(event)
        sincePruned += 1
        let prune = sincePruned >= 1000
        if prune { sincePruned = 0 }
        await writer.later { transaction in
            _ = try transaction.append(row)
            if prune { try transaction.pruneEvents(keeping: Self.kept) }
        }
    }

    /// What happened since `since` (nothing where absent), then what happens.
    ///
    /// The caller ends the stream.
    package func subscribe(since: Timestamp?, filter: FilterSet) async throws -> EventSubscription {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingOldest(Self.backlog))
        let id = nextSubscriber
        nextSubscriber += 1
        // Subscribed before the past is read: nothing falls between.
        subscribers[id] = continuation
        let replay = try await past(since: since)
        return EventSubscription(
            past: replay.filter { filter.allows($0) }, stream: stream, filter: filter
        ) { [weak self] in
            continuation.finish()
            await self?.forget(id)
        }
    }

    private func past(since: Timestamp?) async throws -> [Event] {
        guard let since else { return [] }
        let snapshot = recent
        if let first = snapshot.first, first.time <= since { return snapshot.filter { $0.time >= since } }
        await writer.flush()
        let database = self.database
        let rows = try await BlockingExecutor.shared.run {
            try database.read { try $0.events(since: since.nanosecondsSinceEpoch, until: .max, limit: Self.kept) }
        }
        return rows.compactMap { Event($0) }
    }

    /// How many follow events at the moment.
    package var subscriberCount: Int { subscribers.count }

    private func forget(_ id: Int) { subscribers[id] = nil }

    /// Ends every subscription: the daemon stops.
    package func close() {
        for subscriber in subscribers.values { subscriber.finish() }
        subscribers = [:]
    }
}

/// Events from the past and then as they happen.
package struct EventSubscription: Sendable {
    /// What was asked to be replayed.
    package let past: [Event]
    private let stream: AsyncStream<Event>
    private let filter: FilterSet
    /// What was replayed from the database may have been published meanwhile, too.
    private let repeated: Set<Event>
    private let end: @Sendable () async -> Void

    init(
        past: [Event], stream: AsyncStream<Event>, filter: FilterSet, end: @escaping @Sendable () async -> Void
    ) {
        self.past = past
        self.stream = stream
        self.filter = filter
        repeated = Set(past.suffix(256))
        self.end = end
    }

    /// Gives past and coming events to `deliver`, until that time or until cancelled, and ends the subscription.
    ///
    /// However late it is, all of the past is given.
    package func forEach(
        until: Timestamp? = nil, _ deliver: @escaping @Sendable (Event) async throws -> Void
    ) async throws {
        do {
            for event in past where until.map({ event.time <= $0 }) ?? true { try await deliver(event) }
            try await follow(until: until, deliver)
            await end()
        } catch {
            await end()
            throw error
        }
    }

    private func follow(
        until: Timestamp?, _ deliver: @escaping @Sendable (Event) async throws -> Void
    ) async throws {
        let rest = until?.since(Clock.now())
        if let rest, rest <= .zero { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await event in stream where filter.allows(event) && !repeated.contains(event) {
                    if let until, event.time > until { return }
                    try await deliver(event)
                }
            }
            if let rest { group.addTask { try await EventLoop.shared.sleep(for: rest) } }
            // Whichever ends first ends it: the daemon's stop, or the time asked for.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

extension EventRow {
    init(_ event: Event) {
        self.init(
            sequence: 0, time: event.time.nanosecondsSinceEpoch, type: event.kind.rawValue, action: event.action,
            actorID: event.actor, actor: .object(.strings(event.attributes)))
    }
}

extension Event {
    init?(_ row: EventRow) {
        guard let kind = Kind(rawValue: row.type) else { return nil }
        var attributes: [String: String] = [:]
        for (name, value) in row.actor.objectValue ?? JSONObject() { attributes[name] = value.stringValue ?? "" }
        self.init(
            kind, row.action, actor: row.actorID, attributes: attributes,
            time: Timestamp(nanosecondsSinceEpoch: row.time))
    }
}
