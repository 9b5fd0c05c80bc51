import Engine
import Testing

@Suite("Keys that let go of a terminal")
struct DetachKeysTests {
    @Test("they are read as Docker writes them")
    func reading() throws {
        #expect(try DetachKeys(nil).bytes == [16, 17] && DetachKeys("").bytes == [16, 17])
        #expect(try DetachKeys("ctrl-a,x,ctrl-@,ctrl-[,ctrl-_,DEL").bytes == [1, 120, 0, 27, 31, 127])
        for text in ["ctrl-", "ctrl-ab", "ab", "a,,b", "ctrl-é", ","] {
            #expect(throws: EngineError(.invalid, "Invalid detach keys (\(text)) provided")) { try DetachKeys(text) }
        }
    }

    @Test("they are found however they arrive, and nothing else is lost")
    func detecting() throws {
        let keys = try DetachKeys("a,b")
        for (typed, passed, detaches) in [
            (["xaby"], "x", true), (["xa", "b"], "x", true), (["xaab"], "xa", true), (["xac", "ab"], "xac", true),
            (["hello"], "hello", false), (["a", "a", "c"], "aac", false),
        ] {
            var detector = DetachDetector(keys: keys.bytes)
            var bytes: [UInt8] = []
            var isOver = false
            for piece in typed where !isOver {
                let (more, detached) = detector.take(Array(piece.utf8))
                bytes += more
                isOver = detached
            }
            #expect(String(decoding: bytes, as: UTF8.self) == passed && isOver == detaches, "\(typed)")
        }
    }
}
