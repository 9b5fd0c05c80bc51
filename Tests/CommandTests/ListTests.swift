import Diagnostics
import JSONText
import Testing

@testable import stackctl

@Suite("lists as docker shows them")
struct ListTests {
    private static let container: JSONValue = [
        "Id": "0123456789abcdef0123", "Names": ["/web", "/other/link"], "Image": "sha256:00112233445566778899",
        "Command": "sh -c 'sleep 1000 and more'", "Created": 1_000_000, "State": "running",
        "Status": "Up 2 hours (healthy)", "Labels": ["tier": "a,b", "x": "1"],
        "Ports": [["IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"]],
        "Mounts": [["Type": "volume", "Name": "a-name-that-is-long", "Driver": "local"], ["Source": "/etc"]],
        "SizeRw": 2048, "SizeRootFs": 4_200_000, "NetworkSettings": ["Networks": ["shop": [:], "back": [:]]],
    ]

    private func rendered(_ format: String?, whole: Bool = false) throws -> String {
        let list = try ListFormat(format, fields: ContainerRow.fields, columns: "{{.ID}}\\t{{.Names}}")
        return try list.render([ContainerRow.row(Self.container, whole: whole, now: 1_007_200)])
    }

    @Test(
        "each field of a container",
        arguments: [
            ("{{.ID}}", "0123456789ab"), ("{{.Names}}", "web"), ("{{.Image}}", "001122334455"),
            ("{{.Command}}", "\"sh -c 'sleep 1000 a…\""), ("{{.RunningFor}}", "2 hours ago"),
            ("{{.Ports}}", "[::]:8080->80/tcp"), ("{{.Mounts}}", "a-name-that-is…,/etc"), ("{{.LocalVolumes}}", "1"),
            ("{{.Size}}", "2.05kB (virtual 4.2MB)"), ("{{.Networks}}", "back,shop"), ("{{.HealthStatus}}", "healthy"),
            ("{{.Labels}}", "tier=a,b,x=1"), ("{{.Label \"tier\"}}", "a,b"), ("{{.Label \"none\"}}", ""),
            ("{{.State}}: {{.Status}}", "running: Up 2 hours (healthy)"),
        ])
    func fields(format: String, text: String) throws { #expect(try rendered(format) == text + "\n") }

    @Test("nothing is shortened when it is not wanted")
    func whole() throws {
        #expect(try rendered("{{.ID}} {{.Names}}", whole: true) == "0123456789abcdef0123 web,other/link\n")
    }

    @Test("a table of labels is headed by their names, and JSON holds what has a name")
    func tables() throws {
        let table = try rendered("table {{.Names}}\\t{{.Label \"tier\"}}")
        #expect(table.split(separator: "\n").map(String.init) == ["NAMES     tier", "web       a,b"])
        let json = try JSONValue.parse(try rendered("json"))
        #expect(json["Names"] == "web")
        #expect(json[LabelText.hiddenMember] == nil)
    }

    @Test("what takes space is summed by kind")
    func diskUsage() {
        let rows = DiskUsageCommand.rows([
            "LayersSize": 3_000_000, "Images": [["Containers": 1, "Size": 1_000_000], ["Containers": 0]],
            "Containers": [["State": "running", "SizeRw": 10], ["State": "exited", "SizeRw": 30]],
            "Volumes": [["UsageData": ["Size": 500, "RefCount": 0]]], "BuildCache": .null,
        ])
        #expect(rows.map { $0["TotalCount"]?.stringValue } == ["2", "2", "1", "0"])
        #expect(rows[0]["Reclaimable"] == "2MB (66%)")
        #expect(rows[1]["Reclaimable"] == "30B (75%)")
        #expect(rows[2]["Active"] == "0")
    }

    @Test("templates of one object know fields by Docker's Go names")
    func objects() throws {
        let format = try #require(try ObjectFormat("{{.ID}} {{.Id}}"))
        #expect(try format.render(["Id": "x"]) == "x x")
        #expect(try ObjectFormat("").map { _ in true } == nil)
    }
}
