import Diagnostics
import StackModel
import Testing

@testable import StackDSL

@Suite("Checks of a whole stack")
struct CheckTests {
    @Test("a name used twice names both lines")
    func duplicateNames() {
        let line = #line
        let document = document {
            Container("web", image: "a")
            Container("web", image: "b")
            Volume("web")
        }
        #expect(document.codes == ["SC1101"])
        #expect(document.diagnostics.first?.location?.line == line + 3)
        #expect(document.diagnostics.first?.detail == "The other one is at CheckTests.swift:\(line + 2).")
    }

    @Test("a container made twice by one line is a mistake, a network is not")
    func madeTwice() {
        func net() -> Network { Network("net") }
        let fine = document {
            Container("a", image: "x") { Attach(net()) }
            Container("b", image: "x") { Attach(net()) }
        }
        #expect(fine.diagnostics.isEmpty)
        #expect(fine.resources.count == 3)
        let wrong = document { for _ in 1...2 { Container("a", image: "x") } }
        #expect(wrong.codes == ["SC1101"])
    }

    @Test("a host port belongs to one container on one address")
    func ports() {
        let clash = document {
            Container("a", image: "x") { Publish(80, to: 80) }
            Container("b", image: "x") { Publish(80, to: 8080, on: "127.0.0.1") }
        }
        #expect(clash.codes == ["SC1102"])
        let fine = document {
            Container("a", image: "x") { Publish(80, to: 80, on: "127.0.0.2") }
            Container("b", image: "x") {
                Publish(80, to: 8080, on: "127.0.0.1")
                Publish(80, to: 80, protocol: .udp)
            }
        }
        #expect(fine.diagnostics.isEmpty)
        let replicas = document { Container("a", image: "x", replicas: 2) { Publish(80, to: 80) } }
        #expect(replicas.codes == ["SC1102"])
        #expect(document { Container("a", image: "x", replicas: 1) { Publish(80, to: 80) } }.codes.isEmpty)
    }

    @Test("a port from a variable is checked by the evaluation", arguments: [(-1, 1), (0, 1), (65535, 0), (65536, 1)])
    func portVariable(port: Int, mistakes: Int) {
        let document = document {
            Container("a", image: "x") {
                Publish(port, to: 80)
                Healthcheck(.http("/", port: 80 + port * 0))
            }
        }
        #expect(document.codes.filter { $0 == "SC1127" }.count == mistakes)
        #expect(document.diagnostics.count == mistakes)
    }

    @Test(
        "subnets must be subnets, canonical and apart",
        arguments: [
            ("10.0.0.0/8", "10.42.0.0/24", ["SC1103"]), ("10.1.0.0/24", "10.1.1.0/24", []),
            ("10.1.0.5/24", "10.2.0.0/24", ["SC1116"]), ("10.1.0/24", "x", ["SC1116", "SC1116"]),
            ("10.0.0.0/31", "300.0.0.0/8", ["SC1116", "SC1116"]),
        ])
    func subnets(first: String, second: String, expected: [String]) {
        let document = document {
            Network("a", subnet: Subnet(first))
            Network("b", subnet: Subnet(second))
        }
        #expect(document.codes == expected)
    }

    @Test("fixed addresses are in the subnet and belong to one container")
    func addresses() {
        let net = Network("n", subnet: "10.1.0.0/24", gateway: "10.2.0.1")
        let document = document {
            Container("a", image: "x") { Attach(net, address: "10.1.0.9") }
            Container("b", image: "x") { Attach(net, address: "10.1.0.9") }
            Container("c", image: "x") { Attach(net, address: "10.3.0.9") }
            Container("d", image: "x", replicas: 2) { Attach(net, address: "10.1.0.10") }
            Container("e", image: "x") {
                Attach(net)
                Attach(net, aliases: "e2")
            }
        }
        #expect(document.codes.filter { $0 == "SC1116" }.count == 4)
        #expect(document.codes.filter { $0 == "SC1128" }.count == 1)
    }

    @Test("a cycle made by equal names is shown as a circle")
    func cycles() {
        let first = Container("a", image: "x")
        let second = Container("b", image: "x") { DependsOn(first) }
        let document = document { Container("a", image: "x") { DependsOn(second) } }
        #expect(document.codes.sorted() == ["SC1101", "SC1104"])
        let cycle = document.diagnostics.first { $0.code == "SC1104" }
        #expect(cycle?.detail == "container.a → container.b → container.a")
    }

    @Test("times and amounts must be usable")
    func quantities() {
        let document = document {
            Container("a", image: "x") {
                Healthcheck(
                    .command("true"), every: .zero, timeout: .seconds(-1), retries: 0, startPeriod: .seconds(-5))
                Limit(memory: .bytes(0), cpus: -1, processes: 0)
                Stop(timeout: .milliseconds(1500))
                Restart(.onFailure(max: 0))
            }
            Container("b", image: "x") {
                Limit(memory: .gibibytes(.max), cpus: .nan)
                Healthcheck(.command(), every: .seconds(Int64.max / 2))
            }
            Container("c", image: "x", replicas: -1)
        }
        let count = { (code: String) in document.codes.filter { $0 == code }.count }
        #expect(count("SC1105") == 5)
        #expect(count("SC1106") == 7)
        #expect(count("SC1119") == 1)
        #expect(count("SC1117") == 1)
        #expect(document.diagnostics.allSatisfy { $0.location != nil && $0.address != nil })
    }

    @Test("waiting for health needs a health check")
    func healthy() {
        let db = Container("db", image: "x")
        let document = document { Container("web", image: "x") { DependsOn(db, until: .healthy) } }
        #expect(document.codes == ["SC1107"])
        #expect(document.diagnostics.first?.address == "container.web")
    }

    @Test("paths, names and variables are checked")
    func names() {
        let data = Volume("Data!")
        let document = document {
            Container("web_ok", image: "Upper/Case") {
                Mount(data, at: "relative")
                Mount(tmpfs: "/")
                Mount(tmpfs: "/a/../b")
                Env("1 X", "v")
                Env("A=B", "v")
                User("a:b:c")
                Workdir("srv")
                Label("io.stackctl.stack", "x")
                Hostname("-bad-")
                Command("")
                Publish(0, to: 80)
                Publish(1, to: 80, on: "localhost")
                Stop(signal: "SIGNOPE")
            }
            Volume("v", content: ["../x": "", "/abs": "", "$ref": ""])
            Output("", "x")
            Output("o", "x")
            Output("o", "y")
        }
        let counts = Dictionary(grouping: document.codes) { $0 }.mapValues(\.count)
        #expect(
            counts == [
                "SC1109": 4, "SC1108": 4, "SC1110": 2, "SC1120": 1, "SC1119": 1, "SC1127": 2, "SC1124": 1, "SC1126": 3,
                "SC1125": 2,
            ])
    }

    @Test("a setting written twice names both lines")
    func twice() {
        let line = #line
        let document = document {
            Container("a", image: "x") {
                Env("A", "1")
                Env("A", "2")
                Restart(.always)
                Restart(.no)
                Mount(tmpfs: "/run")
                Mount(tmpfs: "/run/")
            }
        }
        #expect(document.codes == ["SC1115", "SC1115", "SC1118"])
        #expect(document.diagnostics.map { $0.location?.line } == [line + 4, line + 6, line + 8])
    }

    @Test("images cannot use what exists after them, replicas have no single id")
    func misplacedReferences() {
        let db = Container("db", image: "x")
        let web = Container("web", image: "x", replicas: 2)
        let document = document {
            Image("site", rootfs: "r") { Env("A", "\(db.host)") }
            Volume("conf", content: ["a": "\(db.id)"])
            Container("c", image: "x") { Env("A", "\(web.id)") }
            Output("id", web.name)
        }
        #expect(document.codes.sorted() == ["SC1121", "SC1122", "SC1122"])
    }

    @Test(
        "image references follow Docker's grammar",
        arguments: [
            ("nginx", true), ("shop/site:2", true), ("docker.io/library/nginx:1.27-alpine", true),
            ("localhost:5000/a/b", true), ("a@sha256:" + String(repeating: "a", count: 64), true), ("", false),
            ("A", false), ("a//b", false), ("a:", false), ("a b", false), ("-a", false), ("a@sha256:12", false),
        ])
    func references(text: String, isValid: Bool) {
        #expect(isImageReference(text) == isValid)
    }
}
