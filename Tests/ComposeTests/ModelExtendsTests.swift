import Compose
import Testing

@Suite("services that extend others")
struct ModelExtendsTests {
    @Test("a file that is wrong is read once, however many services extend it", .timeLimit(.minutes(5)))
    func wrongFile() {
        let wrong = "services:\n" + (0..<900).map { "  s\($0): {tyt: 1}\n" }.joined()
        let many = "services:\n" + (0..<500).map { "  e\($0): {extends: {file: w.yaml, service: s0}}\n" }.joined()
        #expect(ModelLab.problems(many, ["w.yaml": wrong]).count == 900)
    }

    @Test("take what the other has, and say more")
    func same() throws {
        let project = try ModelLab.project(
            """
            services:
              base: {image: a, environment: {A: 1, B: 1}, ports: ["80"]}
              web: {extends: base, environment: {B: 2}, ports: !override ["81"]}
              last: {extends: {service: web}, environment: [C=3]}
            """)
        #expect(project.services["last"]?["environment"]?.flow == "{A: 1, B: 2, C: 3}")
        #expect(project.services["last"]?["image"]?.string == "a")
        #expect(project.services["last"]?["ports"]?.list?.first?["target"]?.int == 81)
        #expect(project.services["last"]?["extends"] == nil)
    }

    @Test("of another file have paths from its folder")
    func paths() throws {
        let project = try ModelLab.project(
            "services: {web: {extends: {file: deep/er/other.yaml, service: app}, volumes: ['./mine:/mine']}}",
            [
                "deep/er/other.yaml": "services: {app: {extends: {file: ../third.yaml, service: x}, build: ./src}}",
                "deep/third.yaml": "services: {x: {volumes: ['./theirs:/theirs'], env_file: some.env}}",
                "deep/some.env": "A=1",
            ])
        let web = project.services["web"]
        #expect(web?["build"]?["context"]?.string == "/project/deep/er/src")
        #expect(
            web?["volumes"]?.list?.compactMap { $0["source"]?.string } == ["/project/deep/theirs", "/project/mine"])
        #expect(web?["environment"]?.flow == "{A: 1}")
    }

    @Test("have what they reset reset in an earlier file, too")
    func tags() throws {
        let project = try ModelLab.project(
            "services: {base: {image: a, dns: 1.1.1.1}, web: {image: b, tmpfs: /a, dns: 2.2.2.2}}",
            [
                "compose.override.yaml":
                    "services: {base: {}, web: {extends: base, dns: !reset null, tmpfs: !override [/b]}}"
            ])
        #expect(project.services["web"]?["dns"] == nil)
        #expect(project.services["web"]?["tmpfs"]?.flow == "[/b]")
    }

    @Test("in a circle are named with their lines")
    func circle() throws {
        let problems = ModelLab.problems(
            """
            services:
              a: {extends: b}
              b:
                extends: {service: c}
              c: {extends: {file: compose.yaml, service: a}}
            """)
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("SC2221 compose.yaml:") == true)
        #expect(problems.first?.contains("`a` extends `b` extends `c`") == true)
    }

    @Test("have to exist, and so have their files")
    func missing() {
        #expect(
            ModelLab.problems("services: {web: {image: a}, b: {extends: wed}}")
                == ["SC2220 compose.yaml:1:42 there is no service `wed` to extend in compose.yaml"])
        #expect(
            ModelLab.problems("services: {web: {extends: {file: no.yaml, service: a}}}")
                == ["SC2210 compose.yaml:1:34 there is no file no.yaml"])
        #expect(
            ModelLab.problems("services: {web: {extends: {file: 'https://x.test/a.yaml', service: a}}}").first?
                .hasPrefix("SC2212 compose.yaml:1:34") == true)
    }

    @Test("do not bring the networks, volumes and services that they name")
    func references() {
        let problems = ModelLab.problems(
            "services: {web: {extends: {file: o.yaml, service: app}}}",
            [
                "o.yaml": """
                services: {app: {image: a, networks: [n], volumes: ['v:/v'], depends_on: [db]}, db: {image: b}}
                networks: {n: }
                volumes: {v: }
                """
            ])
        #expect(problems.map { $0.prefix(6) } == ["SC2243", "SC2243", "SC2245"])
        #expect(problems.allSatisfy { $0.contains("o.yaml:1:") })
    }

    @Test("cannot extend each other in a chain without end")
    func chain() {
        let services = (0..<200).map { "  s\($0): {extends: s\($0 + 1)}\n" }.joined()
        let problems = ModelLab.problems("services:\n" + services + "  s200: {image: a}\n")
        #expect(problems.contains { $0.hasPrefix("SC2222") })
    }
}
