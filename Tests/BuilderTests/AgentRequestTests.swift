import Builder
import Testing

@Suite("what a step may ask an ssh agent")
struct AgentRequestTests {
    @Test(
        "keys are listed and signatures made, nothing is added, removed or locked",
        arguments: [
            (11, true), (13, true), (17, false), (19, false), (20, false), (22, false), (26, false), (27, false),
        ])
    func requests(type: UInt8, isAllowed: Bool) {
        #expect(AgentRequest.isAllowed([0, 0, 0, 1, type]) == isAllowed)
        #expect(!AgentRequest.isAllowed([0, 0, 0, 0]))
    }
}
