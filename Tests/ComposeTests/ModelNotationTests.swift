import Compose
import Diagnostics
import Testing

@Suite("short notations of compose files, written out")
struct ModelNotationTests {
    private func attribute(_ text: String, _ attribute: String) throws -> String? {
        let project = try ModelLab.project("services:\n  a: {image: a, \(text)}\n") { $0.checksConsistency = false }
        return project.services["a"]?[attribute]?.flow
    }

    @Test(
        "mean what the long ones mean",
        arguments: [
            ("ports: [80]", "ports", "[{mode: ingress, protocol: tcp, target: 80}]"),
            (
                "ports: ['127.0.0.1:8000-8001:80-81/udp']", "ports",
                "[{host_ip: 127.0.0.1, mode: ingress, protocol: udp, published: 8000, target: 80}, "
                    + "{host_ip: 127.0.0.1, mode: ingress, protocol: udp, published: 8001, target: 81}]"
            ),
            ("ports: [{target: 80}]", "ports", "[{mode: ingress, protocol: tcp, target: 80}]"),
            (
                "volumes: ['./a:/a:ro']", "volumes",
                "[{bind: {create_host_path: true}, read_only: true, source: /project/a, target: /a, type: bind}]"
            ),
            ("volumes: ['v:/a/../b/']", "volumes", "[{source: v, target: /b, type: volume, volume: {}}]"),
            (
                "volumes: ['~/a:/a']", "volumes",
                "[{bind: {create_host_path: true}, source: /home/user/a, target: /a, type: bind}]"
            ),
            ("devices: [/dev/a]", "devices", "[{permissions: rwm, source: /dev/a, target: /dev/a}]"),
            ("devices: ['/dev/a:/dev/b:r']", "devices", "[{permissions: r, source: /dev/a, target: /dev/b}]"),
            (
                "devices: [vendor.com/gpu=all]", "devices",
                "[{permissions: rwm, source: vendor.com/gpu=all, target: vendor.com/gpu=all}]"
            ),
            ("gpus: all", "gpus", "[{count: -1}]"),
            ("gpus: [{driver: nvidia}]", "gpus", "[{count: -1, driver: nvidia}]"),
            ("secrets: [s]", "secrets", "[{source: s, target: /run/secrets/s}]"),
            ("configs: [c]", "configs", "[{source: c}]"),
            (
                "secrets: [{source: s, mode: 0440, uid: '1'}]", "secrets",
                "[{mode: 0440, source: s, target: /run/secrets/s, uid: 1}]"
            ),
            (
                "healthcheck: {test: exit 1, interval: 90s}", "healthcheck",
                "{interval: 1m30s, test: [CMD-SHELL, exit 1]}"
            ),
            ("command: echo 'a b' \\\"c\\\" d\\\\ e", "command", "[echo, a b, \"c\", d\\, e]"),
            ("environment: {A: 1, B: true, C: 1.5, D: }", "environment", "{A: 1, B: true, C: 1.5, D: null}"),
            ("environment: ['A=1=2', B, 'C=']", "environment", "{A: 1=2, B: null, C: }"),
            ("labels: [a, b=1]", "labels", "{a: , b: 1}"),
            ("ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}", "ulimits", "{nofile: 5, nproc: {hard: 2, soft: 1}}"),
            ("extra_hosts: ['a:1.2.3.4', 'b=::1', 'c:[::2]']", "extra_hosts", "[a=1.2.3.4, b=::1, c=::2]"),
            ("extra_hosts: {a: [1.2.3.4, 1.2.3.5]}", "extra_hosts", "[a=1.2.3.4, a=1.2.3.5]"),
            ("mem_limit: 64m", "mem_limit", "67108864"), ("shm_size: 1gb", "shm_size", "1073741824"),
            ("memswap_limit: -1", "memswap_limit", "-1"), ("stop_grace_period: 1h", "stop_grace_period", "1h0m0s"),
            ("networks: [a, b]", "networks", "{a: null, b: null}"),
            ("networks: {}", "networks", "{default: null}"),
            ("depends_on: [b]", "depends_on", "{b: {condition: service_started, required: true}}"),
            (
                "links: ['b:x']", "depends_on", "{b: {condition: service_started, required: true, restart: true}}"
            ),
            ("volumes_from: ['b:ro']", "depends_on", "{b: {condition: service_started, required: true}}"),
            ("build: .", "build", "{context: /project, dockerfile: Dockerfile}"),
            (
                "build: {context: 'https://x.test/y.git'}", "build",
                "{context: https://x.test/y.git, dockerfile: Dockerfile}"
            ),
            (
                "build: {ssh: [default, 'k=./key']}", "build",
                "{context: /project, dockerfile: Dockerfile, ssh: [default, k=/project/key]}"
            ),
            ("build: {args: [A, B=1]}", "build", "{args: {B: 1}, context: /project, dockerfile: Dockerfile}"),
            ("pull_policy: if_not_present", "pull_policy", "missing"),
            ("expose: [80, 90-92/udp]", "expose", "[80, 90-92/udp]"),
            ("post_start: [{command: a b}]", "post_start", "[{command: [a, b]}]"),
            ("pre_start: [{command: a}]", "pre_start", "[{command: [a], image: a}]"),
            ("cpus: '0.5'", "cpus", "0.5"), ("tmpfs: /a", "tmpfs", "[/a]"),
            (
                "deploy: {resources: {limits: {cpus: '0.50', memory: 1k}}, update_config: {delay: 90s}}", "deploy",
                "{resources: {limits: {cpus: 0.5, memory: 1024}}, update_config: {delay: 1m30s}}"
            ),
            (
                "develop: {watch: [{path: ./s, action: rebuild, ignore: a}]}", "develop",
                "{watch: [{action: rebuild, ignore: [a], path: /project/s}]}"
            ),
        ])
    func long(text: String, name: String, expected: String) throws {
        #expect(try attribute(text, name) == expected)
    }

    @Test("that are wrong are named with their places")
    func wrong() {
        func codes(_ text: String) -> [String] {
            ModelLab.problems("services:\n  a: {image: a, \(text)}\n").map { String($0.prefix(24)) }
        }
        #expect(codes("command: \"echo 'a\"") == ["SC2201 compose.yaml:2:26"])
        #expect(codes("extra_hosts: [nothing]") == ["SC2204 compose.yaml:2:31"])
        #expect(codes("ports: [{target: 80, host_ip: nowhere}]").count == 1)
        #expect(codes("devices: ['a:b:c:d']").count == 1)
    }

    @Test("of a command say when only a shell would understand it")
    func shell() throws {
        let project = try ModelLab.project("services: {a: {image: a, command: 'a && b > c'}}")
        #expect(project.services["a"]?["command"]?.flow == "[a, &&, b, >, c]")
        #expect(project.diagnostics.map(\.code) == ["SC2202"])
        let quoted = try ModelLab.project("services: {a: {image: a, command: 'sh -c \"a && b\"'}}")
        #expect(quoted.diagnostics.isEmpty)
    }

    @Test("of what is external may be the old one")
    func external() throws {
        let project = try ModelLab.project(
            "services: {a: {image: a, volumes: ['v:/v']}}\nvolumes: {v: {external: {name: real}}}")
        #expect(project.volumes["v"]?.flow == "{external: true, name: real}")
        #expect(project.diagnostics.map(\.code) == ["SC2206"])
    }

    @Test("of variables come from files below what the service says, the last file first")
    func files() throws {
        let project = try ModelLab.project(
            "services: {a: {image: a, env_file: [one.env, two.env], environment: {C: own, D: }}}",
            ["one.env": "A=1\nB=1\nC=1\nD=1\nE\n", "two.env": "B=2\nF=$OUTER\n"]
        ) { $0.environment = ["OUTER": "outer", "E": "shell"] }
        #expect(project.services["a"]?["environment"]?.flow == "{A: 1, B: 2, C: own, D: null, E: shell, F: outer}")
        #expect(project.services["a"]?["env_file"] == nil)
    }
}
