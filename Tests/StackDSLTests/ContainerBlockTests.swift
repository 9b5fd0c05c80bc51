import JSONText
import StackModel
import Testing

@testable import StackDSL

/// The attributes of a container with one block, without its image.
private func attributes(@ContainerBuilder _ settings: () -> ContainerSettings) -> (JSONValue, [String]) {
    let document = document { Container("a", image: "x", settings: settings) }
    var attributes = document.resource(ResourceAddress(kind: .container, name: "a"))?.attributes ?? [:]
    attributes["image"] = nil
    return (.object(attributes), document.codes)
}

private func expect(
    _ expected: JSONValue, _ location: SourceLocation = #_sourceLocation,
    @ContainerBuilder _ settings: () -> ContainerSettings
) {
    let (found, codes) = attributes(settings)
    #expect(found == expected, sourceLocation: location)
    #expect(codes.isEmpty, sourceLocation: location)
}

private func expect(
    codes: [String], _ location: SourceLocation = #_sourceLocation,
    @ContainerBuilder _ settings: () -> ContainerSettings
) {
    #expect(attributes(settings).1.sorted() == codes, sourceLocation: location)
}

private typealias SourceLocation = Testing.SourceLocation

@Suite("Blocks of containers")
struct ContainerBlockTests {
    @Test("who it is")
    func identity() {
        expect([
            "name": "db", "domainname": "example.com", "tty": true, "openStdin": true, "init": true,
            "groups": ["video", "44"], "unsetEnv": ["A", "B"], "annotations": ["a/b": "c"],
            "platform": "linux/arm64/v8", "pull": "missing",
            "running": false, "anonymousVolumes": "keep", "runtime": "crun", "cgroupParent": "/batch",
        ]) {
            Named("db")
            Domainname("example.com")
            Terminal()
            OpenInput()
            Init()
            Groups("video", "44")
            UnsetEnv("A", "B")
            Annotation("a/b", "c")
            PlatformChoice("linux/arm64/v8")
            Pull(.missing)
            Running(false)
            KeepAnonymousVolumes()
            Runtime("crun")
            CgroupParent("/batch")
        }
        expect(codes: ["SC1109", "SC1109", "SC1109", "SC1119", "SC1119", "SC1120"]) {
            Named("-x")
            Domainname("a b")
            PlatformChoice("linux//")
            Groups("")
            Runtime("")
            Annotation("", "x")
        }
    }

    @Test("what it may do")
    func security() {
        expect([
            "privileged": true, "capAdd": ["NET_ADMIN"], "capDrop": ["ALL"],
            "securityOptions": ["no-new-privileges=false", "seccomp=unconfined"],
            "sysctls": ["net.core.somaxconn": "1"],
            "oomScoreAdj": -500, "pidMode": "host", "ipcMode": "shareable", "utsMode": "host", "usernsMode": "host",
            "cgroupMode": "private",
        ]) {
            Privileged()
            Capabilities(add: ["NET_ADMIN"], drop: ["ALL"])
            SecurityOptions("no-new-privileges=false", "seccomp=unconfined")
            Sysctl("net.core.somaxconn", "1")
            OOMScore(-500)
            Namespaces(pid: .host, ipc: .shareable, uts: .host, user: .host, cgroup: .private)
        }
        expect(codes: ["SC1106", "SC1109", "SC1132", "SC1132"]) {
            Capabilities(add: ["NET ADMIN"])
            OOMScore(1001)
            Namespaces(pid: .shareable, uts: .container("x"))
        }
    }

    @Test("namespaces and networks of another container wait for it")
    func shared() {
        let db = Container("db", image: "x", replicas: 2)
        let one = Container("one", image: "x")
        let document = document {
            Container("a", image: "x") {
                NetworkMode(.container(db[1]))
                Namespaces(pid: .container(one), ipc: .container("outside"))
                VolumesFrom(one, readOnly: true)
                VolumesFrom("\(db[2].name)")
                Link(Text(one.name), as: "first")
            }
        }
        #expect(document.diagnostics.isEmpty)
        #expect(
            document.attributes("container.a")?["networkMode"] == [
                "$text": ["container:", ["$ref": "container.db[1]", "attribute": "id"]]
            ])
        #expect(
            document.attributes("container.a")?["pidMode"] == [
                "$text": ["container:", ["$ref": "container.one", "attribute": "id"]]
            ])
        #expect(document.attributes("container.a")?["ipcMode"] == "container:outside")
        #expect(
            document.attributes("container.a")?["volumesFrom"] == [
                ["$text": [["$ref": "container.one", "attribute": "name"], ":ro"]],
                ["$text": [["$ref": "container.db[2]", "attribute": "name"]]],
            ])
        #expect(
            document.attributes("container.a")?["links"] == [
                ["$text": [["$ref": "container.one", "attribute": "name"], ":first"]]
            ])
        #expect(
            document.dependencies("container.a").sorted() == [
                "container.db[1] started", "container.db[2] started", "container.one started",
            ])
    }

    @Test("a replica that is not there, and a network beside another's")
    func wrongSharing() {
        let db = Container("db", image: "x", replicas: 2)
        let net = Network("net")
        let document = document {
            Container("a", image: "x") { NetworkMode(.container(db[3])) }
            Container("b", image: "x") {
                NetworkMode(.host)
                Attach(net)
            }
        }
        #expect(document.codes == ["SC1122", "SC1134"])
    }

    @Test("names and addresses")
    func naming() {
        expect([
            "extraHosts": ["db:10.0.0.1", "host:host-gateway", "six:fd00::1"], "dns": ["10.0.0.2"],
            "dnsSearch": ["example.com"], "dnsOptions": ["ndots:2"], "macAddress": "02:42:ac:11:00:02",
            "networkMode": "none", "expose": ["80/tcp"],
        ]) {
            ExtraHost("db", "10.0.0.1")
            ExtraHost("host", "host-gateway")
            ExtraHost("six", "fd00::1")
            Resolver(servers: ["10.0.0.2"], search: ["example.com"], options: ["ndots:2"])
            MACAddress("02:42:ac:11:00:02")
            NetworkMode(.none)
            Expose(80)
        }
        expect(codes: ["SC1109", "SC1109", "SC1116", "SC1116", "SC1116"]) {
            ExtraHost("a b", "10.0.0.1")
            ExtraHost("a", "somewhere")
            Resolver(servers: ["dns.example"])
            MACAddress("02:42")
            Link("db", as: "-")
        }
    }

    @Test("endpoints with everything")
    func endpoints() {
        let six = Network("six")
        let document = document {
            Container("a", image: "x") {
                Attach(
                    six, aliases: "b", address6: "fd00::5", macAddress: "02:42:ac:11:00:02",
                    linkLocal: ["169.254.1.1"], options: ["k": "v"], gatewayPriority: 100, interfaceName: "eth7")
                Attach(.existing("proxy"))
            }
        }
        #expect(document.diagnostics.isEmpty)
        #expect(
            document.attributes("container.a")?["networks"] == [
                [
                    "network": ["$ref": "network.six", "attribute": "id"], "aliases": ["b"], "address6": "fd00::5",
                    "macAddress": "02:42:ac:11:00:02", "linkLocal": ["169.254.1.1"], "driverOptions": ["k": "v"],
                    "gatewayPriority": 100, "interfaceName": "eth7",
                ],
                ["network": "proxy", "aliases": []],
            ])
        #expect(document.dependencies("container.a") == ["network.six created"])
    }

    @Test("ports of every kind")
    func ports() {
        expect([
            "ports": [
                ["published": 8000, "publishedLast": 8010, "target": 80, "protocol": "tcp"],
                ["published": 0, "target": 53, "protocol": "udp"],
                ["published": 9, "target": 9, "protocol": "sctp", "hostAddress": "::1"],
            ]
        ]) {
            Publish(anyOf: 8000...8010, to: 80)
            Publish(anyTo: 53, protocol: .udp)
            Publish(9, to: 9, protocol: .sctp, on: "::1")
        }
        let enough = document { Container("a", image: "x", replicas: 3) { Publish(anyOf: 8000...8002, to: 80) } }
        #expect(enough.diagnostics.isEmpty)
        let few = document { Container("a", image: "x", replicas: 4) { Publish(anyOf: 8000...8002, to: 80) } }
        #expect(few.codes == ["SC1102"])
    }

    @Test("limits of every kind")
    func limits() {
        expect([
            "limits": [
                "memory": 67_108_864, "nanoCPUs": 1_500_000_000, "pids": -1, "cpuShares": 512,
                "memoryReservation": 33_554_432, "memorySwap": -1, "swappiness": 10, "oomKillDisable": true,
                "cpuQuota": 50000, "cpuPeriod": 100_000, "cpuset": "0-1", "cpusetMems": "0",
                "cpuRealtimePeriod": 1_000_000,
                "cpuRealtimeRuntime": 950_000, "blkioWeight": 300,
                "blkioWeightDevices": [["path": "/dev/sda", "weight": 200]],
                "readBps": [["path": "/dev/sda", "rate": 1_048_576]], "writeIops": [["path": "/dev/sda", "rate": 50]],
            ],
            "ulimits": ["nofile": ["soft": 1024, "hard": 2048], "core": ["soft": -1, "hard": -1]],
            "shmSize": 134_217_728, "storageOptions": ["size": "10G"],
        ]) {
            Limit(
                memory: .mebibytes(64), cpus: 1.5, processes: -1, cpuShares: 512, memoryReservation: .mebibytes(32),
                memorySwap: .unlimited, swappiness: 10, isOOMKillDisabled: true, cpuQuota: 50000, cpuPeriod: 100_000,
                cpuset: "0-1", cpusetMems: "0", cpuRealtimePeriod: 1_000_000, cpuRealtimeRuntime: 950_000,
                blkioWeight: 300)
            DeviceLimit("/dev/sda", weight: 200, readBytes: .mebibytes(1), writeOperations: 50)
            Ulimit(.nofile, soft: 1024, hard: 2048)
            Ulimit("core", soft: -1)
            SharedMemory(.mebibytes(128))
            StorageOption("size", "10G")
        }
        expect(codes: ["SC1106", "SC1106", "SC1106", "SC1106", "SC1106", "SC1109"]) {
            Limit(swappiness: 101, cpuset: "all", blkioWeight: 5)
            DeviceLimit("/dev/sda", readOperations: 0)
            Ulimit(.nofile, soft: 10, hard: 5)
            Ulimit("nofiles", soft: 1)
        }
    }

    @Test("devices")
    func devices() {
        expect([
            "devices": [
                ["source": "/dev/fuse", "target": "/dev/fuse"],
                ["source": "/dev/sda", "target": "/dev/xvda", "access": "r"],
                ["source": "vendor.com/class=all", "target": "vendor.com/class=all"],
            ],
            "deviceRules": ["c 1:3 mr"],
            "deviceRequests": [
                ["count": -1, "capabilities": [["gpu"]]],
                ["driver": "nvidia", "ids": ["0"], "capabilities": [["gpu", "utility"]], "options": ["a": "b"]],
                ["count": 1, "capabilities": [["a"], ["b", "c"]]],
            ],
        ]) {
            Device("/dev/fuse")
            Device("/dev/sda", at: "/dev/xvda", access: "r")
            Device("vendor.com/class=all")
            DeviceRule("c 1:3 mr")
            GPUs()
            GPUs(ids: ["0"], driver: "nvidia", capabilities: ["gpu", "utility"], options: ["a": "b"])
            DeviceRequest(count: 1, capabilities: [["a"], ["b", "c"]])
        }
        expect(codes: ["SC1106", "SC1108", "SC1109", "SC1109"]) {
            Device("fuse", at: "/dev/fuse")
            Device("/dev/fuse", access: "x")
            DeviceRule("everything")
            GPUs(count: 1, ids: ["0"])
        }
    }

    @Test("mounts of every kind")
    func mounts() {
        let document = document {
            Container("a", image: "x") {
                Mount(Volume("data"), at: "/data", subpath: "a/b", copies: false)
                Mount(.existing("shared"), at: "/shared", readOnly: true)
                Mount(anonymous: "/scratch")
                Mount(bind: "/srv", at: "/srv", propagation: .rslave, createSource: true, recursive: false)
                Mount(tmpfs: "/tmp", size: .mebibytes(1), mode: 0o1777)
                Mount(image: "tools:1", at: "/tools", subpath: "bin")
                Mount(image: Image("own", rootfs: "root"), at: "/own")
            }
        }
        #expect(document.diagnostics.isEmpty)
        #expect(
            document.attributes("container.a")?["mounts"] == [
                [
                    "type": "volume", "source": ["$ref": "volume.data", "attribute": "name"], "target": "/data",
                    "readOnly": false, "subpath": "a/b", "copy": false,
                ],
                ["type": "volume", "source": "shared", "target": "/shared", "readOnly": true, "mustExist": true],
                ["type": "volume", "target": "/scratch", "readOnly": false],
                [
                    "type": "bind", "source": "/srv", "target": "/srv", "readOnly": false, "propagation": "rslave",
                    "createSource": true, "recursive": false,
                ],
                ["type": "tmpfs", "target": "/tmp", "readOnly": false, "size": 1_048_576, "mode": 1023],
                ["type": "image", "source": "tools:1", "target": "/tools", "readOnly": true, "subpath": "bin"],
                [
                    "type": "image", "source": ["$ref": "image.own", "attribute": "id"], "target": "/own",
                    "readOnly": true,
                ],
            ])
        #expect(document.dependencies("container.a") == ["volume.data created", "image.own created"])
    }

    @Test("files in memory")
    func files() {
        expect([
            "files": [
                ["target": "/run/secrets/key", "uid": 103, "gid": 104, "mode": "0440", "source": "secrets/key"],
                ["target": "/run/secrets/token", "sealed": "abc"],
                ["target": "/etc/app.conf", "content": "a=b"], ["target": "/app", "source": "/srv/app"],
            ]
        ]) {
            SecretFile("key", source: "secrets/key", uid: 103, gid: 104, mode: "0440")
            SecretFile("token", sealed: "abc")
            ConfigFile("/etc/app.conf", content: "a=b")
            ConfigFile("app", source: "/srv/app")
        }
        expect(codes: ["SC1108", "SC1109", "SC1109", "SC1126"]) {
            SecretFile("a", source: "", uid: -1)
            ConfigFile("/etc/", content: "x")
            ConfigFile("/etc/x", content: "x", mode: "rw")
        }
    }

    @Test("what happens along its life")
    func lifecycle() {
        expect([
            "logging": ["driver": "json-file", "options": ["max-size": "10m"]],
            "hooks": [
                "postStart": [
                    [
                        "command": ["app", "warm"], "user": "root", "privileged": true, "workdir": "/srv",
                        "env": ["A": "b"],
                    ], ["command": ["second"]],
                ],
                "preStop": [["command": ["app", "drain"], "unsetEnv": ["TOKEN"]]],
            ],
            "update": [
                "order": "startFirst", "healthyWithin": 60_000_000_000, "onFailure": "rollBack", "delay": 1_000_000_000,
                "parallelism": 2,
            ],
            "healthcheck": ["interval": 5_000_000_000, "startInterval": 1_000_000_000], "stopTimeout": 0, "command": [],
        ]) {
            Logging(driver: "json-file", options: ["max-size": "10m"])
            PostStart("app", "warm", user: "root", privileged: true, workdir: "/srv", environment: ["A": "b"])
            PostStart("second")
            PreStop("app", "drain", unset: ["TOKEN"])
            Update(.startFirst, healthyWithin: .seconds(60), onFailure: .rollBack, delay: .seconds(1), parallelism: 2)
            Healthcheck(.ofImage, every: .seconds(5), startInterval: .seconds(1))
            Stop(timeout: .zero)
            Command([])
        }
        expect(["healthcheck": ["test": ["NONE"]]]) { Healthcheck(.none) }
        expect(codes: ["SC1105", "SC1108", "SC1119"]) {
            PostStart(workdir: "srv")
            Update(delay: .seconds(-1))
        }
    }

    @Test("replicas that differ by their number")
    func numbered() {
        let db = Container("db", image: "x", numbered: 2) { number in
            Label("number", "\(number)")
            Publish(8000 + number, to: 80)
        }
        let document = document { Container("web", image: "x") { DependsOn(db) } }
        #expect(document.diagnostics.isEmpty)
        #expect(document.attributes("container.db[1]")?["labels"] == ["number": "1"])
        #expect(document.attributes("container.db[2]")?["labels"] == ["number": "2"])
        #expect(document.dependencies("container.web") == ["container.db[1] started", "container.db[2] started"])
        let clash = StackDSLTests.document {
            Container("db", image: "x", numbered: 2) { _ in
                Publish(80, to: 80)
                Env("a=b", "x")
            }
        }
        #expect(clash.codes.sorted() == ["SC1102", "SC1110"])
    }

    @Test("names of the host belong to one")
    func hostNames() {
        let document = document {
            Container("a", image: "x") { Named("same") }
            Container("b", image: "x") { Named("same") }
            Container("c", image: "x", replicas: 2) { Named("other") }
        }
        #expect(document.codes == ["SC1133", "SC1133"])
    }

    @Test("health that the image tells of can be waited for")
    func imageHealthy() {
        let db = Container("db", image: "x")
        let document = document { Container("web", image: "x") { DependsOn(db, until: .imageHealthy) } }
        #expect(document.diagnostics.isEmpty)
        #expect(document.dependencies("container.web") == ["container.db healthy"])
    }
}

@Suite("Networks and volumes with everything")
struct PassiveBlockTests {
    @Test("only what is written is in the document")
    func everything() {
        let document = document {
            Network(
                "net", name: "front", subnet: "10.9.0.0/16", gateway: "10.9.0.1", range: "10.9.1.0/24",
                auxiliary: ["printer": "10.9.0.9"], attachable: true, ipv6: true, subnet6: "fd00:1::/64",
                gateway6: "fd00:1::1", range6: "fd00:1::/80", auxiliary6: ["p": "fd00:1::9"], driver: "bridge",
                options: ["com.docker.network.bridge.name": "br-front"])
            Volume(
                "data", name: "shared-data", driver: "local", options: ["type": "nfs", "o": "addr=10.0.0.1,rw"],
                owner: "1000:1000")
            Network.existing("proxy")
            Volume.existing("old")
        }
        #expect(document.diagnostics.isEmpty)
        #expect(
            document.attributes("network.net") == [
                "name": "front", "subnet": "10.9.0.0/16", "gateway": "10.9.0.1", "range": "10.9.1.0/24",
                "auxiliary": ["printer": "10.9.0.9"], "attachable": true, "ipv6": true, "subnet6": "fd00:1::/64",
                "gateway6": "fd00:1::1", "range6": "fd00:1::/80", "auxiliary6": ["p": "fd00:1::9"],
                "driver": "bridge", "options": ["com.docker.network.bridge.name": "br-front"],
            ])
        #expect(
            document.attributes("volume.data") == [
                "name": "shared-data", "driver": "local", "options": ["o": "addr=10.0.0.1,rw", "type": "nfs"],
                "owner": "1000:1000",
            ])
        #expect(document.resources.count == 2)
    }

    @Test("wrong ranges, names and owners")
    func mistakes() {
        let document = document {
            Network("a", name: "/x", subnet: "10.9.0.0/16", range: "10.8.0.0/24", subnet6: "10.9.0.0/16", gateway6: "x")
            Volume("b", owner: "root")
            Container("c", image: "x") { Env("A", Volume.existing("old").path) }
            Container("d", image: "x") { Env("A", Network.existing("old").subnet) }
        }
        #expect(document.codes.sorted() == ["SC1109", "SC1109", "SC1116", "SC1116", "SC1116", "SC1122", "SC1122"])
    }

    @Test(
        "IPv6 addresses",
        arguments: [
            ("::", true), ("::1", true), ("fd00::1", true), ("1:2:3:4:5:6:7:8", true), ("::ffff:10.0.0.1", true),
            ("1:2:3:4:5:6:7", false), ("1::2::3", false), ("g::", false), ("", false), ("1:2:3:4:5:6:7:8:9", false),
            ("10.0.0.1", false), ("12345::", false), (":1", false),
        ])
    func addresses(text: String, isValid: Bool) {
        #expect(isIPv6(text) == isValid)
    }
}

@Suite("How images are built")
struct BuildOptionTests {
    @Test("every option is in the image's origin")
    func options() {
        let base = Image("base", rootfs: "root")
        let document = document {
            Image(
                "site", dockerfileText: "FROM base\nCOPY --from=files / /\n", context: "site", target: "x",
                arguments: ["A": "1"], secrets: ["s": "secrets/s"],
                options: BuildOptions(
                    contexts: ["base": .image(base), "files": "files", "os": .image("debian:12")], network: "host",
                    extraHosts: ["db:10.0.0.1"], shmSize: .mebibytes(128), ulimits: [Ulimit(.nofile, soft: 1, hard: 2)],
                    cacheFrom: ["type=gha"], cacheTo: ["type=inline"], noCache: true, noCacheStages: ["test"],
                    pull: true,
                    platforms: ["linux/amd64"], ssh: ["default"], entitlements: ["network.host"], labels: ["l": "v"],
                    secretValues: ["t": "sealed"])
            ) {
                Tag("site:2")
            }
        }
        #expect(document.diagnostics.isEmpty)
        let expected: JSONValue = [
            "from": [
                "dockerfileText": "FROM base\nCOPY --from=files / /\n", "context": "site", "target": "x",
                "arguments": ["A": "1"], "secrets": ["s": "secrets/s"],
                "contexts": [
                    "base": ["$ref": "image.base", "attribute": "id"], "files": "files",
                    "os": "docker-image://debian:12",
                ], "network": "host", "shmSize": 134_217_728, "ulimits": ["nofile": ["soft": 1, "hard": 2]],
                "extraHosts": ["db:10.0.0.1"], "cacheFrom": ["type=gha"], "cacheTo": ["type=inline"],
                "platforms": ["linux/amd64"], "ssh": ["default"], "entitlements": ["network.host"], "noCache": true,
                "noCacheStages": ["test"],
                "pull": true, "labels": ["l": "v"], "secretValues": ["t": "sealed"],
            ], "tags": ["site:2"],
        ]
        #expect(document.attributes("image.site") == expected)
        #expect(document.dependencies("image.site") == ["image.base created"])
    }

    @Test("wrong options")
    func mistakes() {
        let document = document {
            Image("a", dockerfileText: "", options: BuildOptions(contexts: ["": "x"], platforms: ["a b"], ssh: [""]))
            Image("b", dockerfile: "Dockerfile") { Tag("Bad Tag") }
        }
        #expect(document.codes.sorted() == ["SC1109", "SC1109", "SC1109", "SC1119", "SC1119"])
    }

    @Test("a container that is kept")
    func protected() {
        let document = document { Container("a", image: "x") { Protect() } }
        #expect(document.resources.first?.protect == true)
    }
}
