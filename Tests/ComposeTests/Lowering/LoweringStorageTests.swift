import Compose
import Diagnostics
import JSONText
import StackModel
import Testing

@Suite("compose volumes, files, networks and ports as a stack's")
struct LoweringStorageTests {
    @Test(
        "each kind of mount is the container's",
        arguments: [
            (
                #"{"type": "bind", "source": "/srv/a", "target": "/a", "bind": {"create_host_path": true}}"#,
                #"{"createSource":true,"source":"/srv/a","target":"/a","type":"bind"}"#
            ),
            (
                #"{"type": "bind", "source": "/srv/a", "target": "/a", "read_only": true, "bind": {"create_host_path": false, "propagation": "rshared", "recursive": "disabled"}}"#,
                #"{"propagation":"rshared","readOnly":true,"recursive":false,"source":"/srv/a","target":"/a","type":"bind"}"#
            ),
            (
                #"{"type": "volume", "source": "data", "target": "/a", "volume": {"nocopy": true, "subpath": "x"}}"#,
                #"{"copy":false,"source":{"$ref":"volume.data","attribute":"name"},"subpath":"x","target":"/a","type":"volume"}"#
            ),
            (
                #"{"type": "volume", "source": "old", "target": "/a"}"#,
                #"{"mustExist":true,"source":"legacy","target":"/a","type":"volume"}"#
            ),
            (#"{"type": "volume", "target": "/a"}"#, #"{"target":"/a","type":"volume"}"#),
            (
                #"{"type": "tmpfs", "target": "/a", "tmpfs": {"size": "1048576", "mode": 1023}}"#,
                #"{"mode":1023,"size":1048576,"target":"/a","type":"tmpfs"}"#
            ),
            (
                #"{"type": "image", "source": "busybox", "target": "/a", "image": {"subpath": "bin"}}"#,
                #"{"source":"busybox","subpath":"bin","target":"/a","type":"image"}"#
            ),
        ])
    func mount(_ written: String, _ expected: String) throws {
        let lab = try LoweringLab(
            web: #""volumes": [\#(written)]"#,
            with: #""volumes": {"data": {"name": "shop_data"}, "old": {"name": "legacy", "external": true}}"#)
        #expect(try lab.attributes()?["mounts"]?.serialized(.canonical) == "[\(expected)]")
    }

    @Test(
        "tmpfs takes the words of mount(8)",
        arguments: [
            ("/run", #"{"target":"/run","type":"tmpfs"}"#),
            (
                "/run:size=64m,mode=755,uid=1000,noexec",
                #"{"mode":493,"options":["uid=1000","noexec"],"size":67108864,"target":"/run","type":"tmpfs"}"#
            ),
            ("/run:=", #"{"options":["="],"target":"/run","type":"tmpfs"}"#),
        ])
    func temporary(_ written: String, _ expected: String) throws {
        let lab = try LoweringLab(web: #""tmpfs": ["\#(written)"]"#)
        #expect(try lab.attributes()?["mounts"]?.serialized(.canonical) == "[\(expected)]")
    }

    @Test("an external volume is no resource, and one that is declared is, with Docker Compose's labels")
    func volumes() throws {
        let lab = try LoweringLab(
            web: "",
            with:
                #""volumes": {"data": {"name": "shop_data", "driver_opts": {"type": "tmpfs", "device": "tmpfs"}, "labels": {"a": "b"}, "x-stackctl": {"protect": true}}, "own": {"name": "other"}, "old": {"name": "legacy", "external": true}}"#
        )
        let document = try lab.document()
        let volumes = document.resources.filter { $0.address.kind == .volume }
        #expect(volumes.map(\.address.name) == ["data", "own"])
        #expect(volumes.map(\.protect) == [true, false])
        #expect(volumes[0].attributes["name"] == nil && volumes[1].attributes["name"] == "other")
        #expect(volumes[0].attributes["options"] == ["type": "tmpfs", "device": "tmpfs"])
        #expect(volumes[0].attributes["labels"]?["com.docker.compose.volume"] == "data")
        #expect(volumes[0].attributes["labels"]?["com.docker.compose.project"] == "shop")
        #expect(volumes[0].attributes["labels"]?["a"] == "b")
    }

    @Test("secrets and configs are files with owner and mode, from a path, a text, a variable or a seal")
    func files() throws {
        let lab = try LoweringLab(
            #"""
            {"services": {"web": {"image": "nginx", "network_mode": "none",
                "secrets": [{"source": "key"}, {"source": "token", "target": "t", "uid": "33", "gid": "33", "mode": "0400"}],
                "configs": [{"source": "site", "target": "/etc/site.conf", "mode": 292}, {"source": "greeting"}, {"source": "from"}]}},
             "secrets": {"key": {"name": "shop_key", "file": "/srv/shop/key"}, "token": {"name": "shop_token", "environment": "TOKEN"}},
             "configs": {"site": {"file": "/srv/shop/site.conf"}, "greeting": {"content": "hi"}, "from": {"environment": "GREETING"}},
             "environment": {"TOKEN": "t0p", "GREETING": "hello"}}
            """#)
        #expect(lab.project.valuesToSeal == ["token": "t0p"])
        let document = try lab.document(seal: ["token": "SEALED"])
        let files = document.resources[0].attributes["files"]?.arrayValue?.map { $0.serialized(.canonical) }
        #expect(
            files == [
                #"{"mode":"0444","source":"/srv/shop/key","target":"/run/secrets/key"}"#,
                #"{"gid":33,"mode":"0400","sealed":"SEALED","target":"/run/secrets/t","uid":33}"#,
                #"{"mode":"0444","source":"/srv/shop/site.conf","target":"/etc/site.conf"}"#,
                #"{"content":"hi","mode":"0444","target":"/greeting"}"#,
                #"{"content":"hello","mode":"0444","target":"/from"}"#,
            ])
        let text = document.json.serialized()
        #expect(!text.contains("t0p"), "a secret's value is in the document")
    }

    @Test(
        "ports are published as they are written",
        arguments: [
            (
                #"{"target": 80, "published": "8080", "protocol": "tcp", "mode": "ingress"}"#,
                #"{"protocol":"tcp","published":8080,"target":80}"#
            ),
            (#"{"target": 80}"#, #"{"protocol":"tcp","published":0,"target":80}"#),
            (
                #"{"target": 53, "published": "53", "protocol": "udp", "host_ip": "127.0.0.1", "name": "dns", "app_protocol": "dns"}"#,
                #"{"hostAddress":"127.0.0.1","protocol":"udp","published":53,"target":53}"#
            ),
            (
                #"{"target": 80, "published": "8000-8010", "host_ip": "::1"}"#,
                #"{"hostAddress":"::1","protocol":"tcp","published":8000,"publishedLast":8010,"target":80}"#
            ),
        ])
    func port(_ written: String, _ expected: String) throws {
        let lab = try LoweringLab(web: #""ports": [\#(written)]"#)
        #expect(try lab.attributes()?["ports"]?.serialized(.canonical) == "[\(expected)]")
    }

    @Test("the network of the highest priority comes first, then by name")
    func networks() throws {
        let lab = try LoweringLab(
            #"""
            {"services": {"web": {"image": "nginx", "mac_address": "02:42:ac:11:00:02", "networks": {
                "back": {"aliases": ["db"], "ipv4_address": "10.1.0.5", "ipv6_address": "fd00::5", "gw_priority": 3, "interface_name": "eth7", "driver_opts": {"a": "b"}},
                "front": {"priority": 10}, "old": null}}},
             "networks": {"back": {"name": "shop_back"}, "front": {"name": "shop_front"}, "unused": {"name": "shop_unused"}, "old": {"name": "legacy", "external": true}}}
            """#)
        let document = try lab.document()
        #expect(document.resources.map(\.address.description) == ["network.back", "network.front", "container.web[1]"])
        let endpoints = document.resources[2].attributes["networks"]?.arrayValue?.map { $0.serialized(.canonical) }
        #expect(
            endpoints == [
                #"{"macAddress":"02:42:ac:11:00:02","network":{"$ref":"network.front","attribute":"id"}}"#,
                #"{"address":"10.1.0.5","address6":"fd00::5","aliases":["db"],"driverOptions":{"a":"b"},"gatewayPriority":3,"interfaceName":"eth7","network":{"$ref":"network.back","attribute":"id"}}"#,
                #"{"network":"legacy"}"#,
            ])
    }

    @Test("a network has its addresses, options and labels")
    func network() throws {
        let lab = try LoweringLab(
            #"""
            {"services": {"web": {"image": "nginx", "networks": {"n": null}}},
             "networks": {"n": {"name": "plain", "driver": "macvlan", "driver_opts": {"parent": "eth0"}, "internal": true, "attachable": true, "enable_ipv6": true, "labels": {"a": "b"},
                "ipam": {"config": [{"subnet": "10.1.0.0/16", "gateway": "10.1.0.1", "ip_range": "10.1.5.0/24", "aux_addresses": {"x": "10.1.0.9"}}, {"subnet": "fd00::/64", "gateway": "fd00::1"}]}}}}
            """#)
        var attributes = try #require(try lab.attributes("network.n"))
        #expect(attributes["labels"]?["com.docker.compose.network"] == "n")
        attributes["labels"] = nil
        #expect(
            JSONValue.object(attributes).serialized(.canonical)
                == #"{"attachable":true,"auxiliary":{"x":"10.1.0.9"},"driver":"macvlan","gateway":"10.1.0.1","gateway6":"fd00::1","internal":true,"ipv6":true,"name":"plain","options":{"parent":"eth0"},"range":"10.1.5.0/24","subnet":"10.1.0.0/16","subnet6":"fd00::/64"}"#
        )
    }

    @Test("namespaces and volumes of another service are its first container's")
    func shared() throws {
        let lab = try LoweringLab(
            #"""
            {"services": {"db": {"image": "postgres", "network_mode": "none"},
              "web": {"image": "nginx", "network_mode": "service:db", "pid": "service:db", "ipc": "container:other", "volumes_from": ["db:ro", "container:old"],
                "depends_on": {"db": {"condition": "service_started", "required": true}}}}}
            """#)
        let attributes = try #require(try lab.attributes())
        let text = #"{"$text":["container:",{"$ref":"container.db[1]","attribute":"id"}]}"#
        #expect(attributes["networkMode"]?.serialized(.canonical) == text)
        #expect(attributes["pidMode"]?.serialized(.canonical) == text)
        #expect(attributes["ipcMode"] == "container:other")
        #expect(
            attributes["volumesFrom"]?.serialized(.canonical)
                == #"[{"$text":[{"$ref":"container.db[1]","attribute":"id"},":ro"]},"old"]"#)
    }

    @Test("a service whose IPC others join is shareable")
    func memory() throws {
        let lab = try LoweringLab(
            #"{"services": {"db": {"image": "postgres", "network_mode": "none"}, "web": {"image": "nginx", "network_mode": "none", "ipc": "service:db"}}}"#
        )
        #expect(try lab.attributes("container.db[1]")?["ipcMode"] == "shareable")
    }

    @Test("links lead to every container of a service, by its names")
    func links() throws {
        let lab = try LoweringLab(
            #"""
            {"services": {"db": {"image": "postgres", "scale": 2, "networks": {"default": null}},
              "web": {"image": "nginx", "links": ["db:database"], "networks": {"default": null}}},
             "networks": {"default": {"name": "shop_default"}}}
            """#)
        #expect(
            try lab.attributes()?["links"]
                == ["shop-db-1:database", "shop-db-1:db-1", "shop-db-2:database", "shop-db-2:db-2"])
    }
}
