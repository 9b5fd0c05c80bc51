import Apply
import JSONText
import Linux
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("A project that another client started", .serialized, .timeLimit(.minutes(5)))
struct AdoptionTests {
    private static let project = "com.docker.compose.project=shop"

    private static func labels(_ more: JSONObject) -> JSONValue {
        var labels: JSONObject = ["com.docker.compose.project": "shop"]
        for (key, value) in more { labels[key] = value }
        return .object(labels)
    }

    private static var resources: [String: JSONObject] {
        let source: JSONValue = ["$ref": "volume.data", "attribute": "name"]
        return [
            "network.default": ["labels": labels(["com.docker.compose.network": "default"])],
            "volume.data": ["labels": labels(["com.docker.compose.volume": "data"])],
            "container.web[1]": StackLab.sleeper([
                "networks": [["network": ["$ref": "network.default", "attribute": "id"]]],
                "mounts": [["type": "volume", "source": source, "target": "/data"]],
                "ports": [["published": 18_123, "target": 80]],
                "labels": labels([
                    "com.docker.compose.service": "web", "com.docker.compose.container-number": "1",
                    "com.docker.compose.oneoff": "False",
                ]),
            ]),
        ]
    }

    /// What docker-compose 1.29 makes: its containers have underscores in their names.
    private func start(_ lab: StackLab) async throws {
        let host = lab.host
        try await host.docker(
            "network", "create", "--label", Self.project, "--label", "com.docker.compose.network=default",
            "shop_default")
        try await host.docker(
            "volume", "create", "--label", Self.project, "--label", "com.docker.compose.volume=data", "shop_data")
        try await host.docker(
            "run", "-d", "--name", "shop_web_1", "--label", Self.project, "--label", "com.docker.compose.service=web",
            "--label", "com.docker.compose.container-number=1", "--label", "com.docker.compose.oneoff=False",
            "--network", "shop_default", "-v", "shop_data:/data", "-p", "18123:80", "--stop-signal", "KILL", "busybox",
            "sh", "-c", "echo treasure > /data/file; sleep 1000")
        try await host.eventually("it has written") {
            try await host.docker("exec", "shop_web_1", "cat", "/data/file", expecting: nil).out == "treasure\n"
        }
    }

    /// Every container's id and name.
    private static func containers(_ lab: StackLab) async throws -> String {
        try await lab.host.docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}}").out
    }

    @Test("its network and volume become the stack's, its container is replaced, and the data stays")
    func moves() async throws {
        let lab = try await StackLab()
        try await start(lab)
        let network = try await lab.host.docker("network", "inspect", "-f", "{{.Id}}", "shop_default").line
        let plan = try await lab.plan(Self.resources)
        #expect(
            plan.notes.sorted() == [
                "the container shop_web_1, which another client made for this project, is replaced",
                "the network shop_default, which another client made for this project, becomes this stack's",
                "the volume shop_data, which another client made for this project, becomes this stack's",
            ])
        try await lab.apply(Self.resources)
        #expect(try await lab.host.docker("ps", "-a", "--format", "{{.Names}}").out == "shop-web-1\n")
        #expect(try await lab.run("shop-web-1", "cat", "/data/file") == "treasure")
        #expect(try await lab.host.docker("network", "inspect", "-f", "{{.Id}}", "shop_default").line == network)
        // They go with the stack.
        try await lab.stacks.destroy(lab.stack) { _ in }
        #expect(try await lab.host.docker("volume", "ls", "-q").out == "")
        #expect(try await lab.host.docker("network", "ls", "-q", "-f", "label=\(Self.project)").out == "")
        try await lab.takeDown()
    }

    @Test("its container stays its own where what exists is left, and others wait for it")
    func left() async throws {
        let lab = try await StackLab()
        try await start(lab)
        let before = try await Self.containers(lab)
        var resources = Self.resources
        resources["container.side"] = StackLab.sleeper()
        var document = try lab.document(resources)
        let side = try #require(document.resources.firstIndex { $0.address.name == "side" })
        let web = try #require(document.resources.first { $0.address.name == "web" }?.address)
        document.resources[side].dependencies = [StackDependency(address: web, until: .started)]
        var options = StackEngine.Options()
        options.scope.keepsExisting = true
        let plan = try await lab.stacks.plan(document, options: options)
        #expect(!plan.changes.contains { $0.address == web } && plan.changes.count == 3)
        let summary = try await lab.stacks.apply(document, options: options) { _ in }
        #expect(summary.succeeded)
        #expect(try await Self.containers(lab).contains(before))
        #expect(try await lab.host.docker("ps", "--format", "{{.Names}}").out.contains("shop-side\n"))
        try await lab.host.docker("rm", "-f", "shop_web_1")
        try await lab.takeDown()
    }

    @Test("its container is told of, and the new one runs, where the old one cannot be removed")
    func cannotBeRemoved() async throws {
        let lab = try await StackLab()
        try await start(lab)
        let old = try await lab.host.docker("inspect", "-f", "{{.Id}}", "shop_web_1").line
        let busy = try await lab.host.engine.configuration.containerDirectory(old) + "/busy"
        try Files.makeDirectory(busy)
        try Mounts.mount(source: "tmpfs", target: busy, type: "tmpfs")
        let attempt = try await lab.attempt(Self.resources)
        #expect(attempt.summary.succeeded, "\(attempt.failures)")
        #expect(
            lab.progress.contains("shop_web_1 of another client, which is replaced, cannot be removed"))
        #expect(try await lab.run("shop-web-1", "cat", "/data/file") == "treasure")
        try Mounts.unmount(busy)
        try await lab.host.docker("rm", "-f", "shop_web_1")
        #expect(try await lab.host.docker("ps", "-a", "--format", "{{.Names}}").out == "shop-web-1\n")
        #expect(try await lab.plan(Self.resources).lines == [])
        try await lab.takeDown()
    }

    @Test("its container runs on, under its name, where the new one cannot be started")
    func stays() async throws {
        let lab = try await StackLab()
        try await start(lab)
        let before = try await Self.containers(lab)
        var broken = Self.resources
        broken["container.web[1]"]?["command"] = ["/no/such/program"]
        let attempt = try await lab.attempt(broken)
        #expect(attempt.summary.failed.map(\.description) == ["container.web[1]"], "\(attempt.failures)")
        #expect(try await Self.containers(lab) == before)
        #expect(try await lab.run("shop_web_1", "cat", "/data/file") == "treasure")
        #expect(try await lab.host.docker("port", "shop_web_1", "80").out.contains(":18123"))
        try await lab.apply(Self.resources)
        #expect(try await Self.containers(lab).hasSuffix(" shop-web-1\n"))
        #expect(try await lab.run("shop-web-1", "cat", "/data/file") == "treasure")
        try await lab.takeDown()
    }

    @Test("its container has its name again where that is the new one's")
    func keepsName() async throws {
        let lab = try await StackLab()
        try await start(lab)
        try await lab.host.docker("rename", "shop_web_1", "shop-web-1")
        let before = try await Self.containers(lab)
        var broken = Self.resources
        broken["container.web[1]"]?["command"] = ["/no/such/program"]
        _ = try await lab.attempt(broken)
        #expect(try await Self.containers(lab) == before)
        try await lab.apply(Self.resources)
        let after = try await Self.containers(lab)
        #expect(after != before && after.hasSuffix(" shop-web-1\n"))
        #expect(try await lab.run("shop-web-1", "cat", "/data/file") == "treasure")
        try await lab.takeDown()
    }

    @Test("what differs in what cannot be changed is told before anything is touched")
    func differs() async throws {
        let lab = try await StackLab()
        try await start(lab)
        var resources = Self.resources
        resources["network.default"]?["subnet"] = "10.77.0.0/24"
        resources["volume.data"]?["options"] = ["type": "tmpfs", "device": "tmpfs"]
        #expect(
            try await lab.problems(resources).sorted() == [
                "SC5143 the network shop_default of this project is there with another subnet",
                "SC5145 the volume shop_data of this project is there with other options",
            ])
        #expect(try await lab.host.docker("ps", "--format", "{{.Names}}").out == "shop_web_1\n")
        try await lab.host.docker("rm", "-f", "shop_web_1")
        try await lab.host.docker("volume", "rm", "shop_data")
        try await lab.takeDown()
    }

    @Test("what is of another project stays out of reach")
    func foreign() async throws {
        let lab = try await StackLab()
        try await lab.host.docker("network", "create", "shop_default")
        try await lab.host.docker("volume", "create", "shop_data")
        try await lab.host.docker("create", "--name", "shop-web-1", "busybox")
        #expect(
            try await lab.problems(Self.resources).sorted() == [
                "SC5110 the network shop_default exists already and is not of this stack",
                "SC5111 the volume shop_data exists already and is not of this stack",
                "SC5132 the container shop-web-1 exists already and is not of this stack",
            ])
        try await lab.host.docker("volume", "rm", "shop_data")
        try await lab.takeDown()
    }
}
