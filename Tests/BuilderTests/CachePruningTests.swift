import Linux
import Testing

@testable import Builder

@Suite("What of the cache is let go")
struct CachePruningTests {
    /// Records of 10 bytes, the last used first; `shared` ones are images' too.
    private func records(_ names: String..., shared: Set<String> = [], used: Set<String> = []) -> [CacheRecord] {
        names.enumerated().map { index, name in
            CacheRecord(
                id: name, kind: name == "mount" ? .cacheMount : .regular, description: "RUN \(name)", size: 10,
                created: Timestamp(seconds: 0), lastUsed: Timestamp(seconds: Int64(1000 - index)),
                isInUse: used.contains(name), isShared: shared.contains(name))
        }
    }

    private func chosen(_ records: [CacheRecord], free: Int64? = nil, _ change: (inout CachePruning) -> Void)
        -> [String]
    {
        var choice = CachePruning()
        change(&choice)
        return choice.chosen(of: records, freeBytes: free).map(\.id)
    }

    @Test("without more, all that frees room and is not in use; with all, what images have too")
    func plain() {
        let all = records("a", "b", "c", shared: ["b"], used: ["c"])
        #expect(chosen(all) { _ in } == ["a"])
        #expect(chosen(all) { $0.all = true } == ["a", "b"])
        #expect(chosen(all) { $0.isShared = true } == ["b"])
    }

    @Test("by age, id, kind and description")
    func filters() {
        let all = records("aa", "ab", "mount")
        #expect(chosen(all) { $0.unusedSince = Timestamp(seconds: 999) } == ["mount"])
        #expect(chosen(all) { $0.ids = ["a"] } == ["aa", "ab"] && chosen(all) { $0.ids = ["ab"] } == ["ab"])
        #expect(chosen(all) { $0.ids = [""] } == [])
        #expect(chosen(all) { $0.kinds = [.cacheMount] } == ["mount"])
        #expect(chosen(all) { $0.description = "RUN ab" } == ["ab"])
    }

    @Test("by room: the longest unused go until it is enough, and what frees nothing stays")
    func room() {
        let all = records("a", "b", "c", "d", shared: ["d"])
        #expect(chosen(all) { $0.keptBytes = 15 } == ["c", "b"])
        #expect(chosen(all) { $0.maxUsedBytes = 20 } == ["c"])
        #expect(chosen(all) { $0.maxUsedBytes = 30 } == [])
        #expect(chosen(all, free: 5) { $0.minFreeBytes = 10 } == ["c"])
        #expect(chosen(all, free: 50) { $0.minFreeBytes = 10 } == [])
        #expect(
            chosen(all) {
                $0.keptBytes = 0
                $0.unusedSince = Timestamp(seconds: 999)
            } == ["c"])
    }

    @Test("what is kept without being asked is a tenth of the disk, and 10 GiB at most")
    func limits() {
        #expect(CacheLimits.bytes(of: 50 << 30) == 5 << 30)
        #expect(CacheLimits.bytes(of: 4 << 40) == 10 << 30)
        #expect(CacheLimits.bytes(of: nil) == 10 << 30)
    }
}
