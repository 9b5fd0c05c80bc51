import Engine
import Linux
import StateStore
import Testing

@Suite("Queues, events, background work", .timeLimit(.minutes(5)))
struct ConcurrencyTests {
    @Test("operations on one object never overlap and keep their order")
    func queue() async {
        let queue = OperationQueue()
        let log = Recorder()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    await queue.run {
                        await log.add("b\(number)")
                        await Task.yield()
                        await log.add("e\(number)")
                    }
                }
            }
        }
        let entries = await log.entries
        for index in stride(from: 0, to: entries.count, by: 2) {
            #expect(entries[index].dropFirst() == entries[index + 1].dropFirst())
        }
    }

    @Test("the owner cancels and waits for what runs, and takes nothing after")
    func background() async {
        let work = BackgroundWork()
        let log = Recorder()
        work.spawn {
            try? await EventLoop.shared.sleep(for: .seconds(3_600))
            await log.add("ended")
        }
        await work.shutdown()
        work.spawn { await log.add("late") }
        #expect(await log.entries == ["ended"])
    }

    @Test("events are told live, replayed from memory and from the database, each once")
    func events() async throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-events-")
        defer { try? Files.removeTree(directory) }
        let database = try StateDatabase(path: directory + "/state.db")
        let writer = StateWriter(database: database)
        let hub = EventHub(database: database, writer: writer)
        let begin = Timestamp(seconds: Clock.now().seconds - 5)
        for number in 0..<3000 { await hub.publish(Event(.container, "start", actor: "c\(number)")) }
        let filter = FilterSet()
        let later = EventHub(database: database, writer: writer)
        for source in [hub, later] {
            let subscription = try await source.subscribe(since: begin, filter: filter)
            #expect(subscription.past.count == 3000)
            #expect(subscription.past.last?.actor == "c2999")
        }
        let live = try await hub.subscribe(
            since: nil, filter: try FilterSet(#"{"event":["die"]}"#, allowed: FilterSet.forEvents))
        await hub.publish(Event(.container, "start", actor: "x"))
        await hub.publish(Event(.container, "die", actor: "x", attributes: ["exitCode": "3"]))
        await hub.close()
        let seen = Recorder()
        try await live.forEach { await seen.add($0.action) }
        #expect(await seen.entries == ["die"])
        await writer.flush()
    }

    @Test("a time that is past ends events after all of the past, however slow the client is")
    func eventsUntil() async throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-events-")
        defer { try? Files.removeTree(directory) }
        let database = try StateDatabase(path: directory + "/state.db")
        let writer = StateWriter(database: database)
        let hub = EventHub(database: database, writer: writer)
        let until = Timestamp(seconds: 1000)
        for second in 990..<1010 {
            let time = Timestamp(seconds: Int64(second))
            await hub.publish(Event(.container, "start", actor: "\(second)", attributes: [:], time: time))
        }
        let subscription = try await hub.subscribe(since: Timestamp(seconds: 995), filter: FilterSet())
        let seen = Recorder()
        try await subscription.forEach(until: until) { event in
            try await EventLoop.shared.sleep(for: .milliseconds(10))
            await seen.add(event.actor)
        }
        #expect(await seen.entries == (995...1000).map { "\($0)" })
        await writer.flush()
    }

    @Test("a change that fails does not take the others of its group with it")
    func groups() async throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-writer-")
        defer { try? Files.removeTree(directory) }
        let database = try StateDatabase(path: directory + "/state.db")
        let writer = StateWriter(database: database)
        await withTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                group.addTask {
                    do {
                        try await writer.commit { transaction in
                            if number % 10 == 3 { throw EngineError(.failed, "no") }
                            try transaction.save(VolumeRow(name: "v\(number)", created: 0))
                        }
                        return true
                    } catch {
                        return false
                    }
                }
            }
            var done = 0
            for await ok in group where ok { done += 1 }
            #expect(done == 36)
        }
        #expect(try database.read { try $0.volumes() }.count == 36)
    }
}

private actor Recorder {
    var entries: [String] = []
    func add(_ entry: String) { entries.append(entry) }
}
