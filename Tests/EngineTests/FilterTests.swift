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
