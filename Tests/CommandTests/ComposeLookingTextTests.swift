import JSONText
import Testing

@testable import stackctl

@Suite("Texts of compose verbs that look")
struct ComposeLookingTextTests {
    private static func container(
        _ service: String, _ number: Int, state: String = "running", files: String? = "/srv/compose.yaml"
    ) throws -> ComposeContainer {
        var labels: JSONObject = [
            "com.docker.compose.project": "shop", "com.docker.compose.service": .string(service),
            "com.docker.compose.container-number": .string("\(number)"),
        ]
        if let files { labels["com.docker.compose.project.config_files"] = .string(files) }
        return try #require(
            ComposeContainer(json: [
                "Id": .string("\(service)\(number)"), "Names": [.string("/shop-\(service)-\(number)")],
                "State": .string(state), "Image": "busybox", "Labels": .object(labels),
            ]))
    }

    @Test("the processes of containers with different columns stand in one table, the command last")
    func top() throws {
        let text = ComposeTopCommand.table([
            (try Self.container("db", 1), ["Titles": ["UID", "CMD"], "Processes": [["root", "sleep 10"]]]),
            (
                try Self.container("web", 2),
                ["Titles": ["PID", "CMD"], "Processes": [["7", "httpd -f"], ["8", "sh"]]]
            ),
        ])
        #expect(
            text == """
                SERVICE  #   UID   PID  CMD
                db       1   root  -    sleep 10
                web      2   -     7    httpd -f
                web      2   -     8    sh

                """)
        #expect(ComposeTopCommand.table([]) == "")
    }

    @Test("a project's state counts its containers, and its files are named once, or not at all")
    func projects() throws {
        let some = [
            try Self.container("web", 1), try Self.container("web", 2), try Self.container("job", 1, state: "exited"),
            try Self.container("db", 1, files: "/srv/compose.yaml,/srv/more.yaml"),
        ]
        #expect(ComposeListCommand.status(some) == "exited(1), running(3)")
        #expect(ComposeListCommand.files(some) == "/srv/compose.yaml,/srv/more.yaml")
        #expect(ComposeListCommand.files(some + [try Self.container("old", 1, files: nil)]) == "N/A")
    }

    @Test("events have no labels of Compose, and none of one-off containers is told")
    func events() throws {
        var event: JSONValue = [
            "Type": "container", "Action": "die", "timeNano": 1_767_323_045_000_007_000,
            "Actor": [
                "ID": "0123",
                "Attributes": [
                    "com.docker.compose.service": "web", "com.docker.compose.oneoff": "False", "exitCode": "0",
                    "image": "busybox",
                ],
            ],
        ]
        let told = try #require(ComposeEvent(event))
        #expect(told.line == "2026-01-02 03:04:05.000007 container die 0123 (exitCode=0, image=busybox)")
        #expect(told.json["service"] == "web" && told.json["attributes"] == ["exitCode": "0", "image": "busybox"])
        event = [
            "Type": "container", "Action": "die",
            "Actor": ["ID": "0", "Attributes": ["com.docker.compose.oneoff": "True"]],
        ]
        #expect(ComposeEvent(event) == nil)
    }
}
