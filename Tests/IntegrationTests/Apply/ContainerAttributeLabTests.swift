import Apply
import JSONText
import Linux
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("Attributes of a stack's containers on the real kernel", .serialized, .timeLimit(.minutes(5)))
struct ContainerAttributeLabTests {
    @Test("a container stays where the manifest says more or less that comes to the same")
    func same() async throws {
        let lab = try await StackLab()
        let address = "container.web[1]"
        let said = StackLab.sleeper(["tty": false, "privileged": false])
        try await lab.apply([address: said])
        let id = try await lab.container("shop-web-1").id
        for attributes in [StackLab.sleeper(), StackLab.sleeper(["unsetEnv": ["NOWHERE"]]), said] {
            try await lab.apply([address: attributes])
            #expect(try await lab.container("shop-web-1").id == id)
        }
        #expect(
            try await lab.plan([address: StackLab.sleeper(["unsetEnv": ["HOSTNAME"]])]).lines
                == ["recreate container.web[1] recreate: unsetEnv"])
        try await lab.takeDown()
    }

    @Test("what a process can see is as it was asked for, a second plan is empty, and drift is found")
    func seen() async throws {
        let lab = try await StackLab()
        var attributes = StackLab.sleeper([
            "name": "front", "hostname": "web", "domainname": "example.org", "tty": true, "init": true,
            "groups": ["50"], "ulimits": ["nofile": ["soft": 1024, "hard": 2048]], "capAdd": ["sys_time"],
            "capDrop": ["CHOWN"], "securityOptions": ["no-new-privileges=false"],
            "sysctls": ["net.core.somaxconn": "77"],
            "devices": [["source": "/dev/null", "target": "/dev/nothing"]], "ipcMode": "shareable",
            "oomScoreAdj": 300, "shmSize": 1_048_576, "extraHosts": ["db:10.9.8.7"], "dns": ["10.9.8.1"],
            "dnsSearch": ["example.org"], "dnsOptions": ["ndots:2"],
            "logging": ["driver": "json-file", "options": ["max-size": "1m"]],
            "annotations": ["a": "b"], "expose": ["90/udp"], "anonymousVolumes": "keep",
            "labels": ["com.docker.compose.project": "shop", "com.docker.compose.service": "web"],
            "limits": ["memory": 67_108_864, "memoryReservation": 33_554_432, "cpuset": "0", "pids": 50],
            "mounts": [
                ["type": "tmpfs", "target": "/scratch", "size": 65536, "mode": 0o1777, "options": ["noexec"]],
                [
                    "type": "bind", "source": .string("\(lab.host.root)/made/for/it"), "target": "/made",
                    "createSource": true,
                ],
                ["type": "volume", "target": "/data"],
            ],
        ])
        let address = "container.web[1]"
        try await lab.apply([address: attributes])
        #expect(try await lab.run("front", "hostname") == "web")
        #expect(try await lab.run("front", "hostname", "-d") == "example.org")
        #expect(try await lab.run("front", "sh", "-c", "ulimit -n; ulimit -Hn") == "1024\n2048")
        #expect(try await lab.run("front", "id", "-G") == "0 50")
        #expect(try await lab.run("front", "cat", "/proc/sys/net/core/somaxconn") == "77")
        #expect(try await lab.run("front", "cat", "/proc/1/oom_score_adj") == "300")
        #expect(try await lab.run("front", "grep", "-c", "^10.9.8.7.db", "/etc/hosts") == "1")
        #expect(try await lab.run("front", "grep", "^search", "/etc/resolv.conf") == "search example.org")
        #expect(
            try await lab.run("front", "sh", "-c", "echo x > /dev/nothing; ls -d /made /data; stat -c %a /scratch")
                == "/data\n/made\n1777")
        #expect(try await lab.run("front", "sh", "-c", "chown user /made 2>/dev/null; echo $?") == "1")
        let labels = try await lab.container("front").specification.labels
        #expect(labels["com.docker.compose.image"]?.hasPrefix("sha256:") == true)

        // Somebody changes what is ours.
        try await lab.host.docker("rename", "front", "elsewhere")
        try await lab.host.docker("update", "--memory-reservation", "20m", "elsewhere")
        #expect(
            try await lab.plan([address: attributes]).lines == [
                "update container.web[1] live: limits.memoryReservation, name"
            ])
        try await lab.apply([address: attributes])
        #expect(try await lab.container("front").specification.limits.memoryReservationBytes == 33_554_432)

        // What the next start uses.
        attributes["capDrop"] = nil
        attributes["ulimits"] = ["nofile": ["soft": 512, "hard": 512]]
        #expect(
            try await lab.plan([address: attributes]).lines == [
                "restart container.web[1] restart: capDrop, ulimits.nofile.hard, ulimits.nofile.soft"
            ])
        let before = try await lab.container("front").id
        try await lab.apply([address: attributes])
        #expect(try await lab.container("front").id == before)
        #expect(try await lab.run("front", "sh", "-c", "ulimit -n; chown user /made; stat -c %U /made") == "512\nuser")
        // The usual name comes back with the wish for another.
        attributes["name"] = nil
        try await lab.apply([address: attributes])
        #expect(try await lab.container("shop-web-1").id == before)
        try await lab.takeDown()
    }

    @Test("networks: those of the stack by id, others by name; modes that share with another container")
    func networks() async throws {
        let lab = try await StackLab()
        try await lab.host.docker("network", "create", "outside")
        let network: JSONObject = [
            "name": "inner", "subnet": "10.123.45.0/24", "range": "10.123.45.128/25",
            "auxiliary": ["box": "10.123.45.9"],
            "ipv6": true, "subnet6": "fd00:123::/64", "attachable": true, "labels": ["a": "b"],
            "options": ["com.docker.network.driver.mtu": "1400"],
        ]
        let id: JSONValue = ["$ref": "network.back", "attribute": "id"]
        let web = StackLab.sleeper([
            "networks": [
                ["network": id, "aliases": ["site"], "address": "10.123.45.7", "address6": "fd00:123::7"],
                ["network": "outside", "interfaceName": "lan0", "gatewayPriority": 5],
            ]
        ])
        let owner: JSONValue = ["$text": ["container:", ["$ref": "container.web[1]", "attribute": "id"]]]
        let side = StackLab.sleeper(["networkMode": owner, "pidMode": owner])
        var resources: [String: JSONObject] = [
            "network.back": network, "container.web[1]": web, "container.side[1]": side,
            "container.alone[1]": StackLab.sleeper(["networkMode": "none"]),
        ]
        try await lab.apply(resources)
        #expect(try await lab.run("shop-web-1", "sh", "-c", "ip -o addr show lan0 | wc -l") != "0")
        #expect(try await lab.run("shop-web-1", "sh", "-c", "ip route | grep default").contains("dev lan0"))
        #expect(try await lab.run("shop-side-1", "sh", "-c", "ip addr | grep -c 10.123.45.7/24") == "1")
        #expect(try await lab.run("shop-side-1", "sh", "-c", "ps | grep -c 'sleep 1000'") != "1")
        #expect(try await lab.run("shop-alone-1", "sh", "-c", "ls /sys/class/net") == "lo")

        // Labels of a network are changed in place.
        resources["network.back"]?["labels"] = ["a": "c"]
        #expect(try await lab.plan(resources).lines == ["update network.back live: labels.a"])
        try await lab.apply(resources)

        try await lab.host.docker("network", "disconnect", "outside", "shop-web-1")
        #expect(try await lab.plan(resources).lines == ["update container.web[1] live: networks"])
        try await lab.apply(resources)

        resources["container.web[1]"]?["networks"] = [["network": id], ["network": "nowhere"]]
        #expect(try await lab.problems(resources) == ["SC5147 there is no network nowhere"])
        try await lab.takeDown()
    }

    @Test("volumes: a name of its own, options, what is declared as external")
    func volumes() async throws {
        let lab = try await StackLab()
        try Files.makeDirectories("\(lab.host.root)/share")
        let options: JSONValue = ["type": "none", "o": "bind", "device": .string("\(lab.host.root)/share")]
        let data: JSONObject = ["name": "treasure", "driver": "local", "options": options]
        let source: JSONValue = ["$ref": "volume.data", "attribute": "name"]
        var web = StackLab.sleeper(["mounts": [["type": "volume", "source": source, "target": "/data"]]])
        try await lab.apply(["volume.data": data, "container.web[1]": web])
        _ = try await lab.run("shop-web-1", "touch", "/data/mark")
        #expect(Files.exists("\(lab.host.root)/share/mark"))
        var other = data
        other["options"] = ["type": "tmpfs", "device": "tmpfs"]
        let plan = try await lab.plan(["volume.data": other, "container.web[1]": web])
        #expect(plan.lines.first?.hasPrefix("recreate volume.data dataLoss: options.") == true, "\(plan.lines)")

        web["mounts"] = [["type": "volume", "source": "absent", "target": "/data", "mustExist": true]]
        #expect(
            try await lab.problems(["volume.data": data, "container.web[1]": web]) == [
                "SC5146 there is no volume absent"
            ])
        try await lab.host.docker("volume", "create", "absent")
        try await lab.apply(["volume.data": data, "container.web[1]": web])
        try await lab.stacks.destroy(lab.stack) { _ in }
        #expect(try await lab.host.docker("volume", "ls", "-q").out == "absent\n")
        try await lab.takeDown()
    }

    @Test("one that is only made is started later; one that was done stays done")
    func running() async throws {
        let lab = try await StackLab()
        var web = StackLab.sleeper(["running": false])
        let once: JSONObject = ["image": "busybox", "command": ["true"], "oneShot": true]
        try await lab.apply(["container.web[1]": web, "container.once[1]": once])
        #expect(try await lab.container("shop-web-1").state.phase == .created)
        web["running"] = nil
        try await lab.host.eventually("it is done") { try await lab.container("shop-once-1").state.phase == .exited }
        let ended = try await lab.container("shop-once-1").state.finishedAt
        #expect(
            try await lab.plan(["container.web[1]": web, "container.once[1]": once]).lines == [
                "update container.web[1] live: running"
            ])
        try await lab.apply(["container.web[1]": web, "container.once[1]": once])
        #expect(try await lab.container("shop-web-1").state.phase == .running)
        #expect(try await lab.container("shop-once-1").state.finishedAt == ended)
        try await lab.takeDown()
    }
}
