import Apply
import Diagnostics
import JSONText
import StackModel
import Testing

@Suite struct RenderingTests {
    private static func line(_ number: Int) -> Diagnostics.SourceLocation {
        Diagnostics.SourceLocation(file: "Stack.swift", line: number)
    }

    private static func change(
        _ address: String, _ action: ChangeAction, _ changeClass: ChangeClass = .none,
        _ reasons: [ChangeReason] = [], line: Int
    ) throws -> Change {
        Change(
            address: try #require(ResourceAddress(address)), action: action, changeClass: changeClass,
            reasons: reasons, location: action == .noChange ? nil : Self.line(line))
    }

    private static func reason(
        _ path: String, _ from: JSONValue?, _ to: JSONValue?, _ changeClass: ChangeClass,
        _ cause: ChangeReason.Cause = .manifest, line: Int, note: String? = nil
    ) -> ChangeReason {
        ChangeReason(
            path: path, from: from, to: to, cause: cause, changeClass: changeClass, location: Self.line(line),
            note: note)
    }

    /// One of everything.
    private static func everything() throws -> Plan {
        let changes = [
            try change(
                "image.shop/site", .create, .none,
                [reason("from.debian.packages", nil, ["nginx-light", "curl"], .none, line: 6)], line: 5),
            try change("network.back", .noChange, line: 0),
            try change(
                "container.db", .update, .live,
                [reason("limits.memory", 268_435_456, 536_870_912, .live, line: 14)], line: 10),
            try change(
                "container.cache", .repair, .none,
                [reason("", nil, nil, .none, .drift, line: 18, note: "exited with 137 at 02:14")], line: 18),
            try change(
                "container.mail", .restart, .restart,
                [
                    reason("stopTimeout", 10, 30, .restart, line: 22),
                    reason("limits.nanoCPUs", 2_000_000_000, 500_000_000, .live, .drift, line: 23),
                ], line: 20),
            try change(
                "container.web[1]", .recreate, .recreate,
                [
                    reason("image", "sha256:1f", ["$ref": "image.shop/site", "attribute": "id"], .recreate, line: 31),
                    reason("env.COLOR", "blue", "green", .recreate, line: 33),
                    reason("env.OLD", "x", nil, .recreate, line: 30),
                    reason("limits.pids", nil, 64, .live, line: 34),
                ], line: 30),
            try change(
                "volume.pages", .recreate, .dataLoss, [reason("owner", 0, 33, .dataLoss, line: 40)], line: 39),
            try change(
                "container.job", .recreate, .recreate,
                [reason("", nil, nil, .recreate, .dependency, line: 45, note: "volume.pages is recreated")], line: 45),
            try change(
                "container.old", .delete, .recreate,
                [reason("", nil, nil, .recreate, line: 50, note: "no longer declared")], line: 50),
            try change(
                "volume.scratch", .delete, .dataLoss,
                [reason("", nil, nil, .dataLoss, line: 51, note: "no longer declared")], line: 51),
        ]
        return Plan(stack: "shop", goal: .apply, generation: 3, changes: changes, milliseconds: 12.34)
    }

    @Test("a plan with one of everything", arguments: [false, true])
    func everything(color: Bool) throws {
        // As the client has it: read from JSON.
        let plan = try Plan(json: try JSONValue.parse(try Self.everything().json.serialized(.compact)))
        try Golden.check(PlanRendering(plan, color: color).text(), color ? "plan-colored" : "plan")
    }

    @Test("a plan with nothing to do")
    func nothing() throws {
        let plan = Plan(
            stack: "shop", goal: .apply, generation: 3, changes: [try Self.change("volume.a", .noChange, line: 1)],
            milliseconds: 3)
        #expect(
            PlanRendering(plan, color: false).text() == "No changes. The host matches the stack. (planned in 3.0 ms)")
    }

    @Test("a first plan with a warning")
    func first() throws {
        var plan = Plan(stack: "shop", goal: .apply, generation: 0, milliseconds: 4)
        plan.changes = [
            try Self.change(
                "container.web", .create, .none,
                [
                    Self.reason("image", nil, ["$ref": "image.site", "attribute": "id"], .none, line: 3),
                    Self.reason(
                        "env.DB", nil, ["$text": ["pg://", ["$ref": "container.db", "attribute": "id"]]], .none, line: 4
                    ),
                    Self.reason("healthcheck.interval", nil, 5_000_000_000, .none, line: 5),
                    Self.reason("limits.memory", nil, 1000, .none, line: 6),
                ], line: 2)
        ]
        plan.diagnostics = [
            Diagnostic(severity: .warning, code: "SC3143", summary: "stack shop was last applied from another folder")
        ]
        try Golden.check(PlanRendering(plan, color: false).text(), "plan-first")
    }

    @Test("of long lists what differs is shown, of short ones all")
    func lists() {
        func list(_ versions: [Int], _ more: String...) -> JSONValue {
            .array(versions.enumerated().map { .string("package-\($0)=\($1)") } + more.map { .string($0) })
        }
        let ones = Array(repeating: 1, count: 30)
        var changed = ones
        changed[7] = 2
        let pair = AttributeText.pair(list(ones), list(changed, "new=1"), path: "from.debian.lock")
        #expect(pair == ("[… \"package-7=1\" …]", "[… \"package-7=2\", \"new=1\" …]"))
        #expect(AttributeText.pair(list(ones), list(ones, "new=1"), path: "x").from == "[…]")
        let order = AttributeText.pair(list(ones), .array((list(ones).arrayValue ?? []).reversed()), path: "x")
        #expect(order.from.hasPrefix("[\"package-0=1\", ") && order.from != order.to)
        #expect(AttributeText.pair(["a"], ["a", "b"], path: "command") == ("[\"a\"]", "[\"a\", \"b\"]"))
        #expect(AttributeText.pair(nil, list(ones), path: "x").from == "(not set)")
    }

    @Test("what a failing health check said last is shown beside the reason")
    func remark() throws {
        var reason = Self.reason("", nil, nil, .restart, .drift, line: 1, note: "its health check fails")
        reason.remark = "connection\nrefused"
        let plan = Plan(
            stack: "shop", goal: .apply, generation: 1,
            changes: [try Self.change("container.web", .repair, .restart, [reason], line: 1)])
        let text = PlanRendering(try Plan(json: plan.json), color: false).text()
        #expect(text.contains("on the host: its health check fails: connection\\nrefused"))
    }

    @Test("values cannot steer the terminal")
    func controlCharacters() throws {
        let plan = Plan(
            stack: "a\u{1B}[2J", goal: .apply, generation: 1,
            changes: [
                try Self.change(
                    "container.x", .update, .live,
                    [Self.reason("labels.a\u{7}b", "1\u{1B}[31m\n2", "\u{202E}gnp", .live, line: 1)], line: 1)
            ])
        let text = PlanRendering(plan, color: false).text()
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202E })
        #expect(text.contains("\"1\u{FFFD}[31m\\n2\""))
    }

    @Test("drift shows what was set, what is there, and the line")
    func drift() throws {
        func entry(
            _ address: String, _ kind: DriftReport.Entry.Kind, _ path: String = "", _ set: JSONValue? = nil,
            _ found: JSONValue? = nil, _ text: String? = nil, line: Int
        ) throws -> DriftReport.Entry {
            DriftReport.Entry(
                address: try #require(ResourceAddress(address)), kind: kind, path: path, set: set, found: found,
                text: text, location: Self.line(line))
        }
        let report = DriftReport(
            stack: "hello", generation: 2, origin: "/srv/hello",
            entries: [
                try entry("network.back", .gone, "", nil, nil, "is gone from the host", line: 8),
                try entry("container.nginx", .attribute, "limits.memory", 134_217_728, 67_108_864, line: 24),
                try entry("container.nginx", .attribute, "limits.pids", 100, nil, line: 24),
                try entry("container.nginx", .condition, "", nil, nil, "the link scv1a2b3c4d0 is missing", line: 17),
            ], checked: 5)
        let read = try #require(DriftReport(json: try JSONValue.parse(report.json.serialized(.compact))))
        try Golden.check(DriftRendering(read, color: false).text(), "drift")
        let none = DriftReport(stack: "hello", generation: 2, entries: [], checked: 5)
        #expect(DriftRendering(none, color: false).text() == "No drift. 5 objects of stack hello as they were set.")
    }

    @Test("the graph as DOT and as Mermaid")
    func graph() throws {
        let rendering = try GraphRendering(Make.stack(try Make.shop()))
        try Golden.check(rendering.dot(), "graph-dot")
        try Golden.check(rendering.mermaid(), "graph-mermaid")
    }

    private static func text(_ action: ChangeAction, _ reasons: [ChangeReason]) throws -> String {
        let changeClass = reasons.map(\.changeClass).max() ?? .none
        let plan = Plan(
            stack: "shop", goal: .apply, generation: 1,
            changes: [try change("container.web[1]", action, changeClass, reasons, line: 3)])
        return PlanRendering(plan, color: false).text()
    }

    @Test("labels of compose are not listed, and are one line where nothing else changes")
    func composeLabels() throws {
        let label = reasonOfLabel("config-hash")
        let created = try Self.text(.create, [label, Self.reason("image", nil, "nginx", .none, line: 4)])
        #expect(created.contains("nginx") && !created.contains("compose"))
        let alone = try Self.text(.update, [label, reasonOfLabel("project.config_files")])
        #expect(alone.contains("        compose's own labels\n") && !alone.contains("config-hash"))
        let together = try Self.text(.recreate, [label, Self.reason("env.A", "1", "2", .recreate, line: 4)])
        #expect(together.contains("env.A") && !together.contains("compose"))
        let own = try Self.text(.update, [Self.reason("labels.com.example", nil, "x", .live, line: 4)])
        #expect(own.contains("labels.com.example"))
    }

    private func reasonOfLabel(_ name: String) -> ChangeReason {
        Self.reason("labels.com.docker.compose.\(name)", "a", "b", .live, line: 3)
    }

    @Test("files of secrets and configs are told by their places, and no secret is shown")
    func files() throws {
        let key: JSONValue = ["target": "/run/secrets/key", "mode": "0444", "sealed": "AAAA"]
        let long = String(repeating: "server { } ", count: 20)
        let before: JSONValue = [
            key, ["target": "/etc/a", "content": .string(long)], ["target": "/b", "source": "/x"],
        ]
        let after: JSONValue = [
            ["target": "/run/secrets/key", "mode": "0444", "sealed": "BBBB"], ["target": "/etc/a", "content": "short"],
            ["target": "/b", "source": "/x"],
        ]
        let (from, to) = AttributeText.pair(before, after, path: "files")
        #expect(from == "[…, /run/secrets/key (sealed, with another secret), /etc/a \"server { } server { } s…\"]")
        #expect(to == "[…, /run/secrets/key (sealed, with another secret), /etc/a \"short\"]")
        let made = AttributeText.of([key], path: "files")
        #expect(made == "[/run/secrets/key (sealed)]")
        let rights = AttributeText.pair(
            [key], [["target": "/run/secrets/key", "mode": "0400", "sealed": "AAAA"]], path: "files")
        #expect(rights.from == "[/run/secrets/key mode 0444]" && rights.to == "[/run/secrets/key mode 0400]")
        #expect(AttributeText.pair("AAAA", "BBBB", path: "from.secretValues.token").to == "(sealed)")
    }
}
