import Engine
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
}
