import Apply
import JSONText
import Linux
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("Programs around the runs of a stack's containers", .serialized, .timeLimit(.minutes(5)))
struct ContainerHookTests {
    @Test("what follows a start is run after each, what comes before a stop before each")
    func around() async throws {
        let lab = try await StackLab()
        let log: JSONValue = ["type": "volume", "source": "log", "target": "/log"]
        let hooks: JSONValue = [
            "postStart": [
                [
                    "command": ["sh", "-c", "id -u; echo $WHAT$GONE in $PWD; echo up >> /log/all"], "user": "0",
                    "workdir": "/tmp", "env": ["WHAT": "started"], "unsetEnv": ["GONE"],
                ]
            ],
            "preStop": [["command": ["sh", "-c", "echo down >> /log/all"]], ["command": ["false"]]],
        ]
        var attributes = StackLab.sleeper(["mounts": [log], "hooks": hooks, "env": ["GONE": "wrong"]])
        let address = "container.web[1]"
        try await lab.apply([address: attributes])
        #expect(lab.progress.filter { ["0", "started in /tmp"].contains($0) } == ["0", "started in /tmp"])
        attributes["hostname"] = "other"
        try await lab.apply([address: attributes])
        #expect(lab.progress.contains("warning: false, which comes before the stop, ended with exit code 1"))
        #expect(try await lab.run("shop-web-1", "cat", "/log/all") == "up\ndown\nup")
        try await lab.host.docker("kill", "shop-web-1")
        try await lab.host.eventually("it has ended") { try await lab.container("shop-web-1").state.phase == .exited }
        try await lab.apply([address: attributes])
        #expect(try await lab.run("shop-web-1", "cat", "/log/all") == "up\ndown\nup\nup")
        try await lab.stacks.destroy(lab.stack) { _ in }
        #expect(
            try await lab.host.docker("run", "--rm", "-v", "log:/log", "busybox", "cat", "/log/all").out
                == "up\ndown\nup\nup\ndown\n")
        try await lab.host.docker("volume", "rm", "log")
        try await lab.takeDown()
    }

    @Test("one that fails after the start fails the step and says what it said")
    func fails() async throws {
        let lab = try await StackLab()
        let hooks: JSONValue = ["postStart": [["command": ["sh", "-c", "echo no way >&2; exit 3"]]]]
        let result = try await lab.attempt(["container.web[1]": StackLab.sleeper(["hooks": hooks])])
        #expect(result.failures.count == 1)
        #expect(result.failures.first?.contains("ended with exit code 3") == true, "\(result.failures)")
        #expect(lab.progress.contains("no way"))
        try await lab.takeDown()
    }
}
