import Compose
import Testing

@Suite("one compose file over another")
struct ModelMergeTests {
    /// An attribute of `web` after merging two texts of the service's attributes.
    private func merged(_ base: String, _ over: String, _ attribute: String) throws -> String? {
        let project = try ModelLab.project(
            "services: {web: {image: a, \(base)}}",
            ["compose.override.yaml": "services: {web: {\(over)}}"]
        ) {
            $0.normalizes = false; $0.checksConsistency = false
        }
        return project.services["web"]?[attribute]?.flow
    }

    @Test(
        "follows the rule of each attribute",
        arguments: [
            ("command: one two", "command: [three]", "command", "[three]"),
            ("entrypoint: [one, two]", "entrypoint: three", "entrypoint", "[three]"),
            ("command: one", "command: null", "command", "null"),
            ("environment: {A: 1, B: 1}", "environment: [B=2, C]", "environment", "{A: 1, B: 2, C: null}"),
            ("labels: [a=1, b=1]", "labels: {b: 2}", "labels", "{a: 1, b: 2}"),
            ("dns: 1.1.1.1", "dns: [1.1.1.1, 2.2.2.2]", "dns", "[1.1.1.1, 2.2.2.2]"),
            ("expose: [80]", "expose: ['80', 81]", "expose", "[80, 81]"),
            ("cap_add: [A]", "cap_add: [A, B]", "cap_add", "[A, B]"),
            ("security_opt: [a]", "security_opt: [b]", "security_opt", "[a, b]"),
            ("ulimits: {nofile: {soft: 1, hard: 2}}", "ulimits: {nofile: 5}", "ulimits", "{nofile: 5}"),
            ("extra_hosts: ['a:1.1.1.1']", "extra_hosts: {b: 2.2.2.2}", "extra_hosts", "[a=1.1.1.1, b=2.2.2.2]"),
            ("tmpfs: /a", "tmpfs: [/b]", "tmpfs", "[/a, /b]"),
            ("tmpfs: '/a:size=1m'", "tmpfs: '/a:size=2m'", "tmpfs", "[/a:size=2m]"),
            (
                "devices: [{source: /dev/a}]", "devices: [{source: /dev/b}]", "devices",
                "[{permissions: rwm, source: /dev/a, target: /dev/a}, "
                    + "{permissions: rwm, source: /dev/b, target: /dev/b}]"
            ),
            (
                "depends_on: {db: {condition: service_started, required: false}}",
                "depends_on: {db: {condition: service_healthy}}", "depends_on",
                "{db: {condition: service_healthy, required: false}}"
            ),
            (
                "logging: {driver: json-file, options: {max-size: 1m}}", "logging: {options: {max-file: 3}}", "logging",
                "{driver: json-file, options: {max-file: 3, max-size: 1m}}"
            ),
            (
                "logging: {driver: json-file, options: {max-size: 1m}}", "logging: {driver: syslog}", "logging",
                "{driver: syslog}"
            ),
            (
                "healthcheck: {test: [CMD, a], retries: 3}", "healthcheck: {test: b}", "healthcheck",
                "{retries: 3, test: [CMD-SHELL, b]}"
            ),
            ("deploy: {replicas: 2}", "deploy: null", "deploy", "{replicas: 2}"),
            ("x-a: {b: 1}", "x-a: [2]", "x-a", "[2]"),
        ])
    func rule(base: String, over: String, attribute: String, expected: String) throws {
        #expect(try merged(base, over, attribute) == expected)
    }

    @Test("takes the environment's value for a later variable without one")
    func variables() throws {
        let project = try ModelLab.project(
            "services: {web: {image: a, environment: {HOME: base, GONE: base}}}",
            ["compose.override.yaml": "services: {web: {environment: [HOME, GONE]}}"])
        #expect(project.services["web"]?["environment"]?.flow == "{GONE: null, HOME: /home/user}")
    }

    @Test("is told of all that is wrong with any of the files")
    func problems() {
        let found = ModelLab.problems(
            "services: {web: {image: a, tyt: true}}",
            [
                "second.yaml": "services: {web: {image: 'b:${TAG?}'}}", "third.yaml": "services: [web]",
            ]
        ) { $0.files = ["compose.yaml", "second.yaml", "third.yaml"].map { "/project/" + $0 } }
        #expect(
            found.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "SC2020 compose.yaml:1:28", "SC2011 second.yaml:1:25", "SC2021 third.yaml:1:11",
            ], "\(found)")
    }

    @Test("replaces a mount of the same target, however it is written")
    func mounts() throws {
        let merged = try merged(
            "volumes: ['a:/data', '/tmp/b:/b:ro']", "volumes: [{type: tmpfs, target: /data}, 'c:/c']", "volumes")
        #expect(
            merged == "[{target: /data, type: tmpfs}, "
                + "{bind: {create_host_path: true}, read_only: true, source: /tmp/b, target: /b, type: bind}, "
                + "{source: c, target: /c, type: volume, volume: {}}]")
    }

    @Test("keeps ports apart by address, both ports and protocol")
    func ports() throws {
        let merged = try merged(
            "ports: ['80:80', '127.0.0.1:81:81']",
            "ports: [{target: 80, published: 80, name: web}, '81:81', '80:80/udp']", "ports")
        let targets = merged?.split(separator: "}").count { $0.contains("target") }
        #expect(targets == 4)
        #expect(merged?.hasPrefix("[{mode: ingress, name: web, protocol: tcp, published: 80, target: 80}") == true)
    }

    @Test("joins the list and the map form of dependencies and networks")
    func forms() throws {
        #expect(
            try merged("depends_on: [a, b]", "depends_on: {b: {condition: service_healthy}}", "depends_on")
                == "{a: {condition: service_started, required: true}, b: {condition: service_healthy, required: true}}")
        #expect(
            try merged("networks: [x]", "networks: {x: {aliases: [a]}, y: }", "networks")
                == "{x: {aliases: [a]}, y: null}")
        #expect(
            try merged("build: ./a", "build: {target: t, args: [A=1]}", "build")
                == "{args: {A: 1}, context: /project/a, target: t}")
    }

    @Test("takes out what is reset and replaces what is overridden, at any depth")
    func tags() throws {
        #expect(try merged("ports: ['80:80']", "ports: !reset []", "ports") == nil)
        #expect(
            try merged("environment: {A: 1, B: 1}", "environment: {A: !reset null}", "environment") == "{B: 1}")
        #expect(try merged("dns: [1.1.1.1]", "dns: !override [2.2.2.2]", "dns") == "[2.2.2.2]")
        #expect(
            try merged(
                "deploy: {labels: {a: 1}, replicas: 2}", "deploy: {labels: !override {b: 2}}", "deploy")
                == "{labels: {b: 2}, replicas: 2}")
    }

    @Test("takes a whole service out that is reset")
    func service() throws {
        let project = try ModelLab.project(
            "services: {a: {image: a}, b: {image: b}}", ["compose.override.yaml": "services: {b: !reset null}"])
        #expect(project.services.keys == ["a"])
    }

    @Test("merges pools of a network by their subnets")
    func pools() throws {
        let project = try ModelLab.project(
            """
            services: {a: {image: a, networks: [n]}}
            networks: {n: {ipam: {config: [{subnet: 10.0.0.0/8, gateway: 10.0.0.1}]}}}
            """,
            ["compose.override.yaml": "networks: {n: {ipam: {config: [{subnet: fd00::/64}]}}}"])
        #expect(
            project.networks["n"]?["ipam"]?.flow
                == "{config: [{gateway: 10.0.0.1, subnet: 10.0.0.0/8}, {subnet: fd00::/64}]}")
    }

    @Test("takes the documents of one file in order")
    func documents() throws {
        let project = try ModelLab.project(
            "services: {a: {image: one, tty: true}}\n---\nservices: {a: {image: two}}\n")
        #expect(project.services["a"]?["image"]?.string == "two")
        #expect(project.services["a"]?["tty"]?.bool == true)
    }
}
