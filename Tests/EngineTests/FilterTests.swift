import Engine
import Linux
import Testing

@Suite("Filters")
struct FilterTests {
    @Test("both of Docker's notations are read")
    func notations() throws {
        for text in [#"{"label":["a=b","c"]}"#, #"{"label":{"a=b":true,"c":true,"d":false}}"#] {
            let filter = try FilterSet(text, allowed: ["label"])
            #expect(filter.allows(labels: ["a": "b", "c": "anything"]))
            #expect(!filter.allows(labels: ["a": "x", "c": ""]))
            #expect(!filter.allows(labels: ["a": "b"]))
        }
    }

    @Test("values of one name are alternatives, names are all needed")
    func alternatives() throws {
        let filter = try FilterSet(#"{"status":["running","exited"],"name":["web"]}"#, allowed: ["status", "name"])
        #expect(filter.allows("status") { $0 == "exited" })
        #expect(!filter.allows("status") { $0 == "paused" })
        #expect(filter.allows("health") { _ in false })
    }

    @Test("unknown names and bad JSON are refused", arguments: [#"{"nope":["x"]}"#, "[1]", "{", #"{"label":5}"#])
    func refused(_ text: String) {
        #expect(throws: EngineError.self) { try FilterSet(text, allowed: ["label"]) }
    }

    @Test(
        "until is a time or an age",
        arguments: [
            ("1700000000", 1_700_000_000), ("2023-11-14T22:13:20Z", 1_700_000_000), ("90s", 1_799_999_910),
            ("1h30m", 1_799_994_600), ("0.5h", 1_799_998_200),
        ] as [(String, Int64)])
    func until(_ text: String, _ seconds: Int64) throws {
        let filter = try FilterSet(#"{"until":["\#(text)"]}"#, allowed: ["until"])
        #expect(try filter.until(now: Timestamp(seconds: 1_800_000_000)) == Timestamp(seconds: seconds))
    }

    @Test("what is neither a time nor an age is refused", arguments: ["", "soon", "-1h", "1x", "h", "1..2s", "1e9h"])
    func notUntil(_ text: String) throws {
        let filter = try FilterSet(#"{"until":["\#(text)"]}"#, allowed: ["until"])
        #expect(throws: EngineError.self) { try filter.until() }
    }
}

@Suite("Filters of container lists")
struct ContainerFilterTests {
    @Test(
        "names are regular expressions",
        arguments: [
            ("web", "web1", true), ("^web$", "web1", false), ("^/web1$", "web1", true), ("w.b[0-9]+", "web12", true),
            ("db|web", "web", true), ("^(db|cache)$", "web", false), ("[", "a[b", true), ("", "any", true),
        ])
    func names(_ pattern: String, _ name: String, _ fits: Bool) {
        #expect(NamePatterns([pattern]).allow(name) == fits)
        #expect(NamePatterns([]).allow(name))
    }

    @Test("ports are named alone or as ranges")
    func ports() {
        #expect(FilterSet.ports("80", name: ContainerPort(80)))
        #expect(!FilterSet.ports("80/udp", name: ContainerPort(80)))
        #expect(FilterSet.ports("8000-8010/tcp", name: ContainerPort(8005)))
        #expect(!FilterSet.ports("x", name: ContainerPort(80)))
    }

    @Test(
        "values that no container can have are refused",
        arguments: [("status", "up"), ("health", "good"), ("exited", "x"), ("publish", "9-8"), ("is-task", "maybe")])
    func refused(_ name: String, _ value: String) throws {
        let filter = try FilterSet(#"{"\#(name)":["\#(value)"]}"#, allowed: FilterSet.forContainers)
        let error = #expect(throws: EngineError.self) { try filter.checkForContainers() }
        #expect(error?.message == "invalid filter '\(name)=\(value)'")
    }
}
