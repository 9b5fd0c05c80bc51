import Diagnostics
import JSONText
import StackDSL
import StackModel
import Testing

@Suite("What a manifest's elements become")
struct DocumentTests {
    @Test("an image from Debian packages carries suite, packages and configuration")
    func debianImage() {
        let document = document {
            Image("shop/site", debian: .bookworm, packages: ["nginx-light"], variant: "minbase") {
                Command("nginx", "-g", "daemon off;")
                Entrypoint(["/entry"])
                Env("A", "b")
                Label("team", "web")
                User("www-data")
                Workdir("/srv")
                Expose(80)
                Expose(53, protocol: .udp)
                Stop(signal: "SIGQUIT")
            }
        }
        #expect(document.diagnostics.isEmpty)
        let expected: JSONValue = [
            "from": ["debian": ["suite": "bookworm", "packages": ["nginx-light"], "variant": "minbase"]],
            "command": ["nginx", "-g", "daemon off;"], "entrypoint": ["/entry"], "env": ["A": "b"],
            "labels": ["team": "web"], "user": "www-data", "workdir": "/srv", "exposed": ["80/tcp", "53/udp"],
            "stopSignal": "SIGQUIT",
        ]
        #expect(document.attributes("image.shop/site") == expected)
    }

    @Test("the other sources of an image")
    func otherImages() {
        let document = document {
            Image("a", rootfs: "root")
            Image("b", tar: "b.tar.gz")
            Image("c", reference: "postgres:17")
            Image("d", debian: "trixie")
        }
        #expect(document.attributes("image.a") == ["from": ["rootfs": "root"]])
        #expect(document.attributes("image.b") == ["from": ["tar": "b.tar.gz"]])
        #expect(document.attributes("image.c") == ["from": ["reference": "postgres:17"]])
        #expect(document.attributes("image.d") == ["from": ["debian": ["suite": "trixie", "packages": []]]])
    }

    @Test("networks and volumes carry only what was written")
    func passive() {
        let page = "from a variable"
        let document = document {
            Network("plain")
            Network("full", subnet: "10.1.0.0/24", gateway: "10.1.0.1", internal: true, labels: ["a": "b"])
            Volume("data", protect: true)
            Volume("page", content: ["index.html": "<h1>Hi</h1>"])
            Volume("other", content: ["index.html": page])
            Volume("conf", content: ["app.conf": "upstream \(Container("db", image: "x").host);"])
        }
        #expect(document.diagnostics.isEmpty)
        #expect(document.attributes("network.plain") == .object([:]))
        #expect(
            document.attributes("network.full")
                == ["subnet": "10.1.0.0/24", "gateway": "10.1.0.1", "internal": true, "labels": ["a": "b"]])
        #expect(document.attributes("volume.page") == ["content": ["index.html": "<h1>Hi</h1>"]])
        #expect(document.attributes("volume.other") == ["content": ["index.html": "from a variable"]])
        #expect(
            document.attributes("volume.conf")?["content"]
                == ["app.conf": ["$text": ["upstream ", ["$ref": "container.db", "attribute": "host"], ";"]]])
        #expect(document.resources.first { $0.address.name == "data" }?.protect == true)
    }

    @Test("a container with every setting")
    func fullContainer() {
        let net = Network("net", subnet: "10.1.0.0/24")
        let data = Volume("data")
        let document = document {
            Container("web", image: "nginx:1.27") {
                Attach(net, aliases: "www", "site", address: "10.1.0.9")
                Mount(data, at: "/data")
                Mount(bind: "conf", at: "/etc/app", readOnly: true)
                Mount(tmpfs: "/run")
                Publish(8080, to: 80)
                Publish(53, to: 53, protocol: .udp, on: "127.0.0.1")
                Limit(memory: .mebibytes(256), cpus: 0.5, processes: 64)
                Healthcheck(
                    .http("/", port: 80), every: .seconds(5), timeout: .milliseconds(500), retries: 3,
                    startPeriod: .zero)
                Restart(.onFailure(max: 3))
                Hostname("web-1")
                Stop(signal: "SIGQUIT", timeout: .seconds(20))
                ReadOnlyRoot()
                Command("run")
            }
        }
        #expect(document.diagnostics.isEmpty)
        let web = document.attributes("container.web")
        #expect(web?["image"] == "nginx:1.27")
        #expect(
            web?["networks"] == [
                [
                    "network": ["$ref": "network.net", "attribute": "id"], "aliases": ["www", "site"],
                    "address": "10.1.0.9",
                ]
            ])
        #expect(
            web?["mounts"] == [
                [
                    "type": "volume", "source": ["$ref": "volume.data", "attribute": "name"], "target": "/data",
                    "readOnly": false,
                ],
                ["type": "bind", "source": "conf", "target": "/etc/app", "readOnly": true],
                ["type": "tmpfs", "target": "/run", "readOnly": false],
            ])
        #expect(
            web?["ports"] == [
                ["published": 8080, "target": 80, "protocol": "tcp"],
                ["published": 53, "target": 53, "protocol": "udp", "hostAddress": "127.0.0.1"],
            ])
        #expect(web?["limits"] == ["memory": 268_435_456, "nanoCPUs": 500_000_000, "pids": 64])
        #expect(
            web?["healthcheck"] == [
                "test": ["HTTP", "/", "80"], "interval": 5_000_000_000, "timeout": 500_000_000, "retries": 3,
                "startPeriod": 0,
            ])
        #expect(web?["restart"] == ["policy": "on-failure", "maximumRetryCount": 3])
        #expect(web?["stopTimeout"] == 20)
        #expect(web?["readOnlyRoot"] == true)
        #expect(document.dependencies("container.web") == ["network.net created", "volume.data created"])
    }

    @Test("references stay unevaluated and make dependencies")
    func references() {
        let db = Container("db", image: "postgres:17") { Healthcheck(.shell("pg_isready")) }
        let web = Container("web", image: Image("site", rootfs: "root")) {
            Env("URL", "postgres://\(db.host):5432/\(7)")
            Env("HOST", db.host)
            DependsOn(db, until: .healthy)
        }
        let document = document {
            web
            Output("url", "http://\(web.host)/")
        }
        #expect(document.resources.map(\.address.description) == ["image.site", "container.db", "container.web"])
        #expect(
            document.attributes("container.web")?["env"] == [
                "URL": ["$text": ["postgres://", ["$ref": "container.db", "attribute": "host"], ":5432/7"]],
                "HOST": ["$text": [["$ref": "container.db", "attribute": "host"]]],
            ])
        #expect(document.dependencies("container.web") == ["image.site created", "container.db healthy"])
        #expect(document.outputs.map(\.name) == ["url"])
    }

    @Test("replicas are separate resources that share a name")
    func replicas() {
        let web = Container("web", image: "nginx", replicas: 2)
        let document = document {
            Container("front", image: "nginx") {
                DependsOn(web)
                Env("UPSTREAM", "http://\(web.host)/")
            }
            Container("single", image: "nginx", replicas: 1)
            Container("none", image: "nginx", replicas: 0)
        }
        #expect(
            document.resources.map(\.address.description)
                == ["container.web[1]", "container.web[2]", "container.front", "container.single[1]"])
        #expect(document.attributes("container.front")?["env"] == ["UPSTREAM": "http://web/"])
        #expect(document.dependencies("container.front") == ["container.web[1] started", "container.web[2] started"])
    }

    @Test("what is waited for to complete is meant to end")
    func oneShot() {
        let migrate = Container("migrate", image: "app")
        let document = document { Container("app", image: "app") { DependsOn(migrate, until: .completed) } }
        #expect(document.attributes("container.migrate")?["oneShot"] == true)
        #expect(document.attributes("container.app")?["oneShot"] == nil)
    }

    @Test("every resource and element knows its line")
    func places() {
        let line = #line
        let document = document {
            Container("web", image: "nginx") {
                Env("A", "b")
                Publish(80, to: 80)
                Limit(memory: .mebibytes(64))
            }
        }
        let web = document.resources[0]
        #expect(web.location.file == "DocumentTests.swift")
        #expect(web.location.line == line + 2)
        #expect(web.location(of: "env.A").line == line + 3)
        #expect(web.location(of: "ports[0]").line == line + 4)
        #expect(web.location(of: "limits.memory").line == line + 5)
    }
}

private struct Site: Component {
    var name: String
    var network: Network
    var resources: Resources {
        let web = Container(name, image: "nginx") { Attach(network) }
        return Resources { web }
    }
}

@ContainerBuilder
private func hardened(_ isStrict: Bool) -> ContainerSettings {
    ReadOnlyRoot()
    if isStrict { Limit(processes: 10) } else { Limit(processes: 100) }
}

@Suite("Composition")
struct CompositionTests {
    @Test("components, functions, loops and conditions work everywhere")
    func composition() {
        let net = Network("net")
        let extra: [Volume] = ["a", "b"].map { Volume($0) }
        let document = document {
            Site(name: "one", network: net)
            for number in 2...3 { Site(name: "site-\(number)", network: net) }
            if extra.count > 1 { extra }
            Container("hard", image: "nginx") {
                hardened(true)
                for name in ["X", "Y"] { Env(name, "1") }
                if extra.isEmpty { Command("never") }
            }
        }
        #expect(document.diagnostics.isEmpty)
        #expect(
            document.resources.map(\.address.description) == [
                "network.net", "volume.a", "volume.b", "container.one", "container.site-2", "container.site-3",
                "container.hard",
            ])
        #expect(document.attributes("container.hard")?["limits"] == ["pids": 10])
        #expect(document.attributes("container.hard")?["env"] == ["X": "1", "Y": "1"])
        #expect(document.attributes("container.hard")?["command"] == nil)
    }
}

@Suite("Images that are built")
struct BuiltImageTests {
    @Test("steps are in order, stages before those that use them, bases by their names")
    func steps() {
        let build = Stage("build") {
            From("golang:1.23")
            Run("make", mounts: [.cache("/root/.cache")], network: .some(.none))
        }
        let document = document {
            Image("shop/site", context: "site", secrets: ["npm": "secrets/npm"]) {
                From("scratch")
                Copy("/out/*", from: build, to: "/", owner: "1:2", mode: "0755")
                Copy("/etc/ssl", fromImage: "debian:12", to: "/etc/ssl", isLinked: true)
                Workdir("relative")
                Env("A", "$b")
                Expose(80)
                Healthcheck(.command("true"), every: .seconds(3))
                VolumePath("/data")
            }
        }
        #expect(document.diagnostics.isEmpty, "\(document.diagnostics)")
        let expected: JSONValue = [
            "from": [
                "stages": [
                    [
                        "name": "build",
                        "steps": [
                            ["from": "golang:1.23"],
                            [
                                "run": "make", "mounts": [["type": "cache", "target": "/root/.cache"]],
                                "network": "none",
                            ],
                        ],
                    ],
                    [
                        "steps": [
                            ["from": "scratch"],
                            [
                                "copy": [
                                    "to": "/", "sources": ["/out/*"], "owner": "1:2", "mode": "0755",
                                    "stage": "build",
                                ]
                            ],
                            [
                                "copy": [
                                    "to": "/etc/ssl", "sources": ["/etc/ssl"], "link": true, "image": "debian:12",
                                ]
                            ],
                            ["workdir": "relative"], ["env": ["A": "$b"]], ["exposed": "80/tcp"],
                            ["healthcheck": ["test": ["CMD", "true"], "interval": 3_000_000_000]],
                            ["volume": "/data"],
                        ]
                    ],
                ],
                "context": "site", "secrets": ["npm": "secrets/npm"],
                "bases": ["debian:12": "debian:12", "golang:1.23": "golang:1.23"],
            ]
        ]
        #expect(document.attributes("image.shop/site") == expected)
    }

    @Test("a Dockerfile's context is its own directory")
    func dockerfile() {
        let document = document {
            Image("a", dockerfile: "site/Dockerfile", target: "x", arguments: ["B": "1", "A": "2"])
            Image("b", dockerfile: "Dockerfile", context: "other")
        }
        #expect(
            document.attributes("image.a") == [
                "from": [
                    "dockerfile": "site/Dockerfile", "context": "site", "target": "x",
                    "arguments": ["A": "2", "B": "1"],
                ]
            ])
        #expect(document.attributes("image.b") == ["from": ["dockerfile": "Dockerfile", "context": "other"]])
    }

    @Test("an image of the stack that another begins with is made before it")
    func ofTheStack() {
        let base = Image("base", rootfs: "root")
        let document = document { Image("site") { From(base) } }
        #expect(document.diagnostics.isEmpty)
        #expect(document.attributes("image.base") != nil)
        #expect(
            document.attributes("image.site")?["from"]?["bases"] == [
                "base": ["$ref": "image.base.id"]
            ] || document.attributes("image.site")?["from"]?["bases"]?["base"]?.objectValue != nil)
    }

    @Test("mistakes in steps have their lines")
    func mistakes() {
        let one = Stage("twice") { From("scratch") }
        let two = Stage("twice") { From("scratch") }
        let document = document {
            Image("a") { Run("make") }
            Image("b") {
                From("debian:12")
                From("debian:13")
            }
            Image("c") {
                From(one)
                Copy("/", from: two, to: "/")
            }
            Image("d") {
                From("Bad Name")
                Run(" ")
                Stop(timeout: .seconds(3))
                Healthcheck(.http("/", port: 80))
                VolumePath("data")
            }
        }
        let codes = document.diagnostics.map(\.code)
        #expect(codes.filter { $0 == "SC1131" }.count == 2, "\(document.diagnostics.map(\.summary))")
        for code in ["SC1130", "SC1109", "SC1119", "SC1105", "SC1108"] { #expect(codes.contains(code), "\(code)") }
        #expect(document.diagnostics.allSatisfy { $0.location != nil })
    }
}
