import Builder
import Testing

@Suite("build requests")
struct BuildRequestTests {
    @Test("want an image of the store unless they say otherwise")
    func output() {
        guard case .store? = BuildRequest().outputs.first else {
            Issue.record("the first output is another one")
            return
        }
    }
}
