import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@testable import Apply
@testable import Engine
@testable import Providers

@Suite("Attributes of containers")
struct ContainerAttributeTests {
    /// What may be asked for, and its normal form where that is another.
    static let samples: [(name: String, given: JSONValue, normal: JSONValue)] = [
        same("image", "busybox"), same("command", ["sleep", "5"]), same("entrypoint", ["/bin/sh", "-c"]),
        same("env", ["A": "1", "B": ""]),
        ("unsetEnv", ["Z", "C", "C"], ["C", "Z"]), same("user", "33:33"), same("workdir", "/srv"),
        same("hostname", "web"), same("domainname", "example.org"), same("tty", true), same("openStdin", true),
        same("init", true), same("readOnlyRoot", true), same("privileged", true),
        ("groups", ["video", "44", "audio"], ["44", "audio", "video"]),
        ("ulimits", ["nofile": ["soft": 1024, "hard": 2048]], ["nofile": ["soft": 1024, "hard": 2048]]),
        ("capAdd", ["sys_time", "CAP_NET_ADMIN", "NET_ADMIN"], ["CAP_NET_ADMIN", "CAP_SYS_TIME"]),
        ("capDrop", ["all"], ["ALL"]),
        same("securityOptions", ["no-new-privileges=false", "seccomp=unconfined"]),
        same("sysctls", ["net.core.somaxconn": "1024"]),
        (
            "devices", [["source": "/dev/null"]],
            [["source": "/dev/null", "target": "/dev/null", "access": "rwm"]]
        ),
        same("deviceRules", ["c 1:3 rwm"]),
        (
            "deviceRequests", [["driver": "cdi", "ids": ["vendor.com/class=one"]]],
            [["driver": "cdi", "ids": ["vendor.com/class=one"], "count": 0]]
        ),
        same("pidMode", "host"), same("ipcMode", "shareable"), same("utsMode", "host"), same("usernsMode", "host"),
        same("cgroupMode", "private"), same("cgroupParent", "/mine"), same("runtime", "runc"),
        same("annotations", ["a": "b"]), same("oomScoreAdj", -500), same("labels", ["a": "b"]),
        same("restart", ["policy": "on-failure", "maximumRetryCount": 3]), ("stopSignal", "int", "SIGINT"),
        same("stopTimeout", 3), same("logging", ["driver": "json-file", "options": ["max-size": "1m"]]),
        same(
            "healthcheck",
            ["test": ["CMD", "true"], "interval": 5_000_000_000, "startInterval": 1_000_000_000, "retries": 2]),
        same("oneShot", true), same("running", false), same("pull", "missing"), same("anonymousVolumes", "keep"),
        ("platform", "linux/amd64", "linux/amd64"),
        same("hooks", ["postStart": [["command": ["true"], "user": "root", "unsetEnv": ["A"]]]]),
        same("update", ["order": "startFirst", "healthyWithin": 30_000_000_000]),
        (
            "files",
            [
                ["target": "/run/secrets/b", "sealed": "sealed:v1:00", "uid": 33],
                ["target": "/etc//app.conf", "content": "a=1", "mode": "640"],
            ],
            [
                ["target": "/etc/app.conf", "uid": 0, "gid": 0, "mode": "0640", "content": "a=1"],
                ["target": "/run/secrets/b", "uid": 33, "gid": 0, "mode": "0444", "sealed": "sealed:v1:00"],
            ]
        ),
        same("name", "front"), same("shmSize", 1_048_576), same("volumesFrom", ["data:ro"]),
        (
            "mounts",
            [
                ["type": "volume", "target": "/scratch"],
                ["type": "bind", "source": "/srv", "target": "/b", "createSource": true, "propagation": "rslave"],
                ["type": "tmpfs", "target": "/c", "size": 4096, "mode": 0o1777, "options": ["noexec"]],
                ["type": "image", "source": "busybox", "target": "/a", "subpath": "bin"],
                ["type": "volume", "source": "outside", "target": "/d", "copy": false, "mustExist": true],
            ],
            [
                ["type": "image", "source": "busybox", "target": "/a", "readOnly": true, "subpath": "bin"],
                [
                    "type": "bind", "source": "/srv", "target": "/b", "readOnly": false, "propagation": "rslave",
                    "createSource": true,
                ],
                [
                    "type": "tmpfs", "target": "/c", "readOnly": false, "size": 4096, "mode": 0o1777,
                    "options": ["noexec"],
                ],
                [
                    "type": "volume", "source": "outside", "target": "/d", "readOnly": false, "copy": false,
                    "mustExist": true,
                ],
                ["type": "volume", "target": "/scratch", "readOnly": false],
            ]
        ),
        (
            "networks",
            [
                [
                    "network": "front", "aliases": ["b", "a"], "address6": "fd00:0::5",
                    "macAddress": "02:42:AC:11:00:02",
                    "driverOptions": ["x": "y"], "gatewayPriority": 3, "interfaceName": "lan0",
                ]
            ],
            [
                [
                    "network": "front", "aliases": ["a", "b"], "address6": "fd00::5", "macAddress": "02:42:ac:11:00:02",
                    "driverOptions": ["x": "y"], "gatewayPriority": 3, "interfaceName": "lan0",
                ]
            ]
        ),
        same("networkMode", "host"), ("macAddress", "02:42:AC:11:00:02", "02:42:ac:11:00:02"),
        (
            "ports",
            [
                ["target": 80], ["published": 8000, "publishedLast": 8010, "target": 81],
                ["published": 53, "target": 53, "protocol": "udp", "hostAddress": "0:0::1"],
                ["published": 443, "target": 443, "hostAddress": "0.0.0.0"],
            ],
            [
                ["published": 0, "target": 80, "protocol": "tcp"],
                ["published": 53, "target": 53, "protocol": "udp", "hostAddress": "::1"],
                ["published": 443, "target": 443, "protocol": "tcp"],
                ["published": 8000, "target": 81, "protocol": "tcp", "publishedLast": 8010],
            ]
        ),
        ("expose", ["90/udp", "80"], ["80/tcp", "90/udp"]), same("extraHosts", ["db:10.0.0.5"]),
        same("dns", ["10.0.0.1", "fd00::1"]), same("dnsSearch", ["example.org"]), same("dnsOptions", ["ndots:2"]),
        same("links", ["db:database"]),
        same(
            "limits",
            [
                "memory": 67_108_864, "memorySwap": 134_217_728, "memoryReservation": 33_554_432, "swappiness": 10,
                "oomKillDisable": true, "cpuQuota": 50_000, "cpuPeriod": 100_000, "cpuset": "0", "cpusetMems": "0",
                "cpuShares": 512, "pids": 100, "blkioWeight": 300, "cpuRealtimePeriod": 1_000_000,
                "cpuRealtimeRuntime": 950_000, "blkioWeightDevices": [["path": "/dev/sda", "weight": 200]],
                "readBps": [["path": "/dev/sda", "rate": 1_048_576]],
                "writeBps": [["path": "/dev/sda", "rate": 1_048_576]],
                "readIops": [["path": "/dev/sda", "rate": 100]], "writeIops": [["path": "/dev/sda", "rate": 100]],
            ]),
    ]

    private static func same(_ name: String, _ value: JSONValue) -> (name: String, given: JSONValue, normal: JSONValue)
    {
        (name, value, value)
    }

    @Test("each is seen again as it was asked for, after it was stored", arguments: samples.indices)
    func roundTrip(_ index: Int) throws {
        let sample = Self.samples[index]
        var given: JSONObject = ["image": "busybox", "command": ["sleep", "1"]]
        given[sample.name] = sample.given
        let normal = try ContainerAttributes.normalize(given, ContainerNorms())
        expectSame(normal[sample.name], sample.normal, sample.name)
        // What is normal stays as it is.
        #expect(try ContainerAttributes.normalize(normal, ContainerNorms()) == normal)
        let seen = try Self.observe(normal)
        #expect(Comparison(desired: normal, recorded: normal, observed: seen).differences.map(\.path) == [])
    }

    private func expectSame(_ found: JSONValue?, _ wanted: JSONValue, _ name: String) {
        let (left, right) = (found?.serialized(.canonical), wanted.serialized(.canonical))
        #expect(left == right, "\(name)")
    }

    /// What a container made with these attributes has, once it has been stored and read again.
    private static func observe(_ normal: JSONObject) throws -> JSONObject {
        let address = ResourceAddress(kind: .container, name: "web", index: 1)
        var made = ContainerSpecification(stack: "shop", address: address, attributes: normal)
        for index in made.mounts.indices where made.mounts[index].kind == .volume && made.mounts[index].source.isEmpty {
            made.mounts[index].source = String(repeating: "0", count: 64)
            made.mounts[index].isAnonymous = true
        }
        made.securityOptions.append("no-new-privileges")
        let stored = try ContainerSpecification(stored: made.json)
        let facts = Container.Facts(
            name: HostNames.container(stack: "shop", address, normal), imageID: "sha256:1", created: Clock.now(),
            specification: stored)
        let recorded = RecordedObject(
            address: address, objectID: "1", attributes: normal, outputs: JSONObject())
        return ContainerObservation(Container(id: "1", facts: facts), recorded).attributes
    }

    @Test(
        "a flag that is off is as one that nothing is said of",
        arguments: ["privileged", "readOnlyRoot", "tty", "openStdin", "init"])
    func flags(_ name: String) throws {
        let without = try ContainerAttributes.normalize(["image": "busybox"], ContainerNorms())
        var with = without
        with[name] = false
        for (recorded, desired) in [(with, without), (without, with), (with, with)] {
            let seen = ContainerAttributes.matched(try Self.observe(recorded), to: desired)
            #expect(Comparison(desired: desired, recorded: recorded, observed: seen).differences.isEmpty)
        }
        with[name] = true
        for (recorded, desired) in [(with, without), (without, with)] {
            let seen = ContainerAttributes.matched(try Self.observe(recorded), to: desired)
            #expect(Comparison(desired: desired, recorded: recorded, observed: seen).differences.map(\.path) == [name])
        }
    }

    @Test(
        "a variable is taken away from a container that has it, and from no other",
        arguments: [
            ([:], ["GONE"], false), (["unsetEnv": ["A"]], ["A", "GONE"], false),
            (["env": ["GONE": "1"]], ["GONE"], true), ([:], ["HOSTNAME"], true), (["unsetEnv": ["A"]], ["GONE"], true),
        ] as [(JSONObject, JSONValue, Bool)])
    func unset(_ made: JSONObject, _ names: JSONValue, _ isChange: Bool) throws {
        var recorded = made
        recorded["image"] = "busybox"
        var desired = recorded
        desired["unsetEnv"] = names
        let seen = ContainerAttributes.matched(try Self.observe(recorded), to: desired)
        let comparison = Comparison(desired: desired, recorded: recorded, observed: seen)
        #expect(comparison.differences.map(\.path) == (isChange ? ["unsetEnv"] : []))
        #expect(comparison.recordIsBehind == !isChange)
        // What is recorded then is no drift.
        let later = Comparison(desired: desired, recorded: desired, observed: seen)
        #expect(later.differences.isEmpty == !isChange)
    }

    @Test("there is a sample of each attribute")
    func complete() {
        let untried = Set(ContainerAttributes.all.map(\.name)).subtracting(Self.samples.map(\.name))
        #expect(untried.subtracting(["storageOptions"]).isEmpty)
        #expect(Set(ContainerAttributes.all.map(\.name)).count == ContainerAttributes.all.count)
    }

    @Test(
        "what cannot be is told before anything is made",
        arguments: [
            (["capAdd": ["NO_SUCH"]], "SC5102"), (["ulimits": ["nosuch": ["soft": 1, "hard": 1]]], "SC5104"),
            (["deviceRules": ["nonsense"]], "SC5140"), (["sysctls": ["kernel.panic": "1"]], "SC5140"),
            (["logging": ["driver": "syslog"]], "SC5140"),
            (["limits": ["nanoCPUs": 1_000_000_000, "cpuQuota": 5_000]], "SC5140"),
            (["limits": ["memorySwap": 67_108_864]], "SC5140"), (["storageOptions": ["size": "1g"]], "SC5104"),
            (["networkMode": "container:db", "hostname": "x", "dns": ["10.0.0.1"]], "SC5140"),
            (["ports": [["published": 90, "publishedLast": 80, "target": 1]]], "SC5104"),
            (["ports": [["published": 90]]], "SC5103"),
            (
                ["mounts": [["type": "bind", "source": "/a", "target": "/x"], ["type": "tmpfs", "target": "/x/"]]],
                "SC5104"
            ),
            (["mounts": [["type": "bind", "source": "relative", "target": "/x"]]], "SC5140"),
            (["mounts": [["type": "volume", "source": "v", "target": "/x", "subpath": "../up"]]], "SC5140"),
            (["name": "-"], "SC5102"), (["nosuch": 1], "SC5101"), (["expose": ["0"]], "SC5102"),
            (["hooks": ["postStart": [["user": "root"]]]], "SC5103"), (["runtime": "gvisor"], "SC5140"),
            (["networks": [["network": "a", "linkLocal": ["169.254.1.1"]]]], "SC5104"),
        ] as [(JSONObject, String)])
    func refused(_ attributes: JSONObject, _ code: String) {
        var attributes = attributes
        attributes["image"] = "busybox"
        let error = #expect(throws: DiagnosticList.self) {
            _ = try ContainerAttributes.normalize(attributes, ContainerNorms())
        }
        #expect(error?.diagnostics.map(\.code) == [code])
    }

    @Test("what is known only after apply passes through")
    func unknown() throws {
        let id: JSONValue = ["$ref": "container.db[1]", "attribute": "id"]
        let mode: JSONValue = ["$text": ["container:", id]]
        let attributes: JSONObject = [
            "image": "busybox", "networkMode": mode, "pidMode": mode, "volumesFrom": [["$text": [id, ":ro"]]],
            "securityOptions": ["no-new-privileges=false"],
        ]
        #expect(try ContainerAttributes.normalize(attributes, ContainerNorms()) == attributes)
    }

    @Test(
        "a change costs what it must",
        arguments: [
            ("env.A", .recreate), ("capAdd", .restart), ("limits.memory", .live), ("limits.swappiness", .restart),
            ("name", .live), ("annotations.a", .live), ("hooks.postStart", .none), ("update.order", .none),
            ("privileged", .recreate), ("logging.options.max-size", .restart), ("oneShot", .none),
        ] as [(String, ChangeClass)])
    func cost(_ path: String, _ wanted: ChangeClass) {
        #expect(ContainerAttributes.changeClass(path: path, from: 1, to: 2) == wanted)
    }

    @Test("what was only made is started when it shall run; what the kernel cannot take back needs a restart")
    func costsByValue() {
        #expect(ContainerAttributes.changeClass(path: "running", from: false, to: nil) == .live)
        #expect(ContainerAttributes.changeClass(path: "running", from: nil, to: false) == .none)
        #expect(ContainerAttributes.changeClass(path: "limits.cpuset", from: "0", to: nil) == .restart)
        #expect(ContainerAttributes.changeClass(path: "limits.cpuset", from: "0", to: "1") == .live)
    }
}
