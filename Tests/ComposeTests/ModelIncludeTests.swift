import Compose
import Diagnostics
import Testing

@Suite("compose files that include others")
struct ModelIncludeTests {
    @Test("have their services with paths from their own folders")
    func paths() throws {
        let project = try ModelLab.project(
            "include: [sub/compose.yaml]\nservices: {a: {image: a, depends_on: [b]}}",
            ["sub/compose.yaml": "services: {b: {build: ./b, volumes: ['./d:/d', 'v:/v']}}\nvolumes: {v: }"])
        #expect(project.services.keys.sorted() == ["a", "b"])
        #expect(project.services["b"]?["build"]?["context"]?.string == "/project/sub/b")
        #expect(project.services["b"]?["volumes"]?.list?.first?["source"]?.string == "/project/sub/d")
        #expect(project.volumes["v"]?["name"]?.string == "project_v")
    }

    @Test("may say folder, variables and overrides")
    func long() throws {
        let project = try ModelLab.project(
            """
            include:
              - path: [sub/compose.yaml, sub-override.yaml]
                project_directory: elsewhere
                env_file: my.env
            """,
            [
                "sub/compose.yaml": "services: {b: {image: 'b:${TAG}', volumes: ['./d:/d']}}",
                "sub-override.yaml": "services: {b: {command: run $WHO}}",
                "my.env": "TAG=7\nWHO=file\n", "sub/.env": "TAG=wrong\n", ".env": "OTHER=1\n",
            ]
        ) { $0.environment = ["WHO": "shell"] }
        let service = project.services["b"]
        #expect(service?["image"]?.string == "b:7")
        #expect(service?["command"]?.flow == "[run, shell]")
        #expect(service?["volumes"]?.list?.first?["source"]?.string == "/project/elsewhere/d")
    }

    @Test("take the variables of the folder that is included")
    func variables() throws {
        let project = try ModelLab.project(
            "include: [sub/compose.yaml]",
            ["sub/compose.yaml": "services: {b: {image: 'b:${TAG}'}}", "sub/.env": "TAG=own\n"])
        #expect(project.services["b"]?["image"]?.string == "b:own")
    }

    @Test("are all looked at before what is wrong with them is said, and so is what is extended")
    func problems() {
        let found = ModelLab.problems(
            """
            include: ["https://example.test/x.yaml", none.yaml, a.yaml, a.yaml, b.yaml]
            """,
            [
                "a.yaml": "services: {a: {tyt: true}}",
                "b.yaml":
                    "services: {b: {extends: {file: no.yaml, service: x}}, c: {extends: {file: a.yaml, service: a}}}",
            ])
        #expect(
            found.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } == [
                "SC2212 compose.yaml:1:11", "SC2210 compose.yaml:1:42", "SC2020 a.yaml:1:16", "SC2210 b.yaml:1:32",
            ], "\(found)")
    }

    @Test("have what they leave open from their own folder and variables")
    func defaults() throws {
        let project = try ModelLab.project(
            "include: [sub/compose.yaml]",
            [
                "sub/compose.yaml": "services: {b: {build: {dockerfile: Other}, environment: [OWN, NOWHERE]}}",
                "sub/.env": "OWN=sub\n",
            ])
        #expect(project.services["b"]?["build"]?["context"]?.string == "/project/sub")
        #expect(project.services["b"]?["environment"]?.flow == "{NOWHERE: null, OWN: sub}")
    }

    @Test("cannot declare what the included one declares")
    func conflict() throws {
        let files = ["sub.yaml": "services: {b: {image: b}}\nnetworks: {n: {internal: true}}"]
        let problems = ModelLab.problems(
            "include: [sub.yaml]\nservices: {b: {image: other}}\nnetworks: {n: }", files)
        #expect(
            problems == [
                "SC2232 compose.yaml:2:12 `services.b` is declared here and in what is included",
                "SC2232 compose.yaml:3:12 `networks.n` is declared here and in what is included",
            ])
        do {
            _ = try ModelLab.project("include: [sub.yaml]\nservices: {b: {image: other}}", files)
        } catch let list as DiagnosticList {
            #expect(list.diagnostics.first?.notes.first == "the other one is at sub.yaml:1:12")
        }
    }

    @Test("may be changed by an override file, and extended")
    func override() throws {
        let project = try ModelLab.project(
            "include: [sub.yaml]\nservices: {c: {extends: b}}",
            [
                "sub.yaml": "services: {b: {image: b, tty: true}}",
                "compose.override.yaml": "services: {b: {image: changed}}",
            ])
        #expect(project.services["b"]?["image"]?.string == "changed")
        #expect(project.services["c"]?["tty"]?.bool == true)
    }

    @Test("may meet in one file on two ways")
    func diamond() throws {
        let project = try ModelLab.project(
            "include: [l.yaml, r.yaml]",
            [
                "l.yaml": "include: [base.yaml]\nservices: {l: {image: l}}",
                "r.yaml": "include: [base.yaml]\nservices: {r: {image: r}}",
                "base.yaml": "services: {base: {image: base}}",
            ])
        #expect(project.services.keys.sorted() == ["base", "l", "r"])
    }

    @Test("in a circle are named")
    func circle() {
        let problems = ModelLab.problems(
            "include: [a.yaml]", ["a.yaml": "include: [b.yaml]", "b.yaml": "include: [a.yaml]"])
        #expect(
            problems == [
                "SC2230 b.yaml:1:11 files include each other in a circle: a.yaml includes b.yaml includes a.yaml"
            ])
    }

    @Test(
        "of other hosts are refused by name",
        arguments: [
            "https://x.test/c.yaml", "oci://x.test/c:1", "git@github.com:x/y.git", "https://github.com/x/y.git#main",
        ])
    func remote(path: String) {
        let problems = ModelLab.problems("services: {a: {image: a}}\ninclude:\n  - '\(path)'")
        #expect(
            problems == [
                "SC2212 compose.yaml:3:5 `include` of `\(path)` is not supported: only files of this host are read"
            ])
    }

    @Test("cannot be doubled without end")
    func bomb() throws {
        var files: [String: String] = [:]
        for level in 0..<40 {
            files["l\(level).yaml"] = "include: [l\(level + 1).yaml, ./l\(level + 1).yaml]"
        }
        files["l40.yaml"] = "services: {deep: {image: a}}"
        let project = try ModelLab.project("include: [l0.yaml]", files)
        #expect(project.services.keys == ["deep"])

        let many = (0..<700).map { "  - m\($0).yaml\n" }.joined()
        let each = Dictionary(uniqueKeysWithValues: (0..<700).map { ("m\($0).yaml", "services: {s\($0): {image: a}}") })
        #expect(ModelLab.problems("include:\n" + many, each).first?.hasPrefix("SC2231") == true)
    }

    @Test("that are not there are named where they are included")
    func missing() {
        #expect(
            ModelLab.problems("services: {a: {image: a}}\ninclude: [no.yaml]")
                == ["SC2210 compose.yaml:2:11 there is no file no.yaml"])
        #expect(
            ModelLab.problems(
                "include: [{path: a.yaml, env_file: no.env}]", ["a.yaml": "services: {a: {image: a}}"]
            ).first?.hasPrefix("SC2217 compose.yaml:1:") == true)
    }
}
