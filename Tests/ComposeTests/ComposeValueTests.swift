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

    @Test("a map of many members is like one of few")
    func size() {
        let place = SourceLocation(file: "compose.yaml", line: 1)
        for count in 0...20 {
            var map = ComposeMap()
            for number in 0..<count { map["\(number)"] = ComposeNode(.int(Int64(number)), at: place) }
            #expect(map.count == count && (0..<count).allSatisfy { map["\($0)"]?.int == Int64($0) })
            var again = map
            again["x"] = ComposeNode(.null, at: place)
            #expect(again != map && again.remove("x")?.value.isNull == true && again == map)
            for number in stride(from: 0, to: count, by: 2) { map.remove("\(number)") }
            #expect(map.keys == stride(from: 1, to: count, by: 2).map { "\($0)" })
            #expect((0..<count).allSatisfy { (map["\($0)"] == nil) == $0.isMultiple(of: 2) })
        }
    }
}
