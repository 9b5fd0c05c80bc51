import Compose
import Diagnostics
import Testing

@Suite("what does not fit together in a compose project")
struct ModelRulesTests {
    @Test(
        "is named with its place",
        arguments: [
            ("services: {a: {}}", "SC2251 compose.yaml:1:12"),
            ("services: {a: {image: x, networks: [nope]}}", "SC2243 compose.yaml:1:37"),
            ("services: {a: {image: x, volumes: ['nope:/n']}}", "SC2243 compose.yaml:1:36"),
            ("services: {a: {image: x, secrets: [nope]}}", "SC2243 compose.yaml:1:36"),
            ("services: {a: {image: x, configs: [{source: nope}]}}", "SC2243 compose.yaml:1:45"),
            ("services: {a: {build: {context: ., secrets: [nope]}}}", "SC2243 compose.yaml:1:46"),
            ("services: {a: {image: x, models: [nope]}}", "SC2243 compose.yaml:1:35"),
            ("services: {a: {image: x, depends_on: [nope]}}", "SC2245 compose.yaml:1:39"),
            ("services: {a: {image: x, network_mode: 'service:nope'}}", "SC2245 compose.yaml:1:40"),
            ("services: {a: {image: x, network_mode: host, networks: [default]}}", "SC2254 compose.yaml:1:26"),
            ("services: {a: {build: {dockerfile: a, dockerfile_inline: b}}}", "SC2027 compose.yaml:1:39"),
            ("services: {a: {image: x, gpus: [{count: 1, device_ids: ['0']}]}}", "SC2027 compose.yaml:1:44"),
            ("services: {a: {image: x}}\nsecrets: {s: {file: a, environment: b}}", "SC2027 compose.yaml:2:24"),
            ("services: {a: {image: x}}\nsecrets: {s: {}}", "SC2242 compose.yaml:2:11"),
            ("services: {a: {image: x}}\nnetworks: {n: {external: true, driver: bridge}}", "SC2240 compose.yaml:2:32"),
            ("services: {a: {image: x, scale: 2, deploy: {replicas: 3}}}", "SC2256 compose.yaml:1:33"),
            ("services: {a: {image: x, container_name: cc, scale: 2}}", "SC2258 compose.yaml:1:26"),
            ("services: {a: {image: x, container_name: cc, deploy: {replicas: 2}}}", "SC2258 compose.yaml:1:26"),
            (
                "services: {a: {image: x, mem_limit: 1g, deploy: {resources: {limits: {memory: 2g}}}}}",
                "SC2259 compose.yaml:1:37"
            ),
            (
                "services: {a: {image: x, cpus: 1, deploy: {resources: {limits: {cpus: '2'}}}}}",
                "SC2259 compose.yaml:1:32"
            ),
            (
                "services: {a: {image: x, pids_limit: 1, deploy: {resources: {limits: {pids: 2}}}}}",
                "SC2259 compose.yaml:1:38"
            ),
            ("services: {a: {image: x, tmpfs: [/t], volumes: ['/h:/t/']}}", "SC2260 compose.yaml:1:49"),
            (
                "services: {a: {image: x, container_name: cc}, b: {image: x, container_name: cc}}",
                "SC2250 compose.yaml:1:77"
            ),
            (
                "services: {a: {image: x, ports: ['80:80']}, b: {image: x, ports: ['127.0.0.1:80:81']}}",
                "SC2249 compose.yaml:1:67"
            ),
            ("services: {a: {image: x, ports: ['80:80', '80:81']}}", "SC2249 compose.yaml:1:43"),
            (
                "services: {a: {build: {context: ., additional_contexts: {b: 'service:nope'}}}}",
                "SC2247 compose.yaml:1:58"
            ),
            (
                "services: {a: {build: {context: ., platforms: [linux/arm64]}, platform: linux/amd64}}",
                "SC2253 compose.yaml:1:73"
            ),
            (
                "services: {a: {image: x, develop: {watch: [{action: sync, path: .}]}}}", "SC2262 compose.yaml:1:44"
            ),
        ])
    func rule(text: String, expected: String) {
        let problems = ModelLab.problems(text)
        #expect(problems.count == 1 && problems.first?.hasPrefix(expected) == true, "\(problems)")
    }

    @Test("names both lines where two services have one port")
    func ports() throws {
        do {
            _ = try ModelLab.project(
                "services:\n  a: {image: x, ports: ['80:80']}\n  b: {image: x, ports: ['80:8080']}\n")
            Issue.record("loaded")
        } catch let list as DiagnosticList {
            let problem = try #require(list.diagnostics.first)
            #expect(problem.summary == "the host's port 80/tcp is published by `a` and `b`")
            #expect(problem.location?.description == "compose.yaml:3:25")
            #expect(problem.notes == ["the other one is at compose.yaml:2:25"])
        }
    }

    @Test(
        "is not: ports of other addresses, protocols, ranges and any free one",
        arguments: [
            "['127.0.0.1:80:80', '127.0.0.2:80:80']", "['80:80', '80:80/udp']", "['8000-8010:80', '8000-8010:81']",
            "['80', '80/udp']", "['[::1]:80:80', '127.0.0.1:80:80']",
        ])
    func apart(ports: String) {
        #expect(ModelLab.problems("services: {a: {image: x, ports: \(ports)}}") == [])
    }

    @Test("is not checked where that is asked for")
    func unchecked() throws {
        let project = try ModelLab.project("services: {a: {depends_on: [nope]}}") { $0.checksConsistency = false }
        #expect(project.services.keys == ["a"])
    }

    @Test("all of it is told at once")
    func all() {
        let problems = ModelLab.problems(
            "services:\n  a: {image: x, networks: [m], volumes: ['v:/v']}\n  b: {networks: [default]}\nnetworks: {n: }\n"
        )
        #expect(problems.map { $0.prefix(6) } == ["SC2243", "SC2243", "SC2251"])
    }
}
