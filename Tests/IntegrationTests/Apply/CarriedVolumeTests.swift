import Apply
import JSONText
import Linux
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("Anonymous volumes that a stack keeps", .serialized, .timeLimit(.minutes(5)))
struct CarriedVolumeTests {
    @Test("they go over to the container that takes the place of another, and go with the last one")
    func carried() async throws {
        let lab = try await StackLab()
        let host = lab.host
        // An image that asks for a volume.
        try await host.docker("create", "--name", "base", "busybox")
        try await host.docker("commit", "-c", "VOLUME /asked", "base", "asking")
        try await host.docker("rm", "base")
        let address = "container.web[1]"
        var attributes = StackLab.sleeper([
            "image": "asking", "anonymousVolumes": "keep", "mounts": [["type": "volume", "target": "/own"]],
        ])
        try await lab.apply([address: attributes])
        _ = try await lab.run("shop-web-1", "sh", "-c", "echo a > /asked/mark; echo b > /own/mark")
        let before = try await lab.container("shop-web-1").id

        attributes["env"] = ["A": "1"]
        #expect(try await lab.plan([address: attributes]).lines == ["recreate container.web[1] recreate: env.A"])
        try await lab.apply([address: attributes])
        #expect(try await lab.container("shop-web-1").id != before)
        #expect(try await lab.run("shop-web-1", "cat", "/asked/mark", "/own/mark") == "a\nb")
        #expect(try await host.docker("volume", "ls", "-q").out.split(separator: "\n").count == 2)

        // One that cannot start has not lost them.
        attributes["command"] = ["/no/such/program"]
        #expect(try await lab.attempt([address: attributes]).failures.count == 1)
        attributes["command"] = ["sleep", "999"]
        // What is no longer asked for goes.
        attributes["mounts"] = nil
        try await lab.apply([address: attributes])
        #expect(try await lab.run("shop-web-1", "cat", "/asked/mark") == "a")
        #expect(try await host.docker("volume", "ls", "-q").out.split(separator: "\n").count == 1)

        // Without the wish they are lost, and the plan says so.
        attributes["anonymousVolumes"] = nil
        attributes["env"] = nil
        let plan = try await lab.plan([address: attributes]).lines
        #expect(plan.first?.hasPrefix("recreate container.web[1] dataLoss: ") == true, "\(plan)")
        try await lab.apply([address: attributes])
        #expect(try await lab.run("shop-web-1", "sh", "-c", "ls /asked | wc -l") == "0")
        try await lab.stacks.destroy(lab.stack) { _ in }
        #expect(try await host.docker("volume", "ls", "-q").out == "")
        try await lab.takeDown()
    }
}
