import Compose
import Diagnostics
import JSONText
import Testing

/// A value as JSON, for comparing.
func json(_ node: ComposeNode) -> JSONValue {
    switch node.value {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .int(let number): .int(number)
    case .double(let number): .double(number)
    case .string(let text): .string(text)
    case .list(let elements): .array(elements.map(json))
    case .map(let members): .object(JSONObject(members.entries.map { ($0.key, json($0.value)) }))
    }
}

@Suite("notations of compose files")
struct ReadingNotationTests {
    private let place = SourceLocation(file: "compose.yaml", line: 3, column: 9)

    @Test(
        "durations",
        arguments: [
            ("10s", 10_000_000_000), ("1m30s", 90_000_000_000), ("1.5h", 5_400_000_000_000), ("500ms", 500_000_000),
            ("2us", 2_000), ("1d", 86_400_000_000_000), ("1w", 604_800_000_000_000), ("0", 0), ("-1s", -1_000_000_000),
            ("", nil), ("10", nil), ("s", nil), ("1x", nil), ("1s ", nil), ("9999999999h", nil), (".", nil),
            (".s", nil),
        ] as [(String, Int64?)])
    func durations(_ text: String, _ expected: Int64?) {
        #expect(ComposeDuration.nanoseconds(text) == expected)
    }

    @Test(
        "durations are written as Go writes them",
        arguments: [
            (0, "0s"), (10_000_000_000, "10s"), (90_000_000_000, "1m30s"), (3_600_000_000_000, "1h0m0s"),
            (1_500_000_000, "1.5s"), (500_000_000, "500ms"), (1_500, "1.5µs"), (7, "7ns"), (-60_000_000_000, "-1m0s"),
        ] as [(Int64, String)])
    func durationTexts(_ nanoseconds: Int64, _ expected: String) {
        #expect(ComposeDuration.text(nanoseconds: nanoseconds) == expected)
    }

    @Test(
        "sizes",
        arguments: [
            ("1024", 1024), ("-1", -1), ("64k", 65536), ("512m", 536_870_912), ("1gb", 1_073_741_824),
            ("1.5g", 1_610_612_736), ("2 MiB", 2_097_152), ("10B", 10), ("1K", 1024), ("1kb", 1024),
            ("1t", 1_099_511_627_776),
            ("", nil), ("m", nil), ("-5m", nil), ("1x", nil), ("1mm", nil), ("1.m", nil), (".5m", nil),
            ("9999999p", nil),
            ("1  m", nil),
        ] as [(String, Int64?)])
    func sizes(_ text: String, _ expected: Int64?) {
        #expect(ComposeSize.bytes(text) == expected)
    }

    @Test(
        "ports in their short notation",
        arguments: [
            ("80", #"[{"mode":"ingress","target":80,"protocol":"tcp"}]"#),
            ("8080:80", #"[{"mode":"ingress","target":80,"published":"8080","protocol":"tcp"}]"#),
            ("53:53/UDP", #"[{"mode":"ingress","target":53,"published":"53","protocol":"udp"}]"#),
            ("127.0.0.1::80", #"[{"mode":"ingress","host_ip":"127.0.0.1","target":80,"protocol":"tcp"}]"#),
            (
                "[::1]:8080:80",
                #"[{"mode":"ingress","host_ip":"::1","target":80,"published":"8080","protocol":"tcp"}]"#
            ),
            ("8000-8010:80", #"[{"mode":"ingress","target":80,"published":"8000-8010","protocol":"tcp"}]"#),
            (
                "9-10:99-100",
                #"[{"mode":"ingress","target":100,"published":"10","protocol":"tcp"},{"mode":"ingress","target":99,"published":"9","protocol":"tcp"}]"#
            ),
            (":80", #"[{"mode":"ingress","target":80,"protocol":"tcp"}]"#),
        ])
    func ports(_ text: String, _ expected: String) throws {
        let nodes = try PortNotation.ports(text, at: place)
        #expect(JSONValue.array(nodes.map(json)) == (try JSONValue.parse(expected)))
    }

    @Test(
        "what is no port",
        arguments: [
            "", "x", "80:", "80:x", "1:2:3:4", "70000", "-1", "80/icmp", "80-70", "1-2:1-3", "300.1.1.1:80:80", "80 ",
            "1.2.3:1:2", "[1.2.3.4]:1:2", "80-:80", "0x50", "99999999999999999999",
        ])
    func noPorts(_ text: String) {
        let problem = #expect(throws: Diagnostic.self) { try PortNotation.ports(text, at: place) }
        #expect(problem?.code == "SC2050" && problem?.hint != nil && problem?.location == place)
    }

    @Test(
        "volumes in their short notation",
        arguments: [
            ("/data", #"{"type":"volume","target":"/data","volume":{}}"#),
            ("data:/data", #"{"type":"volume","source":"data","target":"/data","volume":{}}"#),
            (
                "./src:/app:ro",
                #"{"type":"bind","source":"./src","target":"/app","read_only":true,"bind":{"create_host_path":true}}"#
            ),
            (
                "~/x:/x:z,rslave,cached",
                #"{"type":"bind","source":"~/x","target":"/x","consistency":"cached","bind":{"create_host_path":true,"propagation":"rslave","selinux":"z"}}"#
            ),
            ("d:/data:nocopy", #"{"type":"volume","source":"d","target":"/data","volume":{"nocopy":true}}"#),
            (
                "${DATA:-./x}:/data",
                #"{"type":"volume","source":"${DATA:-./x}","target":"/data","volume":{}}"#
            ),
            (
                "C:\\x:/x",
                #"{"type":"bind","source":"C:\\x","target":"/x","bind":{"create_host_path":true}}"#
            ),
        ])
    func volumes(_ text: String, _ expected: String) throws {
        #expect(json(try VolumeNotation.volume(text, at: place)) == (try JSONValue.parse(expected)))
    }

    @Test("what is no volume", arguments: ["", ":", "a:", ":/a", "data", "a:b", "a:/b:ro:x", "a:/b:readonly", "./x"])
    func noVolumes(_ text: String) {
        let problem = #expect(throws: Diagnostic.self) { try VolumeNotation.volume(text, at: place) }
        #expect(problem?.code == "SC2051" && problem?.hint != nil && problem?.location == place)
    }

    @Test("addresses")
    func addresses() {
        for text in ["0.0.0.0", "255.255.255.255", "10.1.2.3"] { #expect(AddressNotation.isIPv4(text), "\(text)") }
        for text in ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.x", "1..2.3"] {
            #expect(!AddressNotation.isIPv4(text), "\(text)")
        }
        for text in ["::", "::1", "fe80::1:2", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::", "2001:db8::"] {
            #expect(AddressNotation.isIPv6(text), "\(text)")
        }
        for text in [
            "", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "12345::", "g::", "1.2.3.4", "::1.2.3", "1:2:3:4:5:6:7:8:9",
        ] {
            #expect(!AddressNotation.isIPv6(text), "\(text)")
        }
        #expect(AddressNotation.isSubnet("10.0.0.0/8") && AddressNotation.isSubnet("fd00::/64"))
        #expect(!AddressNotation.isSubnet("10.0.0.0") && !AddressNotation.isSubnet("10.0.0.0/33"))
    }
}
