import Compose
import Diagnostics
import Testing

@Suite("profiles, and what is selected of a project")
struct ModelProfileTests {
    private let text = """
        services:
          app: {image: a, volumes: ['app:/app'], networks: [front]}
          db: {image: b, networks: [back, front]}
          web: {image: c, depends_on: [app, db], networks: [front]}
          debug: {image: d, profiles: [debug], depends_on: [app], volumes: ['debug:/d']}
          test: {image: e, profiles: [test], depends_on: [debug]}
          soft: {image: f, depends_on: {debug: {condition: service_started, required: false}}}
        volumes: {app: , debug: , unused: }
        networks: {front: , back: }
        """

    private func problems(_ services: [String], of project: ComposeProject) -> [String] {
        do {
            _ = try project.selecting(services)
            return []
        } catch {
            return error.diagnostics.map(ModelLab.line)
        }
    }

    @Test("services of other profiles are not active, nor what only they use")
    func inactive() throws {
        let project = try ModelLab.project(text)
        #expect(project.services.keys == ["app", "db", "web", "soft"])
        #expect(project.disabledServices.keys == ["debug", "test"])
        #expect(project.volumes.keys == ["app"])
        #expect(project.networks.keys.sorted() == ["back", "default", "front"])
        #expect(project.diagnostics.map(\.summary) == ["`soft` does without `debug`, which is not active"])
    }

    @Test("come from what is asked for, or else from COMPOSE_PROFILES; * is all")
    func active() throws {
        #expect(try ModelLab.project(text) { $0.profiles = ["debug"] }.disabledServices.keys == ["test"])
        #expect(
            try ModelLab.project(text) { $0.environment = ["COMPOSE_PROFILES": "debug, test"] }.disabledServices.isEmpty
        )
        #expect(try ModelLab.project(text) { $0.profiles = ["*"] }.disabledServices.isEmpty)
        #expect(try ModelLab.project(text) { $0.profiles = ["*"] }.volumes.keys.sorted() == ["app", "debug"])
    }

    @Test("a service that is named activates its own, not that of a dependency")
    func named() throws {
        let project = try ModelLab.project(text)
        let debug = try project.selecting(["debug"])
        #expect(debug.services.keys.sorted() == ["app", "debug"])
        #expect(debug.volumes.keys.sorted() == ["app", "debug"])
        #expect(
            problems(["test"], of: project)
                == ["SC2244 compose.yaml:6:51 `test` depends on `debug`, whose profile is not active"])
        #expect(try project.selecting(["test", "debug"]).services.keys.sorted() == ["app", "debug", "test"])
    }

    @Test("services are selected with what they depend on, or alone")
    func selection() throws {
        let project = try ModelLab.project(text)
        let web = try project.selecting(["web"])
        #expect(web.services.keys == ["app", "db", "web"])
        #expect(web.startOrder == ["app", "db", "web"])
        let alone = try project.selecting(["web"], withDependencies: false)
        #expect(alone.services.keys == ["web"] && alone.services["web"]?["depends_on"] == nil)
        #expect(alone.networks.keys == ["front"] && alone.volumes.isEmpty)
        #expect(try web.selecting(["app"]).services.keys == ["app"])
        #expect(try alone.selecting(["db"]).services.keys == ["db"])
        #expect(try project.selecting([]).services.keys == project.services.keys)
    }

    @Test("a service that is not there is named with the nearest one")
    func unknown() throws {
        let project = try ModelLab.project(text)
        do {
            _ = try project.selecting(["wbe", "db"])
            Issue.record("selected")
        } catch {
            #expect(error.diagnostics.map(\.summary) == ["there is no service `wbe`"])
            #expect(error.diagnostics.first?.hint == "did you mean `web`?")
        }
    }

    @Test("what is wrong with a service that is not active counts once it is")
    func deferred() throws {
        let project = try ModelLab.project(
            "services: {a: {image: a}, b: {image: b, profiles: [x], env_file: no.env}, c: {profiles: [x]}}")
        #expect(problems(["b"], of: project).map { $0.prefix(26) } == ["SC2236 compose.yaml:1:66 t"])
        #expect(problems(["c"], of: project).first?.hasPrefix("SC2251") == true)
        #expect(
            ModelLab.problems("services: {b: {image: b, profiles: [x], env_file: no.env}}") { $0.profiles = ["x"] }
                .count
                == 1)
    }

    @Test("services start after what they depend on")
    func order() throws {
        let project = try ModelLab.project(
            """
            services:
              a: {image: x, links: [d]}
              b: {image: x, network_mode: "service:a"}
              c: {image: x, volumes_from: ["b:ro", "container:stranger"]}
              d: {image: x, pid: host}
            """)
        #expect(project.startOrder == ["d", "a", "b", "c"])
        #expect(project.dependencies(of: "c") == ["b"])
    }

    @Test("services that depend on each other in a circle are named with their lines")
    func circle() {
        let problems = ModelLab.problems(
            """
            services:
              a: {image: x, depends_on: [b]}
              b: {image: x, depends_on: [c]}
              c: {image: x, links: [a]}
              d: {image: x, depends_on: [a]}
            """)
        #expect(
            problems == [
                "SC2248 compose.yaml:2:30 services depend on each other in a circle: `a` → `b` → `c` → `a`"
            ])
        #expect(ModelLab.problems("services: {a: {image: x, depends_on: [a]}}").first?.contains("`a` → `a`") == true)
    }

    @Test("chains of dependencies may be long")
    func long() throws {
        let services = (0..<3000).map { "  s\($0): {image: x, depends_on: [s\($0 + 1)]}\n" }.joined()
        let project = try ModelLab.project("services:\n" + services + "  s3000: {image: x}\n")
        #expect(project.startOrder.first == "s3000" && project.startOrder.last == "s0")
    }
}
