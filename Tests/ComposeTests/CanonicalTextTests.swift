import Compose
import JSONText
import Testing

@Suite("compose projects as text")
struct CanonicalTextTests {
    @Test("have their members in Docker's order, the rest sorted, digits by what they count to")
    func order() throws {
        let project = try ModelLab.project(
            """
            x-b: 1
            services:
              s10: {image: a}
              s9:
                x-y: 1
                working_dir: /w
                image: b
                profiles: []
                build: {target: t, context: .}
                environment: {B10: "1", B9: "2", a: "3"}
            name: sorted
            """)
        #expect(
            project.yaml() == """
                name: sorted
                services:
                  s9:
                    build:
                      context: /project
                      dockerfile: Dockerfile
                      target: t
                    environment:
                      B9: "2"
                      B10: "1"
                      a: "3"
                    image: b
                    networks:
                      default: null
                    working_dir: /w
                    x-y: 1
                  s10:
                    image: a
                    networks:
                      default: null
                networks:
                  default:
                    name: sorted_default
                x-b: 1

                """)
    }

    @Test("have what says nothing left out, and what may say no kept")
    func zero() throws {
        let project = try ModelLab.project(
            """
            services:
              a:
                image: a
                privileged: false
                tty: false
                init: false
                attach: false
                scale: 0
                command: []
                ports: []
                environment: {}
                healthcheck: {disable: false, retries: 0}
                deploy: {resources: {limits: {}}}
            """)
        #expect(
            project.yaml() == """
                name: project
                services:
                  a:
                    attach: false
                    command: []
                    deploy:
                      resources:
                        limits: {}
                    healthcheck:
                      retries: 0
                    image: a
                    init: false
                    networks:
                      default: null
                    scale: 0
                networks:
                  default:
                    name: project_default

                """)
    }

    @Test("as JSON have what Go's encoder always writes")
    func json() throws {
        let project = try ModelLab.project(
            "services: {a: {image: 'a:$$1', x-note: 1, deploy: {replicas: 1}}}\nx-top: {b: 2}")
        #expect(
            project.json.serialized()
                == #"{"name":"project","networks":{"default":{"name":"project_default","ipam":{}}},"services":"#
                + #"{"a":{"command":null,"deploy":{"replicas":1,"resources":{},"placement":{}},"entrypoint":null,"#
                + #""image":"a:$$1","networks":{"default":null}}},"x-top":{"b":2}}"#)
    }

    @Test("double each $, unless variables stay as they are")
    func dollars() throws {
        let text = "services: {a: {image: 'a:${TAG:-1}', command: [\"$$HOME\"], ports: ['${PORT}:80']}}"
        let replaced = try ModelLab.project(text) { $0.environment = ["PORT": "8080"] }
        #expect(replaced.yaml().contains("- $$HOME\n") && replaced.yaml().contains("image: a:1\n"))
        let kept = try ModelLab.project(text) { $0.interpolates = false }
        #expect(kept.yaml().contains("- $$HOME\n") && kept.yaml().contains("image: a:${TAG:-1}\n"))
        #expect(kept.yaml().contains("- ${PORT}:80\n"))
    }

    @Test("keep paths, or defaults out, where that is asked for")
    func variants() throws {
        let text = "services: {a: {build: ./src, volumes: ['./d:/d'], links: [b]}, b: {image: b}}\nvolumes: {v: }"
        let paths = try ModelLab.project(text) { $0.resolvesPaths = false }
        #expect(paths.services["a"]?["build"]?["context"]?.string == "./src")
        #expect(paths.services["a"]?["volumes"]?.list?.first?["source"]?.string == "./d")
        let plain = try ModelLab.project(text) { $0.normalizes = false }
        #expect(plain.services["a"]?["networks"] == nil && plain.services["a"]?["depends_on"] == nil)
        #expect(plain.services["a"]?["build"]?["dockerfile"] == nil)
        let all = try ModelLab.project(text) { $0.keepsUnusedResources = true }
        #expect(all.volumes["v"]?["name"]?.string == "project_v")
    }
}
