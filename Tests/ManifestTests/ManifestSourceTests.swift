import Diagnostics
import JSONText
import Linux
import Manifest
import StackModel
import Testing

@Suite("Manifests out of documents", .timeLimit(.minutes(5)))
struct ManifestSourceTests {
    private static func document(_ name: String, _ resources: [(String, JSONObject, [String])]) -> StackDocument {
        var document = StackDocument(name: name)
        for (address, attributes, dependencies) in resources {
            guard let parsed = ResourceAddress(address) else { continue }
            document.resources.append(
                StackResource(
                    address: parsed, attributes: attributes,
                    dependencies: dependencies.compactMap { text in
                        let words = text.split(separator: " ").map(String.init)
                        guard let address = ResourceAddress(words[0]),
                            let until = DependencyCondition(rawValue: words[1])
                        else { return nil }
                        return StackDependency(address: address, until: until)
                    }, location: SourceLocation(file: "compose.yaml", line: 1)))
        }
        return document
    }

    private static func composeLabels(_ service: String, _ number: Int, dependsOn: String = "") -> JSONValue {
        [
            "com.docker.compose.project": "every-thing", "com.docker.compose.service": .string(service),
            "com.docker.compose.container-number": .string("\(number)"), "com.docker.compose.oneoff": "False",
            "com.docker.compose.config-hash": .string("hash of \(service)"),
            "com.docker.compose.depends_on": .string(dependsOn), "com.docker.compose.version": "2.40.3", "team": "a",
        ]
    }

    private static let everything: JSONObject = [
        "image": ["$ref": "image.shop/site:2", "attribute": "id"], "command": ["run", "a \"b\"", ""],
        "entrypoint": [],
        "env": ["A.b-c": "x\n  y \nz\\(no)\"\"\"\n", "URL": "p\t\u{1F}é", "MARK": "\u{FFFFF}1\u{FFFFE}"],
        "labels": composeLabels("web", 1, dependsOn: "db:service_healthy:false"), "user": "1:2", "workdir": "/srv",
        "hostname": "web", "init": true, "readOnlyRoot": true, "stopSignal": "SIGQUIT", "stopTimeout": 0,
        "restart": ["policy": "on-failure", "maximumRetryCount": 3], "name": "the-web", "domainname": "example.com",
        "tty": true, "openStdin": true, "privileged": true, "capAdd": ["NET_ADMIN"], "capDrop": ["ALL"],
        "securityOptions": ["no-new-privileges=false"], "extraHosts": ["a:10.0.0.1", "b:fd00::1"],
        "dns": ["10.0.0.2"], "dnsSearch": ["example.com"], "dnsOptions": ["ndots:2"],
        "logging": ["driver": "json-file", "options": ["max-size": "1m"]],
        "ulimits": ["nofile": ["soft": 1, "hard": 2], "nice": ["soft": 3, "hard": 3]], "sysctls": ["net.a": "1"],
        "shmSize": 67_108_864, "devices": [["source": "/dev/a", "target": "/dev/b", "access": "rwm"]],
        "deviceRules": ["c 1:3 mr"],
        "deviceRequests": [["driver": "cdi", "ids": ["a/b=c"]], ["count": -1, "capabilities": [["gpu"]]]],
        "groups": ["video"], "unsetEnv": ["GONE", "PATH"], "ipcMode": "shareable", "utsMode": "host",
        "usernsMode": "host", "cgroupMode": "private",
        "pidMode": ["$text": ["container:", ["$ref": "container.db[1]", "attribute": "id"]]], "cgroupParent": "/a",
        "runtime": "crun", "annotations": ["a": "b"], "oomScoreAdj": -5, "macAddress": "02:42:ac:11:00:02",
        "links": ["other:name"], "volumesFrom": [["$text": [["$ref": "container.db[1]", "attribute": "id"], ":ro"]]],
        "expose": ["80/tcp", "53/udp"], "platform": "linux/amd64", "storageOptions": ["size": "1G"],
        "limits": [
            "memory": 67_108_864, "nanoCPUs": 1_250_000_000, "pids": 100, "cpuShares": 512,
            "memoryReservation": 33_554_433, "memorySwap": -1, "swappiness": 0, "oomKillDisable": true,
            "cpuQuota": 1000, "cpuPeriod": 2000, "cpuset": "0", "cpusetMems": "0", "cpuRealtimePeriod": 1,
            "cpuRealtimeRuntime": 1, "blkioWeight": 10, "blkioWeightDevices": [["path": "/dev/a", "weight": 10]],
            "readBps": [["path": "/dev/a", "rate": 1]], "writeBps": [["path": "/dev/b", "rate": 1024]],
            "readIops": [["path": "/dev/a", "rate": 5]], "writeIops": [["path": "/dev/a", "rate": 6]],
        ],
        "mounts": [
            [
                "type": "volume", "source": ["$ref": "volume.data", "attribute": "name"], "target": "/data",
                "subpath": "a", "copy": false, "readOnly": true,
            ],
            ["type": "volume", "source": "outside", "target": "/out", "mustExist": true],
            ["type": "volume", "target": "/any"],
            [
                "type": "bind", "source": "/srv", "target": "/host", "propagation": "rslave", "createSource": true,
                "recursive": false,
            ],
            ["type": "tmpfs", "target": "/tmp", "size": 1000, "mode": 1023, "options": ["noexec"]],
            ["type": "image", "source": "tools:1", "target": "/tools", "subpath": "bin", "readOnly": true],
        ],
        "networks": [
            [
                "network": ["$ref": "network.default", "attribute": "id"], "aliases": ["web"], "address": "10.9.0.5",
                "address6": "fd00:1::5", "macAddress": "02:42:ac:11:00:03", "linkLocal": ["169.254.1.1"],
                "driverOptions": ["a": "b"], "gatewayPriority": 5, "interfaceName": "eth7",
            ], ["network": "proxy"],
        ],
        "ports": [
            ["published": 8000, "publishedLast": 8001, "target": 80, "protocol": "tcp"],
            ["published": 0, "target": 53, "protocol": "udp", "hostAddress": "127.0.0.1"],
            ["published": 9, "target": 9, "protocol": "sctp", "hostAddress": "::1"],
        ],
        "healthcheck": [
            "test": ["CMD", "true"], "interval": 5_000_000_000, "timeout": 1_500_000_000, "startPeriod": 60_000_000_000,
            "retries": 3, "startInterval": 1_000_000,
        ],
        "files": [
            ["target": "/run/secrets/a", "uid": 1, "gid": 2, "mode": "0440", "source": "/srv/a"],
            ["target": "/etc/b", "content": "x: $y\n", "mode": "0444"], ["target": "/sealed", "sealed": "abc"],
        ],
        "hooks": [
            "postStart": [
                ["command": ["a", "b"], "user": "root", "privileged": true, "workdir": "/", "env": ["A": "b"]]
            ], "preStop": [["command": ["c"], "unsetEnv": ["GONE", "TOKEN"]]],
        ],
        "update": [
            "order": "startFirst", "healthyWithin": 60_000_000_000, "onFailure": "rollBack", "delay": 5_000_000,
            "parallelism": 2,
        ], "pull": "missing", "running": false, "anonymousVolumes": "keep",
    ]

    private static let project = document(
        "every-thing",
        [
            (
                "network.default",
                [
                    "subnet": "10.9.0.0/16", "gateway": "10.9.0.1", "range": "10.9.1.0/24",
                    "auxiliary": ["a": "10.9.0.9"],
                    "driver": "bridge", "internal": true, "attachable": true, "ipv6": true, "subnet6": "fd00:1::/64",
                    "gateway6": "fd00:1::1", "range6": "fd00:1::/80", "auxiliary6": ["b": "fd00:1::9"],
                    "options": ["com.docker.network.bridge.name": "br0"], "labels": ["a": "b"], "name": "net",
                ], []
            ),
            (
                "volume.data",
                [
                    "name": "the-data", "driver": "local", "options": ["type": "tmpfs", "device": "tmpfs"],
                    "labels": ["com.docker.compose.volume": "data"], "owner": "1000:1000",
                    "content": [
                        "a.conf": ["$text": ["up ", ["$ref": "container.db[1]", "attribute": "host"], ";\n"]]
                    ],
                ], ["container.db[1] created"]
            ),
            ("image.base", ["from": ["rootfs": "/srv/root"], "entrypoint": [], "command": ["sh"]], []),
            (
                "image.shop/site:2",
                [
                    "from": [
                        "dockerfileText": "FROM base\nRUN echo \"$A\"\n", "context": "/srv/site", "target": "x",
                        "arguments": ["A": "1"], "secrets": ["s": "/srv/s"], "secretValues": ["t": "sealed"],
                        "contexts": [
                            "base": ["$ref": "image.base", "attribute": "id"], "os": "docker-image://debian:12",
                            "files": "/srv/files",
                        ], "network": "host", "extraHosts": ["a:10.0.0.1"], "shmSize": 1024,
                        "ulimits": ["nofile": ["soft": 1, "hard": 2]], "cacheFrom": ["type=gha"],
                        "cacheTo": ["type=inline"], "noCache": true, "noCacheStages": ["t"], "pull": true,
                        "platforms": ["linux/amd64"],
                        "ssh": ["default"], "entitlements": ["network.host"], "labels": ["l": "v"],
                    ], "tags": ["shop/site:3"], "push": ["registry.example.com/site:2"], "exposed": ["80/tcp"],
                    "env": ["A": "b"], "user": "1", "workdir": "/", "labels": ["x": "y"], "stopSignal": "SIGQUIT",
                ], ["image.base created"]
            ),
            ("container.db[1]", ["image": "postgres:17", "labels": composeLabels("db", 1)], []),
            (
                "container.web[1]", everything,
                [
                    "image.shop/site:2 created", "network.default created", "volume.data created",
                    "container.db[1] healthy", "container.job[1] completed",
                ]
            ),
            (
                "container.worker[1]", ["image": "app:1", "labels": composeLabels("worker", 1)],
                ["container.step[1] completed"]
            ),
            (
                "container.worker[2]", ["image": "app:1", "labels": composeLabels("worker", 2)],
                ["container.step[2] completed"]
            ),
            (
                "container.step[1]",
                ["image": "app:1", "labels": composeLabels("worker", 1), "oneShot": true, "networkMode": "none"], []
            ),
            (
                "container.step[2]",
                ["image": "app:1", "labels": composeLabels("worker", 2), "oneShot": true, "networkMode": "none"], []
            ),
            (
                "container.job[1]",
                [
                    "image": "app:1", "labels": composeLabels("job", 1), "oneShot": true,
                    "healthcheck": ["test": ["NONE"]],
                ], []
            ),
        ])

    @Test("a project with every attribute comes back as it was")
    func everyAttribute() async throws {
        let folder = try TemporaryFolder()
        let source = try await roundTrip(Self.project, folder, try testLoader(cache: folder.path + "/cache"))
        #expect(source.hasPrefix("// Made by stackctl from a test.\nimport StackDSL\n"))
        #expect(source.contains("struct EveryThing: Stack {\n    var resources"))
        #expect(source.contains("let worker = Container(\"worker\", image: \"app:1\", numbered: 2) { number in\n"))
        #expect(source.contains("DependsOn(step[number], until: .completed)"))
        #expect(source.contains("DependsOn(db, until: .imageHealthy)"))
    }

    @Test("a chain of thousands of containers is declared from its start")
    func chain() throws {
        let count = 5000
        let document = Self.document(
            "chain",
            (0..<count).map { number in
                let next = number + 1 < count ? ["container.c\(number + 1) started"] : []
                return ("container.c\(number)", ["image": "app:1"], next)
            })
        let text = try ManifestSource(document, origin: "x").text()
        let declared = text.split(separator: "\n").compactMap { line in
            line.contains("Container(\"c") ? line.split(separator: "\"")[1] : nil
        }
        #expect(declared == (0..<count).reversed().map { "c\($0)" })
    }

    @Test("the manifests that are here come back as they were", arguments: ["hello", "pages"])
    func ownStacks(name: String) async throws {
        let folder = try TemporaryFolder()
        let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
        let loader = try testLoader(cache: folder.path + "/cache")
        let loaded = try await loader.load(folder: "\(root)/stacks/\(name)", inputs: ManifestInputs())
        try await roundTrip(loaded.document, folder, loader)
    }

    @Test("names that Swift has, and names of several kinds, are told apart")
    func names() async throws {
        let folder = try TemporaryFolder()
        let document = Self.document(
            "2-image",
            [
                ("network.default", [:], []), ("network.db", [:], []), ("volume.db", [:], []),
                ("container.db", ["image": "x:1"], []), ("container.2fa", ["image": "x:1"], []),
                ("container.name", ["image": "x:1"], []), ("container.Web.app_1", ["image": "x:1"], []),
                ("container.web-app-1", ["image": "x:1"], []),
            ])
        let source = try await roundTrip(document, folder, try testLoader(cache: folder.path + "/cache"))
        #expect(source.contains("static let name = \"2-image\""))
        #expect(source.contains("let defaultNetwork = Network(\"default\")"))
        #expect(source.contains("let db = Container(\"db\""))
        #expect(source.contains("let dbVolume = Volume(\"db\")"))
    }

    @Test("what manifests cannot say is an error by its name")
    func unknown() {
        let document = Self.document(
            "wrong",
            [
                ("network.a", ["colour": "red"], []),
                ("container.b", ["image": "x", "limits": ["wishes": 3]], []),
                ("container.c", ["image": "x", "mounts": [["type": "npipe", "target": "/x"]]], []),
                ("container.d", ["image": "x"], ["network.a created"]),
            ])
        let summaries = errors { () throws(DiagnosticList) in _ = try ManifestSource(document, origin: "x").text() }
            .map(\.summary)
        #expect(
            summaries.sorted() == [
                "container.b.limits.wishes is nothing that manifests say",
                "container.c.mounts[0].type is \"npipe\", which manifests do not mount",
                "container.d waits for network.a, which it does not use",
                "network.a.colour is nothing that manifests say",
            ])
    }

    @Test("replicas that differ by more than their number are an error")
    func replicas() {
        let document = Self.document(
            "wrong",
            [
                ("container.b[1]", ["image": "x", "env": ["A": "one"]], []),
                ("container.b[2]", ["image": "x", "env": ["A": "two"]], []),
            ])
        let problems = errors { () throws(DiagnosticList) in _ = try ManifestSource(document, origin: "x").text() }
        #expect(problems.map(\.code) == ["SC1281"])
        #expect(problems.first?.summary == "container.b.env.A differs between replicas by more than their number")
    }
}
