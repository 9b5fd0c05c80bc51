import Testing

@testable import Runtime

@Suite("Facts of the host")
struct HostFactsTests {
    @Test("the limit of open files is Docker's, as far as kernel and daemon can give it")
    func openFiles() {
        #expect(HostFacts.openFiles(largest: nil, own: nil) == 1_048_576)
        #expect(HostFacts.openFiles(largest: 1_073_741_816, own: nil) == 1_048_576)
        #expect(HostFacts.openFiles(largest: 65_536, own: nil) == 65_536)
        #expect(HostFacts.openFiles(largest: 1_073_741_816, own: 4_096) == 4_096)
    }

    @Test("thermal counters are hidden on every processor there may be, where there are any")
    func thermalPaths() {
        func path(_ number: Int) -> String { "/sys/devices/system/cpu/cpu\(number)/thermal_throttle" }
        let paths = HostFacts.thermalPaths(possible: "0-2,5\n") { $0 == path(2) }
        #expect(paths == [0, 1, 2, 5].map { path($0) })
        #expect(HostFacts.thermalPaths(possible: "0-2,5\n") { _ in false }.isEmpty)
        for text in ["", "x", "3-1", "0-99999999", "-", "1-"] {
            #expect(HostFacts.thermalPaths(possible: text) { _ in true }.count <= 1, "\(text)")
        }
    }

    @Test("this host's facts are possible ones")
    func current() {
        let facts = HostFacts.current()
        #expect(facts.openFiles > 0 && facts.openFiles <= 1_048_576)
    }
}
