import Diagnostics
import Dockerfile
import JSONText
import Linux
import OCI
import Testing

@testable import Builder

@Suite("What is said of an image")
struct AttestationTests {
    private static let digest = String(repeating: "ab", count: 32)

    private static func product() throws -> BuildProduct {
        let base = try ImageReference("debian:12")
        let result = BuildProduct.Result(
            platform: Platform(os: "linux", architecture: "amd64"), config: ImageConfig(),
            materials: [
                .image(
                    base, digest: try #require(Digest(sha256Hex: digest)),
                    platform: Platform(os: "linux", architecture: "amd64")),
                .git(address: "https://me:secret@example.org/a.git#main", commit: String(repeating: "1", count: 40)),
                .web(address: "https://example.org/b.tar", sha256: digest),
            ],
            steps: [
                BuiltStep(
                    key: "sha256:" + digest, layer: nil, title: "RUN make", stage: "build",
                    created: Timestamp(seconds: 1), isOfResult: true, line: 3)
            ])
        return BuildProduct(
            results: [result], dockerfile: ("Dockerfile", Array("FROM debian:12\n".utf8)),
            started: Timestamp(seconds: 1_700_000_000), epoch: Timestamp(seconds: 1_600_000_000), historyID: "abc",
            nextStep: 9)
    }

    private static func provenance(
        _ mode: BuildRequest.Provenance, _ change: (inout BuildRequest) -> Void = { _ in }
    ) throws -> JSONValue {
        var request = BuildRequest()
        request.arguments = ["VERSION": "1", "HTTP_PROXY": "http://me:hidden@proxy:1"]
        request.labels = ["a": "b"]
        request.secrets = ["token": Array("hidden".utf8)]
        request.target = "build"
        request.sourceDateEpoch = Timestamp(seconds: 1_600_000_000)
        change(&request)
        let product = try product()
        let result = try #require(product.results.first)
        return .object(Provenance(product: product, result: result, request: request, mode: mode).json)
    }

    @Test("tells in short where everything came from, and nothing that users gave")
    func minimal() throws {
        let json = try Self.provenance(.minimal)
        let definition = try #require(json["buildDefinition"])
        #expect(definition["externalParameters"]?["request"]?["args"]?.objectValue?.strings == ["target": "build"])
        #expect(definition["externalParameters"]?["request"]?["secrets"] == nil)
        #expect(definition["internalParameters"]?["buildConfig"] == nil)
        let uris = definition["resolvedDependencies"]?.arrayValue?.compactMap { $0["uri"]?.stringValue }
        #expect(
            uris == [
                "https://example.org/a.git#main", "https://example.org/b.tar",
                "pkg:docker/debian@12?platform=linux%2Famd64",
            ])
        let text = json.serialized()
        for hidden in ["hidden", "secret@", "VERSION", "token"] { #expect(!text.contains(hidden), "\(hidden)") }
    }

    @Test("tells at length the arguments, the steps, the Dockerfile and the names of secrets")
    func maximal() throws {
        let json = try Self.provenance(.maximal)
        let asked = json["buildDefinition"]?["externalParameters"]?["request"]
        #expect(
            asked?["args"]?.objectValue?.strings == ["build-arg:VERSION": "1", "label:a": "b", "target": "build"])
        #expect(asked?["secrets"]?.arrayValue?.first?["id"]?.stringValue == "token")
        let steps = json["buildDefinition"]?["internalParameters"]?["buildConfig"]?["steps"]?.arrayValue
        #expect(steps?.first?["title"]?.stringValue == "RUN make" && steps?.first?["line"]?.intValue == 3)
        #expect(json.serialized().contains("FROM debian:12"))
        #expect(!json.serialized().contains("hidden"))
    }

    @Test("has no time where the moment of the build was given, so that it is the same each time")
    func reproducible() throws {
        let fixed = try Self.provenance(.maximal)
        #expect(fixed == (try Self.provenance(.maximal)))
        #expect(fixed["runDetails"]?["metadata"]?["startedOn"] == nil)
        let usual = try Self.provenance(.maximal) { $0.sourceDateEpoch = nil }
        #expect(usual["runDetails"]?["metadata"]?["startedOn"]?.stringValue == "2023-11-14T22:13:20.000000000Z")
        #expect(usual["runDetails"]?["metadata"]?["invocationId"]?.stringValue == "abc")
    }

    @Test("is about the image under each of its names")
    func subjects() throws {
        let names = [try ImageReference("localhost:5000/shop/site:1"), try ImageReference("busybox").withDefaultTag]
        let digest = try #require(Digest(sha256Hex: Self.digest))
        let platform = Platform(os: "linux", architecture: "arm64", variant: "v8")
        #expect(
            Statement.subjects(named: names, platform: platform, digest: digest).map(\.name) == [
                "pkg:docker/localhost:5000/shop/site@1?platform=linux%2Farm64%2Fv8",
                "pkg:docker/busybox@latest?platform=linux%2Farm64%2Fv8",
            ])
        #expect(Statement.subjects(named: [], platform: platform, digest: digest).map(\.name) == ["_"])
    }

    @Test("annotations go where their prefix says")
    func annotations() throws {
        let placement = try AnnotationPlacement([
            "a": "1", "index:b": "2", "manifest,index:c": "3", "manifest[linux/arm64]:d": "4",
            "org.example:key": "5", "manifest-descriptor:e": "6",
        ])
        let amd64 = Platform(os: "linux", architecture: "amd64")
        #expect(placement.of(.manifest, platform: amd64) == ["a": "1", "c": "3", "org.example:key": "5"])
        #expect(placement.of(.manifest, platform: Platform(os: "linux", architecture: "arm64"))["d"] == "4")
        #expect(placement.of(.index) == ["b": "2", "c": "3"])
        #expect(placement.of(.manifestDescriptor, platform: amd64) == ["e": "6"])
        #expect(placement.needsIndex)
        #expect(throws: BuildFailure.self) { try AnnotationPlacement(["index:": "x"]) }
        #expect(throws: BuildFailure.self) { try AnnotationPlacement(["manifest[what]:k": "x"]) }
    }

    @Test("a cache's document says again what it was told, and refuses what is none")
    func cacheDocument() throws {
        let layer = try #require(Digest(sha256Hex: Self.digest))
        let blob = Descriptor(mediaType: MediaType.ociLayerTar, digest: layer, size: 7)
        func step(_ name: String, isOfResult: Bool) -> BuiltStep {
            BuiltStep(
                key: "sha256:" + String(repeating: name, count: 64), layer: layer, newest: Timestamp(seconds: 5),
                title: "RUN \(name)", stage: "s", created: Timestamp(seconds: 6), isOfResult: isOfResult)
        }
        let steps = [step("b", isOfResult: false), step("a", isOfResult: true)]
        let whole = CacheDocument(steps, scope: .maximal, layers: [(layer, blob)])
        #expect(whole.results.map(\.title) == ["RUN a", "RUN b"])
        #expect(CacheDocument(steps, scope: .minimal, layers: [(layer, blob)]).results.map(\.title) == ["RUN a"])
        #expect(CacheDocument(Array(whole.text.utf8)) == whole)
        for text in ["", "{}", "[]", #"{"version":2,"results":[]}"#, #"{"version":1,"results":[{"key":"x"}]}"#] {
            #expect(CacheDocument(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test(
        "a cache that there cannot be is refused with what there is",
        arguments: [
            ("gha", [:], true, "not supported"), ("local", [:], true, "needs `dest=`"),
            ("local", ["src": "here"], false, "not absolute"), ("nothing", [:], true, "inline, registry and local"),
            ("inline", [:], false, "is no place"), ("registry", ["ref": "A B"], true, "no image reference"),
        ] as [(String, [String: String], Bool, String)])
    func places(type: String, parameters: [String: String], isTarget: Bool, words: String) throws {
        let location = BuildRequest.CacheLocation(type: type, parameters: parameters)
        let failure = #expect(throws: BuildFailure.self) { try CachePlace(location, isTarget: isTarget) }
        let said = failure?.diagnostics.first.map { $0.summary + " " + ($0.detail ?? "") } ?? ""
        #expect(said.contains(words), "\(said)")
    }
}
