import Engine
import JSONText
import Linux
import OCI
import Testing

@Suite("Container specification")
struct SpecificationTests {
    private func read(_ text: String) throws -> ContainerSpecification {
        try ContainerSpecification(json: JSONValue.parse(text))
    }

    @Test("what is stored reads back equal")
    func roundTrip() throws {
        let specification = try read(
            """
            {"Image":"nginx","Cmd":["a","b c"],"Entrypoint":"/run","Env":["A=1","B="],"Labels":{"x":"y"},"Tty":true,
             "Hostname":"h","User":"1:2","WorkingDir":"/w","ExposedPorts":{"80/tcp":{}},"Volumes":{"/v":{}},
             "StopSignal":"SIGINT","StopTimeout":3,
             "Healthcheck":{"Test":["CMD","x"],"Interval":1000000000,"Retries":2},
             "HostConfig":{"Binds":["/a:/b:ro","vol:/c"],"Tmpfs":{"/t":"size=1m,mode=700"},
               "Mounts":[{"Type":"bind","Source":"/x","Target":"/y","ReadOnly":true}],
               "PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}],"53/udp":null},
               "RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3},"Memory":67108864,"NanoCpus":500000000,
               "PidsLimit":50,"ReadonlyRootfs":true,"Init":true,"CapAdd":["NET_ADMIN"],"NetworkMode":"front",
               "LogConfig":{"Type":"json-file","Config":{"max-size":"1m"}},
               "Dns":["192.0.2.1"],"DnsOptions":["ndots:1"],"DnsSearch":["a.example"],"Links":["db:store"],
               "ExtraHosts":["a:192.0.2.2"],"PublishAllPorts":true},
             "MacAddress":"02:42:00:00:00:01",
             "NetworkingConfig":{"EndpointsConfig":{"front":{"Aliases":["web"],"Links":["x:y"],"GwPriority":7,
               "DriverOpts":{"k":"v"},"IPAMConfig":{"IPv4Address":"10.1.1.5","IPv6Address":"fd00::5"}}}}}
            """)
        let again = try ContainerSpecification(stored: specification.json)
        #expect(again.json == specification.json)
        #expect(again == specification)
        #expect(specification.arguments == ["/run", "a", "b c"])
        #expect(specification.mounts.count == 4)
        #expect(specification.mounts.first { $0.target == "/t" }?.tmpfsOptions == ["size=1m", "mode=700"])
        #expect(specification.ports.first { $0.container == ContainerPort(80) }?.hostPort == 8080)
        #expect(specification.limits.memoryBytes == 64 << 20)
        #expect(specification.limits.memorySwapBytes == 128 << 20)
        #expect(specification.endpoints.first?.address == "10.1.1.5")
    }

    @Test("swap is as much as memory unless it is given; -1 is no limit")
    func swap() throws {
        let given = try read(#"{"HostConfig":{"Memory":67108864,"MemorySwap":100000000}}"#)
        #expect(given.limits.memorySwapBytes == 100_000_000)
        let unlimited = try read(#"{"HostConfig":{"Memory":67108864,"MemorySwap":-1}}"#)
        #expect(unlimited.limits.memorySwapBytes == -1)
        #expect(try ContainerSpecification(json: unlimited.json).limits == unlimited.limits)
        try HostEngine.check(ContainerUpdate(limits: unlimited.limits), of: unlimited)
        let enlarged = ContainerUpdate(limits: CgroupLimits(memoryBytes: 1 << 30, memorySwapBytes: 100_000_000))
        #expect(throws: EngineError.self) { try HostEngine.check(enlarged, of: given) }
    }

    @Test("unknown members are ignored, null counts as not given")
    func lenient() throws {
        let specification = try read(#"{"Image":"x","Foo":[1],"Cmd":null,"HostConfig":{"Memory":null,"Bar":{}}}"#)
        #expect(specification.command == nil)
        #expect(specification.limits == CgroupLimits())
    }

    @Test(
        "wrong types and absurd values are refused with the member's name",
        arguments: [
            (#"[]"#, "the body"), (#"{"Cmd":5}"#, "Cmd"), (#"{"Cmd":["a",1]}"#, "Cmd"), (#"{"Env":{"A":"b"}}"#, "Env"),
            (#"{"Tty":"yes"}"#, "Tty"), (#"{"HostConfig":[]}"#, "HostConfig"),
            (#"{"HostConfig":{"Memory":"1g"}}"#, "HostConfig.Memory"),
            (#"{"HostConfig":{"Memory":1.5}}"#, "HostConfig.Memory"),
            (#"{"HostConfig":{"Memory":1024}}"#, "Minimum memory"),
            (#"{"HostConfig":{"Memory":-5}}"#, "HostConfig.Memory"),
            (#"{"HostConfig":{"PortBindings":{"99999/tcp":[]}}}"#, "invalid port"),
            (#"{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"x"}]}}}"#, "invalid port"),
            (#"{"HostConfig":{"RestartPolicy":{"Name":"sometimes"}}}"#, "restart policy"),
            (#"{"HostConfig":{"Binds":["a:b:c:d"]}}"#, "volume specification"),
            (#"{"HostConfig":{"Binds":["/a:b"]}}"#, "must be absolute"),
            (#"{"HostConfig":{"Binds":["/a:/"]}}"#, "can't be '/'"),
            (#"{"HostConfig":{"Binds":["/a:/x/../.."]}}"#, "can't be"),
            (#"{"HostConfig":{"Mounts":[{"Type":"npipe","Target":"/x"}]}}"#, "npipe"),
            (#"{"HostConfig":{"AutoRemove":true,"RestartPolicy":{"Name":"always"}}}"#, "AutoRemove"),
            (#"{"Healthcheck":{"Test":["RUN"]}}"#, "healthcheck type"),
            (#"{"Healthcheck":{"Test":["NONE"],"Interval":5}}"#, "1ms"), ("{\"User\":\"a\\u0000b\"}", "NUL"),
        ])
    func refused(_ body: String, _ text: String) throws {
        let error = #expect(throws: EngineError.self) { try read(body) }
        #expect(error?.kind == .invalid)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test("image defaults fill what was not given; an entrypoint of one's own drops the image's command")
    func merging() throws {
        var image = ExecutionParameters()
        image.env = ["PATH=/bin", "A=image"]
        image.entrypoint = ["/entry"]
        image.command = ["serve"]
        image.workingDirectory = "/srv"
        image.labels = ["from": "image"]
        image.healthcheck = Healthcheck(test: ["CMD", "true"], interval: 5_000_000_000)

        var plain = ContainerSpecification()
        plain.env = ["A=mine"]
        plain.merge(image)
        #expect(plain.arguments == ["/entry", "serve"])
        #expect(plain.environment == ["PATH": "/bin", "A": "mine"])
        #expect(plain.workingDirectory == "/srv")

        var own = ContainerSpecification()
        own.entrypoint = ["/other"]
        own.healthcheck = Healthcheck(test: [], retries: 7)
        own.merge(image)
        #expect(own.arguments == ["/other"])
        #expect(own.healthcheck?.test == ["CMD", "true"])
        #expect(own.healthcheck?.retries == 7)

        var command = ContainerSpecification()
        command.command = ["ls"]
        command.merge(image)
        #expect(command.arguments == ["/entry", "ls"])
    }

    @Test("names are checked as Docker does")
    func names() {
        for good in ["a1", "web", "A_b.c-d", String(repeating: "x", count: 255)] { #expect(ObjectName.isValid(good)) }
        for bad in ["", "-a", ".a", "a/b", "a b", "ä", "a\n", String(repeating: "x", count: 256)] {
            #expect(!ObjectName.isValid(bad))
        }
        #expect(ObjectName.isValid(ObjectName.invented([1, 2, 3, 4])))
        #expect(ObjectName.isValid(ObjectName.invented([])))
    }
}
