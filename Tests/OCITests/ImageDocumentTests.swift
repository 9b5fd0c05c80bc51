import JSONText
import OCI
import Testing

private let digest = "sha256:" + String(repeating: "1", count: 64)

@Suite("Image configs")
struct ImageConfigTests {
    private let text = """
        {"architecture":"arm64","os":"linux","variant":"v8","created":"2024-01-02T03:04:05Z","docker_version":"1",
        "config":{"User":"www","ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Env":["PATH=/bin","A=b=c"],"Cmd":["x"],
        "Entrypoint":null,"Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"k":"v"},"StopSignal":"SIGQUIT","StopTimeout":3,
        "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000,"Retries":2},"Shell":["/bin/bash"],"OnBuild":["RUN x"]},
        "rootfs":{"type":"layers","diff_ids":["\(digest)"]},"history":[{"created_by":"a"},{"empty_layer":true}]}
        """

    @Test("Docker's fields are read, absent and null ones as not given")
    func reading() throws {
        let config = try ImageConfig(bytes: Array(text.utf8))
        #expect(config.platform == Platform(os: "linux", architecture: "arm64", variant: "v8"))
        #expect(config.execution.exposedPorts == ["443/tcp", "80/tcp"])
        #expect(config.execution.env == ["PATH=/bin", "A=b=c"])
        #expect(config.execution.entrypoint == nil && config.execution.command == ["x"])
        #expect(
            config.execution.healthcheck
                == Healthcheck(test: ["CMD-SHELL", "true"], interval: 5_000_000_000, retries: 2))
        #expect(config.execution.stopTimeout == 3 && config.execution.labels == ["k": "v"])
        #expect(config.diffIDs.map(\.description) == [digest])
        #expect(config.history.map(\.emptyLayer) == [false, true])
        #expect(try ImageConfig(bytes: config.serialized()) == config)
    }

    @Test(
        "a wrong field is named",
        arguments: [
            ("{}", "the image config has no `os`"), ("[1]", "not an object"), ("{", "is not JSON"),
            (#"{"os":1}"#, "`os` of the image config is not a string"),
            (#"{"os":"linux","architecture":"a"}"#, "has no `rootfs`"),
            (#"{"os":"linux","architecture":"a","rootfs":{"type":"x"}}"#, "`type`"),
            (#"{"os":"l","architecture":"a","rootfs":{"type":"layers","diff_ids":["x"]}}"#, "`diff_ids`"),
            (#"{"os":"l","architecture":"a","config":{"Env":[1]},"rootfs":{"type":"layers"}}"#, "`Env`"),
        ])
    func refused(text: String, reason: String) throws {
        let error = #expect(throws: OCIError.self) { try ImageConfig(bytes: Array(text.utf8)) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test("equal values give equal bytes, whatever the order of labels and ports")
    func determinism() {
        var first = ExecutionParameters()
        first.labels = ["a": "1", "b": "2"]
        first.exposedPorts = ["80/tcp", "443/tcp"]
        var second = ExecutionParameters()
        second.labels = ["b": "2", "a": "1"]
        second.exposedPorts = ["443/tcp", "80/tcp"]
        #expect(ImageConfig(execution: first).serialized() == ImageConfig(execution: second).serialized())
    }
}

@Suite("Configuration of an image")
struct ConfigurationChangesTests {
    @Test("changes replace, add to the environment in place, and complete ports")
    func applied() throws {
        var base = ExecutionParameters()
        base.env = ["PATH=/bin", "A=1"]
        base.command = ["old"]
        base.exposedPorts = ["80/tcp"]
        let changes = try ConfigurationChanges(attributes: [
            "from": .object(JSONObject()), "entrypoint": .array([.string("/e")]),
            "env": .object(["A": .string("2"), "B": .string("3")]),
            "exposed": .array([.string("80/tcp"), .string("53/udp"), .string("81")]),
            "workdir": .string("/w"), "user": .string("u"), "stopSignal": .string("SIGINT"),
        ])
        let result = changes.applied(to: base)
        #expect(result.env == ["PATH=/bin", "A=2", "B=3"])
        #expect(result.entrypoint == ["/e"] && result.command == nil)
        #expect(result.exposedPorts == ["80/tcp", "53/udp", "81/tcp"])
        #expect(result.workingDirectory == "/w" && result.user == "u" && result.stopSignal == "SIGINT")
        #expect(ConfigurationChanges().isEmpty && !changes.isEmpty)
        #expect(ConfigurationChanges().applied(to: base) == base)
    }
}

@Suite("Image manifests")
struct ImageManifestTests {
    @Test("a manifest survives writing and reading; Docker's is read too")
    func roundTrip() throws {
        let id = try #require(Digest(digest))
        let manifest = ImageManifest(
            config: Descriptor(mediaType: MediaType.ociConfig, digest: id, size: 7),
            layers: [
                Descriptor(
                    mediaType: MediaType.ociLayerGzip, digest: id, size: 9, annotations: ["a": "b"], urls: ["http://x/"]
                )
            ])
        #expect(try ImageManifest(bytes: manifest.serialized()) == manifest)
        let docker =
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.dockerManifest)","config":{"mediaType":"m","digest":"\#(digest)","size":1},"layers":[]}"#
        #expect(try ImageManifest(bytes: Array(docker.utf8)).mediaType == MediaType.dockerManifest)
    }

    @Test(
        "what is no manifest is refused by its field",
        arguments: [
            #"{"schemaVersion":1}"#, #"{"schemaVersion":2}"#, #"{"schemaVersion":2,"mediaType":"text/html"}"#,
            #"{"schemaVersion":2,"config":{"mediaType":"m","digest":"sha256:zz","size":1}}"#,
            #"{"schemaVersion":2,"config":{"mediaType":"m","digest":"\#(digest)","size":-1}}"#,
            #"{"schemaVersion":2,"config":{"mediaType":"m","digest":"\#(digest)"}}"#,
            #"{"schemaVersion":2,"config":{"mediaType":"m","digest":"\#(digest)","size":1},"layers":["x"]}"#,
        ])
    func refused(text: String) {
        #expect(throws: OCIError.self) { try ImageManifest(bytes: Array(text.utf8)) }
    }
}
