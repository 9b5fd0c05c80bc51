import Compose
import Diagnostics
import Testing

@Suite("compose values")
struct ComposeValueTests {
    @Test("a map keeps the order of its keys and the last value of each")
    func order() {
        let place = SourceLocation(file: "compose.yaml", line: 1)
        var map = ComposeMap()
        for key in ["b", "a", "b"] { map[key] = ComposeNode(.string("\(key)\(map.count)"), at: place) }
        #expect(map.keys == ["b", "a"])
        #expect(map["b"]?.string == "b2")
        map.remove("b")
        #expect(map.keys == ["a"] && map["a"]?.string == "a1")
    }
}
