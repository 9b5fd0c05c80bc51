import Archives
import Compose
import Diagnostics
import Dockerfile
import HTTP
import JSONText
import Linux

/// Takes in changes of files as `develop.watch` of services says.
struct ComposeWatch: Sendable {
    let session: ComposeSession
    let target: ComposeTarget
    /// The services that are watched.
    let services: [String]

    /// How long nothing may change before what did is taken in: editors write in several steps.
    private static let settling = Duration.milliseconds(200)

    init(_ session: ComposeSession, _ target: ComposeTarget, _ services: [String]) {
        self.session = session
        self.target = target
        self.services = services
    }

    /// Watches until it is cancelled.
    ///
    /// - Throws: `Diagnostic` (SC0236) for rules that cannot be done, and where there are none.
    func run() async throws {
        let rules = try await BlockingExecutor.shared.run { () throws(Diagnostic) -> [WatchRule] in
            try self.rules()
        }
        guard !rules.isEmpty else {
            throw Diagnostic(
                code: "SC0236", summary: "none of the selected services is configured for watch",
                hint: "add `develop: {watch: [{path: ., action: sync, target: /app}]}` to a service")
        }
        let watcher = TreeWatcher()
        defer { watcher.close() }
        var known = try await look(rules, watcher)
        for (index, rule) in rules.enumerated() where rule.copiesFirst && rule.action.copies {
            let isTaken = await attempt(rule, Change(written: known[index].keys.sorted(), removed: []))
            if !isTaken { known[index] = [:] }
        }
        session.progress.print("Watch enabled")
        while true {
            try await watcher.changed()
            try await EventLoop.shared.sleep(for: Self.settling)
            let found = try await look(rules, watcher)
            let changes = zip(known, found).map { Change(from: $0, to: $1) }
            let taken = try await take(Array(zip(rules, changes)))
            // What could not be copied is a change still, and comes with the next one.
            for index in rules.indices where taken[index] { known[index] = found[index] }
        }
    }

    private func rules() throws(Diagnostic) -> [WatchRule] {
        var rules: [WatchRule] = []
        for service in services {
            let node = target.project?.services[service]
            for element in node?["develop"]?["watch"]?.list ?? [] {
                rules.append(try WatchRule(service, element, contextRules: contextRules(node, element)))
            }
        }
        return rules
    }

    /// `.dockerignore` of the service's build counts where the rule is about the whole context.
    private func contextRules(_ service: ComposeNode?, _ element: ComposeNode) -> IgnoreRules? {
        guard let context = service?["build"]?["context"]?.string, element["path"]?.string == context,
            let text = try? Files.readAll("\(context)/.dockerignore", limit: 1 << 20)
        else { return nil }
        return IgnoreRules(text)
    }

    /// Looks at the files, and watches the directories there are now.
    private func look(_ rules: [WatchRule], _ watcher: TreeWatcher) async throws -> [[String: WatchRule.Found]] {
        try await BlockingExecutor.shared.run { () throws(SystemError) -> [[String: WatchRule.Found]] in
            var directories: [String: UInt64] = [:]
            var files: [[String: WatchRule.Found]] = []
            for rule in rules {
                let found = rule.look()
                files.append(found.files)
                directories.merge(found.directories) { first, _ in first }
            }
            try watcher.watch(directories)
            return files
        }
    }

    // MARK: Changes

    /// What differs between two looks.
    struct Change: Sendable, Equatable {
        var written: [String]
        var removed: [String]
        var isEmpty: Bool { written.isEmpty && removed.isEmpty }

        init(written: [String], removed: [String]) {
            self.written = written
            self.removed = removed
        }

        init(from old: [String: WatchRule.Found], to new: [String: WatchRule.Found]) {
            written = new.filter { old[$0.key] != $0.value }.keys.sorted()
            removed = old.keys.filter { new[$0] == nil }.sorted()
        }
    }

    /// A service that is built anew has all its files: nothing is copied into it beside.
    ///
    /// - Returns: which of the changes are over and done with.
    private func take(_ changes: [(rule: WatchRule, change: Change)]) async throws -> [Bool] {
        let rebuilt = Set(changes.filter { $0.rule.action == .rebuild && !$0.change.isEmpty }.map(\.rule.service))
        if !rebuilt.isEmpty { await rebuild(rebuilt.sorted()) }
        var taken: [Bool] = []
        for (rule, change) in changes {
            let isDone = change.isEmpty || rebuilt.contains(rule.service)
            taken.append(isDone ? true : await attempt(rule, change))
        }
        return taken
    }

    /// A failure is told, and watching goes on.
    ///
    /// - Returns: whether what changed is in the containers, where it is to be copied there.
    private func attempt(_ rule: WatchRule, _ change: Change) async -> Bool {
        var isCopied = !rule.action.copies
        do {
            let running = try await session.containers(of: target, services: [rule.service], all: false)
            guard !running.isEmpty else {
                warn(rule)
                return isCopied
            }
            if rule.action.copies {
                let count = change.written.count + change.removed.count
                session.progress.print(
                    "Syncing \(count) \(count == 1 ? "change" : "changes") to service \"\(rule.service)\"")
                for container in running { try await copy(rule, change, to: container) }
                isCopied = true
            }
            switch rule.action {
            case .restart, .syncAndRestart: try await restart(running, rule.service)
            case .syncAndRun:
                guard let hook = rule.hook else { break }
                let daemon = try await session.daemon()
                let hooks = ComposeHooks(daemon: daemon, output: session.output, project: target.project)
                for container in running { try await hooks.run(hook, named: "exec", in: container) }
            case .sync, .rebuild: break
            }
        } catch {
            session.output.show(Failure.diagnostics(error))
        }
        return isCopied
    }

    private func warn(_ rule: WatchRule) {
        let outcome = rule.action.copies ? "is copied with the next change" : "restarts nothing"
        session.output.show([
            Diagnostic(
                severity: .warning, code: "SC0236",
                summary: "service \"\(rule.service)\" is not running: what changed in \(rule.path) \(outcome)",
                hint: "start it: stackctl compose up -d \(rule.service)")
        ])
    }

    private func restart(_ containers: [ComposeContainer], _ service: String) async throws {
        session.progress.print("Restarting service \"\(service)\"")
        let daemon = try await session.daemon()
        for container in containers {
            _ = try await daemon.post(Target("containers", container.id, "restart").text)
        }
    }

    private func rebuild(_ services: [String]) async {
        guard let project = target.project else { return }
        session.progress.print("Rebuilding service(s) \(services.map { "\"\($0)\"" }.joined(separator: " "))")
        do {
            var request = ComposeDeployment.Request()
            request.ignoresDependencies = true
            let deployment = try ComposeDeployment(session, project, named: services, request)
            _ = try await deployment.run(isShort: true)
        } catch {
            session.output.show(Failure.diagnostics(error))
        }
    }

    // MARK: Copying

    /// Brings files into a container, and takes away those that are gone.
    private func copy(_ rule: WatchRule, _ change: Change, to container: ComposeContainer) async throws {
        let daemon = try await session.daemon()
        if !change.written.isEmpty {
            let files = change.written.map { file in
                (path: rule.source(of: file), name: String(rule.place(of: file).drop { $0 == "/" }))
            }
            try await send(files, to: container, daemon)
        }
        for file in change.removed {
            _ = try await daemon.delete(
                Target("containers", container.id, "archive").with("path", rule.place(of: file)).text)
        }
    }

    private func send(
        _ files: [(path: String, name: String)], to container: ComposeContainer, _ daemon: DaemonClient
    ) async throws {
        let pipe = try PipeEnds.writtenByThread()
        let (end, waiting) = (pipe.blocking, pipe.waiting)
        async let written: Void = BlockingExecutor.shared.run {
            let out = try end.take()
            try LocalArchive.write(files: files) { bytes throws(ArchiveError) in
                do throws(SystemError) { try out.writeAll(bytes) } catch { throw .system(error) }
            }
        }
        let target = Target("containers", container.id, "archive").with("path", "/").text
        do {
            let response = try await daemon.send(
                "PUT", target, headers: ["Content-Type": "application/x-tar"]
            ) {
                let piece = try await waiting.read(upTo: 1 << 18)
                return piece.isEmpty ? nil : piece
            }
            let answer = try await response.collect()
            guard response.status < 400 else {
                throw DaemonClient.failure(status: response.status, body: answer, of: target)
            }
            waiting.close()
        } catch {
            waiting.close()
            _ = try? await written
            throw error
        }
        try await written
    }
}
