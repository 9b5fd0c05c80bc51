import Compose
import Diagnostics
import JSONText
import StackModel
import Testing

@Suite("compose projects as stacks")
struct LoweringStackTests {
    private static let pair = #"""
        {"services": {
          "db": {"image": "postgres", "networks": {"default": null}},
          "migrate": {"image": "shop", "networks": {"default": null}},
          "web": {"image": "nginx", "networks": {"default": null}, "deploy": {"replicas": 2},
            "depends_on": {"db": {"condition": "service_healthy", "restart": true, "required": true},
              "migrate": {"condition": "service_completed_successfully", "required": true},
              "trace": {"condition": "service_started", "required": false}}}},
         "networks": {"default": {"name": "shop_default"}}}
        """#

    @Test("every service has as many containers as it says, each with a number")
    func replicas() throws {
        let document = try LoweringLab(Self.pair).document()
        #expect(
            document.resources.map(\.address.description) == [
                "network.default", "container.db[1]", "container.migrate[1]", "container.web[1]", "container.web[2]",
            ])
    }

    @Test("asking for another number counts before the file")
    func scale() throws {
        var options = LoweringOptions()
        options.scale = ["web": 0, "db": 2]
        let document = try LoweringLab(Self.pair).document(options)
        #expect(
            document.resources.map(\.address.description)
                == ["network.default", "container.db[1]", "container.db[2]", "container.migrate[1]"])
    }

    @Test("dependencies wait as far as they say, for every container, and what others wait for is done once")
    func dependencies() throws {
        let document = try LoweringLab(Self.pair).document()
        let web = try #require(document.resources.last)
        #expect(
            web.dependencies == [
                StackDependency(address: ResourceAddress(kind: .container, name: "db", index: 1), until: .healthy),
                StackDependency(
                    address: ResourceAddress(kind: .container, name: "migrate", index: 1), until: .completed),
            ])
        #expect(document.resources.map { $0.attributes["oneShot"] == true } == [false, false, true, false, false])
    }

    @Test("the labels are Docker Compose's")
    func labels() throws {
        var lab = try LoweringLab(Self.pair)
        lab.project.environmentFiles = ["/srv/shop/.env"]
        let labels = try #require(try lab.attributes("container.web[2]")?["labels"]?.objectValue)
        #expect(labels["com.docker.compose.project"] == "shop")
        #expect(labels["com.docker.compose.service"] == "web")
        #expect(labels["com.docker.compose.container-number"] == "2")
        #expect(labels["com.docker.compose.oneoff"] == "False")
        #expect(
            labels["com.docker.compose.depends_on"]
                == "db:service_healthy:true,migrate:service_completed_successfully:false,trace:service_started:false")
        #expect(labels["com.docker.compose.project.working_dir"] == "/srv/shop")
        #expect(labels["com.docker.compose.project.config_files"] == "/srv/shop/compose.yaml")
        #expect(labels["com.docker.compose.project.environment_file"] == "/srv/shop/.env")
        #expect(labels["com.docker.compose.version"] != nil)
        #expect(labels["com.docker.compose.config-hash"]?.stringValue?.utf8.count == 64)
    }

    @Test("containers that are not to be started are made all the same")
    func created() throws {
        var options = LoweringOptions()
        options.starts = false
        let document = try LoweringLab(web: "").document(options)
        #expect(document.resources.last?.attributes["running"] == false)
        let edges = try LoweringLab(Self.pair).document(options).resources.flatMap(\.dependencies)
        #expect(!edges.isEmpty && edges.allSatisfy { $0.until == .created }, "nobody waits for what is not started")
    }

    @Test("a document can be read again, so that every address and reference in it leads somewhere")
    func readable() throws {
        for text in [Self.pair, Self.steps, Self.builds] {
            let document = try LoweringLab(text).document()
            #expect(try StackDocument(json: JSONValue.parse(document.json.serialized())) == document)
        }
    }

    private static let builds = #"""
        {"services": {
          "base": {"build": {"context": "/srv/shop/base"}, "network_mode": "none"},
          "web": {"image": "shop/web:1", "network_mode": "none", "build": {"context": "/srv/shop", "dockerfile": "docker/../Dockerfile.web", "target": "run",
            "args": {"V": "1"}, "labels": {"l": "m"}, "additional_contexts": {"base": "service:base", "alpine": "docker-image://alpine:3", "lib": "/srv/lib"},
            "network": "host", "extra_hosts": ["a=1.2.3.4"], "shm_size": "1048576", "ulimits": {"nofile": 10}, "cache_from": ["type=local,src=/c"], "cache_to": ["type=inline"],
            "no_cache": true, "no_cache_filter": ["deps"], "pull": true, "platforms": ["linux/amd64"], "ssh": ["default"], "privileged": true, "tags": ["shop/web:latest"], "secrets": [{"source": "npm", "target": "npmrc"}]}},
          "worker": {"image": "shop/web:1", "network_mode": "none"},
          "inline": {"network_mode": "none", "build": {"context": "/srv/shop", "dockerfile_inline": "FROM scratch\n"}}},
         "secrets": {"npm": {"file": "/srv/shop/npmrc"}}}
        """#

    @Test("what is built is an image of the stack, and every service that names it gets it")
    func images() throws {
        let lab = try LoweringLab(Self.builds)
        let document = try lab.document()
        #expect(
            document.resources.filter { $0.address.kind == .image }.map(\.address.name)
                == ["shop-base", "shop/web:1", "shop-inline"])
        var web = try #require(try lab.attributes("image.shop/web:1"))
        #expect(web["tags"] == ["shop/web:latest"])
        var from = try #require(web["from"]?.objectValue)
        #expect(from["labels"]?["com.docker.compose.service"] == "web" && from["labels"]?["l"] == "m")
        from["labels"] = nil
        web["from"] = nil
        #expect(
            JSONValue.object(from).serialized(.canonical)
                == #"{"arguments":{"V":"1"},"cacheFrom":["type=local,src=/c"],"cacheTo":["type=inline"],"context":"/srv/shop","contexts":{"alpine":"docker-image://alpine:3","base":{"$ref":"image.shop-base","attribute":"id"},"lib":"/srv/lib"},"dockerfile":"/srv/shop/Dockerfile.web","entitlements":["network.host","security.insecure"],"extraHosts":["a:1.2.3.4"],"network":"host","noCache":true,"noCacheStages":["deps"],"platforms":["linux/amd64"],"pull":true,"secrets":{"npmrc":"/srv/shop/npmrc"},"shmSize":1048576,"ssh":["default"],"target":"run","ulimits":{"nofile":{"hard":10,"soft":10}}}"#
        )
        for name in ["web", "worker"] {
            let image = try lab.attributes("container.\(name)[1]")?["image"]
            #expect(image?.serialized(.canonical) == #"{"$ref":"image.shop/web:1","attribute":"id"}"#)
        }
        #expect(try lab.attributes("image.shop-inline")?["from"]?["dockerfileText"] == "FROM scratch\n")
    }

    @Test("an image is built for the platform its service runs on")
    func platform() throws {
        let lab = try LoweringLab(
            #"{"services": {"web": {"platform": "linux/amd64", "build": {"context": "/x"}, "network_mode": "none"}}}"#)
        #expect(try lab.attributes("image.shop-web")?["from"]?["platforms"] == ["linux/amd64"])
    }

    @Test("without building, services run what their image is called")
    func unbuilt() throws {
        var options = LoweringOptions()
        options.builds = false
        let document = try LoweringLab(Self.builds).document(options)
        #expect(document.resources.allSatisfy { $0.address.kind == .container })
        #expect(
            document.resources.map { $0.attributes["image"] } == [
                "shop-base", "shop/web:1", "shop/web:1", "shop-inline",
            ])
        #expect(document.resources.allSatisfy { $0.attributes["pull"] == "missing" })
    }

    private static let steps = #"""
        {"services": {
          "db": {"image": "postgres", "networks": {"default": null}},
          "web": {"image": "nginx", "networks": {"default": {"aliases": ["www"]}}, "scale": 2, "environment": {"A": "1"}, "restart": "always",
            "ports": [{"target": 80}], "depends_on": {"db": {"condition": "service_healthy"}},
            "pre_start": [{"command": ["migrate"], "environment": {"B": "2"}}, {"command": ["warm"], "per_replica": true, "user": "root", "image": "busybox"}]}},
         "networks": {"default": {"name": "shop_default"}}}
        """#

    @Test("steps before the start are containers of their own, in order, once or for each container")
    func preStart() throws {
        let lab = try LoweringLab(Self.steps)
        let document = try lab.document()
        let lines = document.resources.dropFirst(2).map { resource in
            "\(resource.address) < "
                + resource.dependencies.map { "\($0.address) \($0.until)" }.joined(separator: ", ")
        }
        #expect(
            lines == [
                "container.web-pre_start-1[1] < container.db[1] healthy",
                "container.web-pre_start-2[1] < container.db[1] healthy, container.web-pre_start-1[1] completed",
                "container.web-pre_start-2[2] < container.db[1] healthy, container.web-pre_start-1[1] completed",
                "container.web[1] < container.db[1] healthy, container.web-pre_start-1[1] completed, container.web-pre_start-2[1] completed",
                "container.web[2] < container.db[1] healthy, container.web-pre_start-1[1] completed, container.web-pre_start-2[2] completed",
            ])
        let first = try #require(try lab.attributes("container.web-pre_start-1[1]"))
        #expect(first["oneShot"] == true && first["ports"] == nil && first["restart"] == nil)
        #expect(first["env"] == ["A": "1", "B": "2"])
        #expect(first["networks"]?.arrayValue?.first?["aliases"] == nil)
        #expect(first["labels"]?["com.docker.compose.oneoff"] == "True")
        let second = try #require(try lab.attributes("container.web-pre_start-2[2]"))
        #expect(second["image"] == "busybox" && second["user"] == "root" && second["command"] == ["warm"])
    }

    @Test("a step does not get a variable that it names without a value and nothing sets")
    func unsetInStep() throws {
        let lab = try LoweringLab(
            web: #"""
                "environment": {"TOKEN": "1", "GONE": null}, "pre_start": [
                  {"command": ["a"], "environment": {"TOKEN": null}}, {"command": ["b"], "environment": {"GONE": "2"}}]
                """#)
        let first = try #require(try lab.attributes("container.web-pre_start-1[1]"))
        #expect(first["env"] == nil && first["unsetEnv"] == ["GONE", "TOKEN"])
        let second = try #require(try lab.attributes("container.web-pre_start-2[1]"))
        #expect(second["env"] == ["TOKEN": "1", "GONE": "2"] && second["unsetEnv"] == nil)
        let (text, _) = ComposeExport.yaml(of: try lab.document())
        let again = try ModelLab.project(text).document()
        let step = again.resources.first { $0.address.name == "web-pre_start-1" }
        #expect(step?.attributes["unsetEnv"] == ["GONE", "TOKEN"] && step?.attributes["env"] == nil)
    }

    @Test("a container without a number is called as those of manifests")
    func unnumbered() throws {
        let lab = try LoweringLab(
            #"{"services": {"db": {"image": "x", "network_mode": "none", "x-stackctl": {"numbered": false}}, "web": {"image": "x", "network_mode": "service:db", "links": ["db"], "depends_on": {"db": {"condition": "service_healthy"}}}}}"#
        )
        let document = try lab.document()
        #expect(document.resources.map(\.address.description) == ["container.db", "container.web[1]"])
        #expect(document.resources[1].dependencies.map(\.address.description) == ["container.db"])
        #expect(document.resources[1].attributes["links"] == ["shop-db:db", "shop-db:db-1"])
        #expect(StackReference.references(in: .object(document.resources[1].attributes)).map(\.address.index) == [nil])
    }

    @Test("without its dependencies a service names what it shares by the name on the host")
    func alone() throws {
        var options = LoweringOptions()
        options.ignoresDependencies = true
        let lab = try LoweringLab(
            #"{"services": {"web": {"image": "nginx", "network_mode": "service:db", "depends_on": {"db": {"condition": "service_started", "required": true}}}}}"#
        )
        let web = try #require(try lab.document(options).resources.first)
        #expect(web.attributes["networkMode"] == "container:shop-db-1" && web.dependencies.isEmpty)
    }
}
