import Compose
import Diagnostics
import HTTP
import JSONText
import Linux

/// Stays with the containers of an `up` that is not detached: shows their logs, and stops them on an interrupt.
struct ComposeFollower: Sendable {
    /// When the end of one container ends all.
    enum Abort: Sendable {
        case never, onExit, onFailure
    }

    /// What happens meanwhile.
    private enum Event: Sendable {
        /// With how it was then; nil where it was removed.
        case ended(ComposeContainer, Int32, JSONValue?)
        /// A container was started that nobody followed.
        case began
        case interrupted
        /// The stop that an interrupt or an end asked for is over.
        case stopped(ExitCode)
        case failed(any Error)
    }

    let session: ComposeSession
    let target: ComposeTarget
    let printer: ComposeLogPrinter
    /// The services whose logs are shown.
    var attached: Set<String> = []
    /// The services that are stopped with them.
    var stopped: Set<String> = []
    var hasTimestamps = false
    var aborts = Abort.never
    /// The service whose exit code is ours.
    var codeFrom: String?
    /// What takes in changes of files meanwhile.
    var watch: ComposeWatch?

    private static let interrupts: [Int32] = [2, 15]
    private static let pause = Duration.milliseconds(100)

    /// Follows until all have ended.
    ///
    /// - Parameter earlier: how the containers were before they were brought up.
    func run(_ earlier: Earlier) async throws -> ExitCode {
        let (events, sender) = AsyncStream.makeStream(of: Event.self)
        let signals = try SignalQueue(Self.interrupts)
        let daemon = try await session.daemon()
        var tasks = [
            Task {
                while (try? await signals.next()) != nil { sender.yield(.interrupted) }
            },
            Task { await tellStarts(daemon, sender) },
        ]
        if let watch {
            tasks.append(
                Task {
                    do { try await watch.run() } catch is CancellationError {} catch { sender.yield(.failed(error)) }
                })
        }
        defer {
            signals.close()
            for task in tasks { task.cancel() }
        }
        var known = earlier
        var open: Set<String> = []
        var ended: Set<String> = []
        var result: ExitCode?
        var codes: [String: Int32] = [:]
        var interrupts = 0
        var isStopping = false
        var stops = 0

        func followNew() async throws {
            let found = try await session.containers(of: target).filter {
                isFollowed($0.service) && !open.contains($0.id) && ($0.isRunning || !ended.contains($0.id))
            }
            // All names are known before the first line is shown: their longest is the width of all.
            for container in found where attached.contains(container.service) {
                await printer.register(container.shortName)
            }
            for container in found {
                open.insert(container.id)
                tasks.append(Task { [known] in await follow(container, known, daemon, sender) })
            }
        }
        func stopAll(_ kills: Bool) {
            isStopping = true
            stops += 1
            tasks.append(Task { sender.yield(.stopped(await stop(kills: kills))) })
        }

        try await followNew()
        guard !open.isEmpty || watch != nil else { return .success }
        for await event in events {
            switch event {
            case .began: if !isStopping { try await followNew() }
            case .failed(let error):
                session.output.show(Failure.diagnostics(error))
                // What became of it is not known: an answer of success would be a guess.
                result = result ?? .failure
            case .interrupted:
                interrupts += 1
                session.output.writeError(
                    interrupts == 1 ? "\nGracefully Stopping... press Ctrl+C again to force\n" : "\nKilling\n")
                result = .interrupted
                stopAll(interrupts > 1)
            case .ended(let container, let code, let state):
                open.remove(container.id)
                known.remember(container.id, state)
                ended.insert(container.id)
                codes[container.service] = codes[container.service] ?? code
                let isTrigger = aborts == .onExit || aborts == .onFailure && code != 0
                if isTrigger, !isStopping {
                    result = result ?? ExitCode(code: code)
                    await printer.say("Aborting on container exit...")
                    stopAll(false)
                }
            case .stopped(let code):
                stops -= 1
                if code != .success { return code }
            }
            // While files are watched, a rebuild may put another container in the place of the last one.
            if open.isEmpty, stops == 0, watch == nil || isStopping { break }
        }
        if interrupts == 0, let codeFrom { return ExitCode(code: codes[codeFrom] ?? result?.code ?? 0) }
        return result ?? .success
    }

    // MARK: One container

    /// Whether the end of a service's containers is waited for: its log is shown, or its exit code is ours.
    private func isFollowed(_ service: String) -> Bool { attached.contains(service) || service == codeFrom }

    /// How containers were before an `up`, so that what they printed earlier is not shown again.
    struct Earlier: Sendable {
        private var states: [String: JSONValue] = [:]

        /// Nothing was there.
        init() {}

        /// Looks at containers.
        init(_ containers: [ComposeContainer], _ daemon: DaemonClient) async throws {
            for container in containers {
                states[container.id] = try await daemon.get(Target("containers", container.id, "json").text)["State"]
            }
        }

        /// Takes in how a container is now, of which all has been shown.
        mutating func remember(_ id: String, _ state: JSONValue?) { states[id] = state }

        /// Which lines of a container are new.
        ///
        /// - Parameter state: how it is now.
        func query(of id: String, now state: JSONValue?) throws -> ComposeLogs.Query {
            var query = ComposeLogs.Query(follows: true)
            guard let earlier = states[id] else { return query }
            if earlier["Running"]?.boolValue != true {
                // Its program may have printed before the time of its start was taken.
                query.since = try Self.time(earlier["FinishedAt"])
            } else if earlier["StartedAt"] == state?["StartedAt"] {
                query.tail = "0"
            } else {
                query.since = try Self.time(state?["StartedAt"])
            }
            return query
        }

        /// A time as the API wants it in `since`; nil for one that never was.
        static func time(_ value: JSONValue?) throws -> String? {
            guard let text = value?.stringValue, !text.hasPrefix("0001-") else { return nil }
            return try PointInTime.unixSeconds(text, option: "since")
        }
    }

    /// Stays with a container until it has ended for good, and shows its log where that is asked for.
    private func follow(
        _ container: ComposeContainer, _ earlier: Earlier, _ daemon: DaemonClient,
        _ sender: AsyncStream<Event>.Continuation
    ) async {
        let logs = ComposeLogs(daemon: daemon, printer: printer)
        let isShown = attached.contains(container.service)
        var code: Int32 = 0
        var last: JSONValue?
        do {
            var query = try earlier.query(of: container.id, now: try await state(of: container, daemon))
            query.hasTimestamps = hasTimestamps
            while true {
                if isShown {
                    try await logs.read(container.id, as: container.shortName, query)
                } else {
                    _ = try await daemon.open("POST", Target("containers", container.id, "wait").text).collect()
                }
                let state = try await state(of: container, daemon)
                last = state
                let isRestarting = ["running", "restarting"].contains(state?["Status"]?.stringValue ?? "")
                code = Int32(clamping: state?["ExitCode"]?.intValue ?? 0)
                if isShown {
                    await printer.say(
                        "\(container.shortName) exited with code \(code)\(isRestarting ? " (restarting)" : "")")
                }
                guard isRestarting else { break }
                query.tail = nil
                query.since = try Earlier.time(state?["FinishedAt"])
                try await waitForStart(of: container, daemon)
            }
        } catch let failure as StatusFailure where failure.status == 404 {
            // Removed, or made anew: the next one is followed when it starts.
            await printer.finish(container.shortName)
        } catch {
            if !Task.isCancelled { sender.yield(.failed(error)) }
        }
        sender.yield(.ended(container, code, last))
    }

    private func state(of container: ComposeContainer, _ daemon: DaemonClient) async throws -> JSONValue? {
        try await daemon.get(Target("containers", container.id, "json").text)["State"]
    }

    /// Waits until it runs again or has given up.
    private func waitForStart(of container: ComposeContainer, _ daemon: DaemonClient) async throws {
        while try await state(of: container, daemon)?["Status"]?.stringValue == "restarting" {
            try await EventLoop.shared.sleep(for: Self.pause)
        }
    }

    // MARK: All of them

    /// Tells of containers of the project that start.
    private func tellStarts(_ daemon: DaemonClient, _ sender: AsyncStream<Event>.Continuation) async {
        let request = Target("events").with(filters: [
            ("type", "container"), ("event", "start"), ("label", "\(ComposeLabels.project)=\(target.name)"),
        ])
        try? await daemon.stream("GET", request.text) { _ in sender.yield(.began) }
    }

    private func stop(kills: Bool) async -> ExitCode {
        do {
            let running = try await session.containers(of: target, all: false)
                .filter { stopped.contains($0.service) || attached.contains($0.service) }
            guard kills else { return try await ComposeStopCommand.stop(running, session, target) }
            let daemon = try await session.daemon()
            let work = ComposeWork(session: session, order: ComposeOrder(target, running), operation: "kill")
            return try await work.run(running) { container, _ in
                _ = try await daemon.post(Target("containers", container.id, "kill").text)
            }
        } catch {
            session.output.show(Failure.diagnostics(error))
            return .failure
        }
    }
}
