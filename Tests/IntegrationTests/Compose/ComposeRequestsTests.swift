import Engine
import HTTP
import JSONText
import Linux
import Testing

/// What Docker Compose of version 2 and later asks of the API, in the form it asks.
@Suite("Requests of Docker Compose v2", .serialized, .timeLimit(.minutes(15)))
struct ComposeRequestsTests {
    private static let project = #""com.docker.compose.project":"shop""#
    private static let byProject = RequestTarget.encoded(#"{"label":{"com.docker.compose.project=shop":true}}"#)

    /// Asks and expects a status; the answer's JSON, or null.
    private static func ask(
        _ wire: EngineWire, _ method: String, _ target: String, _ body: String? = nil, expecting status: Int,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        let answer =
            if let body {
                try await wire.json(method, "/v1.51\(target)", body)
            } else {
                try await wire.call(method, "/v1.51\(target)")
            }
        #expect(answer.status == status, "\(method) \(target): \(answer.text)", sourceLocation: place)
        return (try? JSONValue.parse(answer.text)) ?? .null
    }

    @Test("up, a change that makes a container anew beside the old one, and down")
    func lifeOfProject() async throws {
        let lab = try await EngineLab()
        let wire = lab.wire
        #expect(try await wire.call("HEAD", "/_ping").headers["Api-Version"] == "1.51")
        #expect(try await Self.ask(wire, "GET", "/version", expecting: 200)["ApiVersion"] == "1.51")
        let info = try await Self.ask(wire, "GET", "/info", expecting: 200)
        #expect(info["OSType"] == "linux" && info["Swarm"]?["LocalNodeState"] == "inactive")
        let none = RequestTarget.encoded(
            #"{"label":{"com.docker.compose.config-hash":true,"com.docker.compose.oneoff=False":true,"com.docker.compose.project=shop":true}}"#
        )
        #expect(try await Self.ask(wire, "GET", "/containers/json?all=1&filters=\(none)", expecting: 200) == [])
        try await Self.objects(wire)
        let image = try await Self.ask(wire, "GET", "/images/busybox/json?manifests=1", expecting: 200)
        #expect(image["Id"]?.stringValue?.hasPrefix("sha256:") == true && image["ContainerConfig"] == nil)
        let old = try await wire.json("GET", "/v1.41/images/busybox/json", "")
        #expect(try JSONValue.parse(old.text)["ContainerConfig"]?["Cmd"] == ["sh"])

        let first = try await Self.create(wire, "shop-web-1", value: "1", in: lab)
        _ = try await Self.ask(wire, "POST", "/containers/\(first)/start", expecting: 204)
        let second = try await Self.create(wire, "\(first.prefix(12))_shop-web-1", value: "2", in: lab)
        let waiting = try await Self.ask(wire, "GET", "/containers/\(second)/json", expecting: 200)
        let place = waiting["NetworkSettings"]?["Networks"]?["shop_back"]
        #expect(place?["IPAMConfig"]?["IPv4Address"] == "10.216.0.10" && place?["IPAddress"] == "")
        let refused = try await Self.ask(wire, "POST", "/containers/\(second)/start", expecting: 403)
        #expect(refused["message"]?.stringValue?.hasPrefix("Address already in use") == true)
        _ = try await Self.ask(wire, "POST", "/containers/\(first)/stop?t=0", expecting: 204)
        _ = try await Self.ask(wire, "DELETE", "/containers/\(first)", expecting: 204)
        _ = try await Self.ask(wire, "POST", "/containers/\(second)/rename?name=shop-web-1", expecting: 204)
        _ = try await Self.ask(wire, "POST", "/containers/\(second)/start", expecting: 204)
        try await Self.look(lab, second)
        try await Self.end(lab, second)
        try await lab.takeDown()
    }

    private static func objects(_ wire: EngineWire) async throws {
        #expect(try await ask(wire, "GET", "/networks?filters=\(byProject)", expecting: 200) == [])
        for name in ["front", "back"] {
            _ = try await ask(wire, "GET", "/networks/shop_\(name)", expecting: 404)
            let ipam = name == "back" ? #"{"Config":[{"Subnet":"10.216.0.0/24"}],"Options":{"a":"b"}}"# : "null"
            let made = try await ask(
                wire, "POST", "/networks/create",
                #"{"Name":"shop_\#(name)","CheckDuplicate":true,"Driver":"bridge","Options":null,"IPAM":\#(ipam),"#
                    + #""Internal":false,"Attachable":false,"EnableIPv4":true,"EnableIPv6":null,"Labels":{"#
                    + #""com.docker.compose.network":"\#(name)",\#(project),"com.docker.compose.version":"2.40.0"}}"#,
                expecting: 201)
            #expect(made["Id"]?.stringValue?.utf8.count == 64)
        }
        let networks = try await ask(wire, "GET", "/networks?filters=\(byProject)", expecting: 200)
        #expect(networks.arrayValue?.count == 2)
        let back = try await ask(wire, "GET", "/networks/shop_back", expecting: 200)
        #expect(back["IPAM"]?["Options"] == ["a": "b"])
        _ = try await ask(wire, "GET", "/volumes/shop_data", expecting: 404)
        let volume = try await ask(
            wire, "POST", "/volumes/create",
            #"{"Name":"shop_data","Driver":"","DriverOpts":null,"Labels":{"com.docker.compose.volume":"data",\#(project)}}"#,
            expecting: 201)
        #expect(volume["Labels"]?["com.docker.compose.volume"] == "data")
        let volumes = try await ask(wire, "GET", "/volumes?filters=\(byProject)", expecting: 200)
        #expect(volumes["Volumes"]?.arrayValue?.count == 1)
    }

    private static func create(
        _ wire: EngineWire, _ name: String, value: String, in lab: EngineLab
    ) async throws -> String {
        let body = """
            {"Hostname":"","AttachStdout":true,"AttachStderr":true,"ExposedPorts":{"80/tcp":{}},"Tty":false,
             "Env":["VALUE=\(value)"],"Cmd":["sh","-c","echo up $VALUE; exec sleep 1000"],"Image":"busybox",
             "Volumes":{"/anonymous":{}},"StopTimeout":3,
             "Labels":{"com.docker.compose.config-hash":"\(value)","com.docker.compose.container-number":"1",
              "com.docker.compose.oneoff":"False",\(project),"com.docker.compose.service":"web"},
             "HostConfig":{"Binds":null,"NetworkMode":"shop_back","RestartPolicy":{"Name":"no","MaximumRetryCount":0},
              "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":""}]},"AutoRemove":false,
              "Mounts":[{"Type":"bind","Source":"\(lab.root)/made/here","Target":"/host",
                "BindOptions":{"CreateMountpoint":true}},
               {"Type":"volume","Source":"shop_data","Target":"/data","VolumeOptions":{}}],
              "DeviceRequests":null,"Tmpfs":{"/run":""},"ExtraHosts":[],"LogConfig":{"Type":"","Config":null},
              "CapAdd":null,"SecurityOpt":null,"Sysctls":null,"Ulimits":null,"Init":null},
             "NetworkingConfig":{"EndpointsConfig":{
              "shop_back":{"IPAMConfig":{"IPv4Address":"10.216.0.10"},"Aliases":["shop-web-1","web"],"GwPriority":1},
              "shop_front":{"IPAMConfig":null,"Aliases":["shop-web-1","web"],"DriverOpts":null}}}}
            """
        let made = try await ask(
            wire, "POST", "/containers/create?name=\(name)&platform=linux%2F\(try await platform(wire))", body,
            expecting: 201)
        return try #require(made["Id"]?.stringValue)
    }

    private static func platform(_ wire: EngineWire) async throws -> String {
        try await ask(wire, "GET", "/images/busybox/json", expecting: 200)["Architecture"]?.stringValue ?? ""
    }

    /// What `ps`, `logs`, `exec`, `cp`, `top` and `port` ask.
    private static func look(_ lab: EngineLab, _ id: String) async throws {
        let wire = lab.wire
        let list = try await ask(wire, "GET", "/containers/json?filters=\(byProject)", expecting: 200)
        #expect(list.arrayValue?.count == 1 && list.arrayValue?.first?["Names"] == ["/shop-web-1"])
        let found = try await ask(wire, "GET", "/containers/\(id)/json", expecting: 200)
        let networks = found["NetworkSettings"]?["Networks"]?.objectValue
        #expect(networks?["shop_back"]?["IPAddress"] == "10.216.0.10" && networks?["shop_front"] != nil)
        #expect(Files.exists("\(lab.root)/made/here"))
        try await lab.eventually("it has said something") {
            let logs = try await wire.call(
                "GET", "/v1.51/containers/\(id)/logs?follow=0&stderr=1&stdout=1&tail=all&timestamps=0&details=0")
            return logs.body == [1, 0, 0, 0, 0, 0, 0, 5] + Array("up 2\n".utf8)
        }
        let exec = try await ask(
            wire, "POST", "/containers/\(id)/exec",
            #"{"User":"","Privileged":false,"Tty":false,"AttachStdin":false,"AttachStderr":true,"AttachStdout":true,"DetachKeys":"","Env":null,"WorkingDir":"","Cmd":["echo","said"]}"#,
            expecting: 201)
        let run = try #require(exec["Id"]?.stringValue)
        let said = try await wire.json("POST", "/v1.51/exec/\(run)/start", #"{"Detach":false,"Tty":false}"#)
        #expect(said.text.hasSuffix("said\n"))
        #expect(try await ask(wire, "GET", "/exec/\(run)/json", expecting: 200)["ExitCode"] == 0)
        let top = try await ask(wire, "GET", "/containers/\(id)/top", expecting: 200)
        #expect(top["Titles"]?.arrayValue?.contains("CMD") == true)
        // A secret, as it is copied in.
        let archive = try await wire.call("GET", "/v1.51/containers/\(id)/archive?path=%2Fetc%2Fpasswd")
        let put = try await wire.call(
            "PUT", "/v1.51/containers/\(id)/archive?copyUIDGID=true&noOverwriteDirNonDir=true&path=%2Fdata",
            body: archive.body)
        #expect(put.status == 200, "\(put.text)")
        #expect(try await lab.docker("exec", id, "head", "-c", "4", "/data/passwd").out == "root")
    }

    /// What `wait`, `kill`, `down` ask, and what `events` tells.
    private static func end(_ lab: EngineLab, _ id: String) async throws {
        let wire = lab.wire
        async let waited = wire.call("POST", "/v1.51/containers/\(id)/wait?condition=not-running")
        _ = try await ask(wire, "POST", "/containers/\(id)/kill?signal=SIGKILL", expecting: 204)
        #expect(try await JSONValue.parse(waited.text)["StatusCode"] == 137)
        _ = try await ask(wire, "DELETE", "/containers/\(id)?link=1", expecting: 409)
        _ = try await ask(wire, "DELETE", "/containers/\(id)?force=1&v=1", expecting: 204)
        let now = Clock.now().seconds + 1
        let filters = RequestTarget.encoded(#"{"label":["com.docker.compose.project=shop"],"type":["container"]}"#)
        let events = try await wire.call("GET", "/v1.51/events?since=1&until=\(now)&filters=\(filters)").text
        for action in ["create", "start", "die", "rename", "destroy"] {
            #expect(events.contains(#""Action":"\#(action)""#), "\(action)")
        }
        for network in ["shop_front", "shop_back"] {
            _ = try await ask(wire, "DELETE", "/networks/\(network)", expecting: 204)
        }
        _ = try await ask(wire, "DELETE", "/volumes/shop_data", expecting: 204)
        _ = try await ask(wire, "DELETE", "/volumes/shop_data?force=1", expecting: 204)
        _ = try await ask(wire, "DELETE", "/networks/shop_back", expecting: 404)
    }

    @Test("builds by the classic builder, loads, and BuildKit's refusal that makes clients take it")
    func builds() async throws {
        let lab = try await EngineLab()
        let wire = lab.wire
        #expect(try await wire.call("POST", "/v1.51/grpc").status == 501)
        let folder = lab.root + "/context"
        try Files.makeDirectories(folder)
        try Files.write(folder + "/Dockerfile", Array("FROM busybox\nARG A\nRUN echo $A > /a\n".utf8))
        let tar = try await Spawn.run(SpawnRequest("/usr/bin/tar", ["-C", folder, "-c", "."]))
        let arguments = RequestTarget.encoded(#"{"A":"b"}"#)
        let labels = RequestTarget.encoded(#"{"com.docker.compose.project":"shop","com.docker.compose.service":"web"}"#)
        let query =
            "version=1&t=shop-web&buildargs=\(arguments)&labels=\(labels)&cachefrom=null&dockerfile=Dockerfile&rm=1"
            + "&forcerm=1&networkmode=&shmsize=0&ulimits=null&target=&extrahosts="
        let built = try await wire.call("POST", "/v1.51/build?\(query)", body: tar.standardOutput)
        #expect(built.status == 200 && built.text.contains("Successfully tagged shop-web:latest"), "\(built.text)")
        #expect(built.text.contains(#""aux":{"ID":"sha256:"#))
        #expect(try await lab.docker("run", "--rm", "shop-web", "cat", "/a").out == "b\n")
        let saved = try await wire.call("GET", "/v1.51/images/get?names=shop-web")
        let loaded = try await wire.call("POST", "/v1.51/images/load?quiet=1", body: saved.body)
        #expect(loaded.text.contains("Loaded image: shop-web:latest"), "\(loaded.text)")
        try await lab.takeDown()
    }
}
