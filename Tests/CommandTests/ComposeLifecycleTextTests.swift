import Apply
import Compose
import Diagnostics
import HTTP
import JSONText
import Linux
import StackModel
import Synchronization
import Testing

@testable import stackctl

@Suite("Verbs of compose that change something")
struct ComposeLifecycleTextTests {
    // MARK: The command line

    @Test("options of compose come before the verb, with letters that mean something else after it")
    func placesOfOptions() throws {
        let words = [
            "compose", "-f", "a.yaml", "-f", "b.yaml", "-p", "shop", "--profile", "x", "run", "-p", "80:80", "web",
            "ls", "-p",
        ]
        let parsed = try ArgumentParser.parse(words, root: CommandTree.root)
        #expect(parsed.path.map(\.name) == ["stackctl", "compose", "run"])
        #expect(parsed.arguments.values(of: ComposeOptions.file) == ["a.yaml", "b.yaml"])
        #expect(parsed.arguments.value(of: ComposeOptions.projectName) == "shop")
        #expect(parsed.arguments.values(of: CreateOptions.publish) == ["80:80"])
        #expect(parsed.arguments.operands == ["web", "ls", "-p"])
    }

    @Test("every verb of Docker Compose is known, be it to be refused")
    func verbs() {
        let known = Set(ComposeCommand.declaration.subcommands.map(\.name))
        let words =
            "up down ps logs run exec build config pull push start stop restart rm create kill pause unpause port top "
            + "images ls events cp wait watch scale attach stats volumes version commit export publish viz alpha"
        for word in words.split(separator: " ") { #expect(known.contains(String(word)), "\(word)") }
    }

    @Test("every verb that changes something has --dry-run")
    func dryRunEverywhere() {
        let looking: Set = [
            "ps", "logs", "top", "port", "images", "ls", "events", "stats", "volumes", "version", "config", "export",
            "publish", "viz", "alpha", "bridge",
        ]
        for verb in ComposeCommand.declaration.subcommands where !looking.contains(verb.name) {
            #expect(verb.options.contains(ComposeOptions.dryRun), "\(verb.name)")
        }
    }

    @Test(
        "what cannot stand together is refused in Docker's words",
        arguments: [
            (["up", "--build", "--no-build"], "--build and --no-build are incompatible"),
            (["up", "--force-recreate", "--no-recreate"], "--force-recreate and --no-recreate are incompatible"),
            (["up", "-d", "--abort-on-container-exit"], "--detach cannot be combined with --abort-on-container-exit"),
            (["up", "--wait", "--attach", "web"], "--wait cannot be combined with --attach"),
            (["scale", "web=many"], "invalid scale: web=many"),
            (["viz"], "compose viz is not supported"), (["up", "--parallel", "0"], "unknown option"),
        ])
    func refusals(words: [String], sentence: String) async {
        #expect(await Self.said(by: ["compose"] + words).contains(sentence))
    }

    @Test("a project's name is as Docker wants it, and --compatibility is refused by name")
    func names() async {
        #expect(await Self.said(by: ["compose", "-p", "Shop!", "stop"]).contains("invalid project name \"Shop!\""))
        #expect(
            await Self.said(by: ["compose", "--compatibility", "stop"]).contains("--compatibility is not supported"))
        #expect(await Self.said(by: ["compose", "--parallel", "0", "-p", "x", "stop"]).contains("a number above zero"))
    }

    /// What a command line that fails says, on one line.
    private static func said(by words: [String]) async -> String {
        let said = Mutex("")
        let output = Output(
            style: .init(), errorStyle: .init(), out: { _ in },
            error: { bytes in said.withLock { $0 += String(decoding: bytes, as: UTF8.self) } })
        let code = await Stackctl.run(words, output: output, environment: [:])
        #expect(code == .failure)
        return said.withLock { $0 }.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    // MARK: --dry-run

    @Test(
        "a connection of a dry run sends nothing that changes something",
        arguments: [
            ("POST", "/containers/x/stop"), ("DELETE", "/containers/x"), ("POST", "/stacks/apply"), ("PUT", "/x"),
        ])
    func onlyLooks(method: String, target: String) async throws {
        var daemon = DaemonClient(
            http: HTTPClient {
                Issue.record("something was sent")
                throw SystemError(call: "connect", errno: .ECONNREFUSED)
            })
        daemon.onlyLooks = true
        let problem = await #expect(throws: Diagnostic.self) { _ = try await daemon.send(method, target) }
        #expect(problem?.code == "SC0225")
        await #expect(throws: Diagnostic.self) { _ = try await daemon.hijack(target) }
    }

    // MARK: Order

    private struct Item: ComposeItem, Equatable {
        var service: String
        var name: String { service }
    }

    private static func order(
        _ services: [String], _ edges: [String: Set<String>], _ direction: ComposeOrder.Direction
    ) async -> [String] {
        let seen = Mutex<[String]>([])
        await ComposeOrder(dependencies: edges).each(
            of: services.map { Item(service: $0) }, direction, limit: 8, service: { $0.service }
        ) { item in seen.withLock { $0.append(item.service) } }
        return seen.withLock { $0 }
    }

    @Test("services wait for those they depend on, at a stop the other way round")
    func order() async {
        let edges: [String: Set<String>] = ["web": ["api"], "api": ["db"], "db": []]
        #expect(await Self.order(["web", "api", "db"], edges, .dependenciesFirst) == ["db", "api", "web"])
        #expect(await Self.order(["db", "api", "web"], edges, .dependentsFirst) == ["web", "api", "db"])
    }

    @Test("a circle in labels of others does not hold anything up")
    func circle() async {
        let order = await Self.order(["a", "b"], ["a": ["b"], "b": ["a"]], .dependenciesFirst)
        #expect(Set(order) == ["a", "b"])
    }

    @Test("a chain of thousands of services is followed from its end to its start")
    func chain() async {
        let names = (0..<5000).map { "s\($0)" }
        let edges = Dictionary(
            uniqueKeysWithValues: names.enumerated().map { index, name in
                (name, index == 0 ? [] : [names[index - 1]] as Set<String>)
            })
        #expect(await Self.order(names.reversed(), edges, .dependenciesFirst) == names)
        #expect(await Self.order(names, edges, .dependentsFirst) == names.reversed())
    }

    @Test(
        "labels of a container say what it depends on",
        arguments: [
            ("db:service_healthy:false,cache:service_started:true", 2), ("", 0), ("db", 1), (",:,", 0),
        ])
    func dependencyLabels(text: String, count: Int) throws {
        let container = try #require(
            ComposeContainer(json: [
                "Id": "1",
                "Labels": ["com.docker.compose.service": "web", "com.docker.compose.depends_on": .string(text)],
            ]))
        #expect(container.dependencies.count == count)
        if count == 2 {
            #expect(container.dependencies[0].condition == "service_healthy" && !container.dependencies[0].restarts)
            #expect(container.dependencies[1].restarts)
        }
    }

    @Test("those that say restart: true are restarted with what they depend on, and those that depend on them")
    func restarts() throws {
        let containers = try [
            ("web", "api:service_started:true"), ("api", "db:service_started:true"), ("db", ""), ("x", "db"),
        ]
        .map { service, label in
            try #require(
                ComposeContainer(json: [
                    "Id": .string(service),
                    "Labels": [
                        "com.docker.compose.service": .string(service),
                        "com.docker.compose.depends_on": .string(label),
                    ],
                ]))
        }
        let target = ComposeTarget(name: "shop", project: nil)
        #expect(ComposeRestartCommand.withRestarted(["db"], target, containers) == ["db", "api", "web"])
    }

    // MARK: Texts

    @Test("a short plan has a line for each change, with its reasons")
    func shortPlan() {
        func change(_ name: String, _ action: ChangeAction, _ reasons: [ChangeReason] = []) -> Change {
            Change(address: ResourceAddress(kind: .container, name: name, index: 1), action: action, reasons: reasons)
        }
        func reason(_ path: String, _ cause: ChangeReason.Cause = .manifest, note: String? = nil) -> ChangeReason {
            ChangeReason(path: path, cause: cause, changeClass: .recreate, location: nil, note: note)
        }
        let plan = Plan(
            stack: "shop", goal: .apply, generation: 1,
            changes: [
                change("web", .create, [reason("image")]), change("db", .noChange),
                change("api", .recreate, [reason("image"), reason("env.A", .drift), reason("a"), reason("b")]),
                change("job", .repair, [reason("", .drift, note: "exited with 137")]),
            ])
        #expect(
            ComposePlanText.lines(plan) == [
                "+ container.web[1]  create",
                "-/+ container.api[1]  recreate: image, env.A (changed on the host), a, and 1 more",
                "* container.job[1]  repair: exited with 137",
            ])
        let nothing = Plan(stack: "shop", goal: .apply, generation: 1, changes: [change("db", .noChange)])
        #expect(ComposePlanText.lines(nothing) == ["No changes: everything is as the files say."])
    }

    @Test("lines of several containers have prefixes of one width, and are not torn")
    func prefixes() async {
        let written = Mutex("")
        let output = Output(
            style: .init(), errorStyle: .init(),
            out: { bytes in written.withLock { $0 += String(decoding: bytes, as: UTF8.self) } }, error: { _ in })
        let printer = ComposeLogPrinter(output: output, style: .init())
        await printer.register("worker-10")
        await printer.take(StreamFrame(stream: .stdout, bytes: Array("one\ntw".utf8)), of: "web-1")
        await printer.take(StreamFrame(stream: .stdout, bytes: Array("busy\n".utf8)), of: "worker-10")
        await printer.take(StreamFrame(stream: .stdout, bytes: Array("o\nthree".utf8)), of: "web-1")
        await printer.finish("web-1")
        #expect(
            written.withLock { $0 } == """
                web-1      | one
                worker-10  | busy
                web-1      | two
                web-1      | three

                """)
    }

    // MARK: Values

    @Test(
        "policies of pulling that depend on time",
        arguments: [
            ("daily", 86_400), ("weekly", 604_800), ("every_12h", 43_200), ("every_1d12h", 129_600), ("always", nil),
            ("every_", nil), ("every_x", nil),
        ] as [(String, Int64?)])
    func periods(policy: String, seconds: Int64?) {
        #expect(ComposePulling.period(policy) == seconds)
    }

    @Test(
        "a command in one text is taken apart as a shell does",
        arguments: [
            ("sh -c 'echo \"a b\"'", ["sh", "-c", "echo \"a b\""]), (#"a\ b "c\"d" ''"#, ["a b", "c\"d", ""]), ("", []),
            (#""a\b""#, [#"a\b"#]),
        ])
    func words(text: String, words: [String]) throws {
        #expect(try ShellWords.split(text) == words)
    }

    @Test("a quote that is not closed is told", arguments: ["echo 'a", "a \"b", "a\\"])
    func openQuotes(text: String) {
        #expect(throws: Diagnostic.self) { _ = try ShellWords.split(text) }
    }

    @Test("two looks at files tell what was written and what was removed")
    func changes() {
        func found(_ size: Int64) -> WatchRule.Found {
            WatchRule.Found(
                modified: Timestamp(seconds: 1), size: size, mode: 0o644, inode: 1, isDirectory: false)
        }
        let change = ComposeWatch.Change(
            from: ["a": found(1), "b": found(1), "c": found(1)], to: ["a": found(1), "b": found(2), "d": found(1)])
        #expect(change == ComposeWatch.Change(written: ["b", "d"], removed: ["c"]))
    }

    @Test(
        "how a container is, for those who wait for it",
        arguments: [
            (["Status": "running"], .running), (["Status": "running", "Health": ["Status": "starting"]], .pending),
            (["Status": "created", "ExitCode": 127], .unstarted),
            (["Status": "running", "Health": ["Status": "healthy"]], .healthy),
            (["Status": "exited", "ExitCode": 3], .exited(3)), (["Status": "restarting"], .pending),
        ] as [(JSONValue, ComposeReadiness.State)])
    func states(state: JSONValue, expected: ComposeReadiness.State) {
        #expect(ComposeReadiness.State(inspected: ["State": state]) == expected)
    }
}
