import JSONText
import Testing

@testable import stackctl

@Suite("output")
struct OutputTests {
    @Test("a table aligns its columns and ends no line with spaces")
    func table() {
        var table = TextTable(["NAME", "SIZE"])
        table.append(["a-long-name", "1"])
        table.append(["b", ""])
        #expect(table.render() == "NAME          SIZE\na-long-name   1\nb\n")
    }

    @Test(
        "sizes are given as Docker gives them",
        arguments: [
            (0, "0B"), (999, "999B"), (1000, "1kB"), (1234, "1.23kB"), (12_345_678, "12.3MB"), (187_000_000, "187MB"),
        ])
    func size(bytes: Int64, text: String) { #expect(HumanText.size(bytes) == text) }

    @Test("memory is given in powers of 1024", arguments: [(67_108_864, "64MiB"), (1536, "1.5KiB")])
    func memory(bytes: Int64, text: String) { #expect(HumanText.memory(bytes) == text) }

    @Test(
        "ages are in Docker's words",
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"),
            (7199, "About an hour"),
            (7200, "2 hours"), (172_800, "2 days"),
        ])
    func age(seconds: Int64, text: String) { #expect(HumanText.age(seconds: seconds) == text) }

    @Test(
        "fixed digits round and keep zeros",
        arguments: [
            (1.005, 1, "1.0"), (2.25, 0, "2"), (-0.04, 1, "0.0"), (-1.26, 1, "-1.3"), (0.5, 3, "0.500"),
        ])
    func fixed(number: Double, digits: Int, text: String) { #expect(HumanText.fixed(number, digits) == text) }

    @Test("published ports read as in docker ps")
    func ports() {
        let ports: [JSONValue] = [
            ["IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"],
            ["PrivatePort": 53, "Type": "udp"],
        ]
        #expect(PortText.text(ports) == "53/udp, 0.0.0.0:8080->80/tcp")
        let run: [JSONValue] = (80...82).flatMap { port -> [JSONValue] in
            ["0.0.0.0", "::"].map {
                ["IP": .string($0), "PrivatePort": .int(port), "PublicPort": .int(port), "Type": "tcp"]
            }
        }
        #expect(PortText.text(run) == "0.0.0.0:80-82->80-82/tcp, [::]:80-82->80-82/tcp")
    }

    @Test(
        "an age is a sum of its units",
        arguments: [
            ("90s", Int64(90)), ("10m", 600), ("1h30m", 5400), ("2d", 172_800),
        ])
    func ages(text: String, seconds: Int64) { #expect(PointInTime.age(text) == seconds) }

    @Test("what is no age is refused", arguments: ["", "m", "10", "10x", "1h30", "99999999999999999999h"])
    func wrongAges(text: String) { #expect(PointInTime.age(text) == nil) }

    @Test("memory in stats leaves the page cache out that can be dropped")
    func stats() {
        let value: JSONValue = [
            "id": "abc", "name": "/web", "cpu_stats": ["cpu_usage": ["total_usage": 500_000_000]],
            "memory_stats": ["usage": 3000, "limit": 9000, "stats": ["inactive_file": 1000]],
            "networks": ["eth0": ["rx_bytes": 1, "tx_bytes": 2], "eth1": ["rx_bytes": 10, "tx_bytes": 20]],
            "pids_stats": ["current": 4],
        ]
        let sample = StatsCommand.read(value, now: 1_000_000_000)
        #expect(sample.memory == 2000)
        #expect(sample.received == 11)
        #expect(sample.name == "web")
        var later = sample
        later.takenAt += 1_000_000_000
        later.cpuNanoseconds += 250_000_000
        #expect(later.cpuPercent(since: sample) == 25)
        #expect(sample.cpuPercent(since: later) == 0)
    }
}
