import Dockerfile
import JSONText
import Linux
import OCI

/// How a result was made, as SLSA's provenance v1 in the terms of BuildKit.
///
/// `min` leaves out what users give: build arguments, labels, secrets' ids. `max` has them, the steps and the
/// Dockerfile. A secret's content is in neither. Of a build with `SOURCE_DATE_EPOCH` neither the time nor the build's id
/// is told, so that the same inputs give the same bytes.
///
/// Source: slsa.dev/provenance/v1; BuildKit, docs/attestations/slsa-definitions.md.
struct Provenance: Sendable {
    static let predicateType = "https://slsa.dev/provenance/v1"
    /// BuildKit's, whose parameters these are.
    static let buildType = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"

    let product: BuildProduct
    let result: BuildProduct.Result
    let request: BuildRequest
    let mode: BuildRequest.Provenance

    /// The predicate.
    var json: JSONObject {
        var definition = JSONObject()
        definition["buildType"] = .string(Self.buildType)
        definition["externalParameters"] = .object(externalParameters)
        definition["internalParameters"] = .object(internalParameters)
        definition["resolvedDependencies"] = .array(materials.map { .object($0) })
        var object = JSONObject()
        object["buildDefinition"] = .object(definition)
        object["runDetails"] = .object(runDetails)
        return object
    }

    // MARK: What was asked for

    private var externalParameters: JSONObject {
        var source = JSONObject()
        if let address = product.contextAddress { source["uri"] = .string(Self.withoutUser(address)) }
        source["path"] = .string(product.dockerfile.name)
        var asked = JSONObject()
        asked["frontend"] = "dockerfile.v0"
        let arguments = arguments
        if !arguments.isEmpty { asked["args"] = .object(.strings(arguments)) }
        if mode == .maximal {
            if !request.secrets.isEmpty { asked["secrets"] = Self.ids(request.secrets.keys) }
            if !request.agents.isEmpty { asked["ssh"] = Self.ids(request.agents.keys) }
        }
        if product.contextAddress == nil {
            asked["locals"] = .array(["context", "dockerfile"].map { .object(["name": .string($0)]) })
        }
        var object = JSONObject()
        object["configSource"] = .object(source)
        object["request"] = .object(asked)
        return object
    }

    private static func ids(_ ids: some Sequence<String>) -> JSONValue {
        .array(ids.sorted().map { .object(["id": .string($0), "optional": true]) })
    }

    /// The parameters under BuildKit's names.
    private var arguments: [String: String] {
        var all: [String: String] = [:]
        all["target"] = request.target
        if request.ignoresCache { all["no-cache"] = "" }
        if request.network != .standard { all["force-network-mode"] = request.network.rawValue }
        if product.dockerfile.name.split(separator: "/").last != "Dockerfile" {
            all["filename"] = product.dockerfile.name
        }
        guard mode == .maximal else { return all }
        for (name, value) in request.arguments where !Self.isProxy(name) {
            all["build-arg:\(name)"] = Self.withoutUser(value)
        }
        for (name, value) in request.labels { all["label:\(name)"] = value }
        return all
    }

    /// Proxies have passwords, and are no part of what is built.
    private static func isProxy(_ name: String) -> Bool { name.lowercased().hasSuffix("_proxy") }

    /// An address without the name and the password in it.
    static func withoutUser(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let at = authority.lastIndex(of: "@") else { return text }
        return String(text[..<scheme.upperBound]) + String(rest[rest.index(after: at)...])
    }

    private var internalParameters: JSONObject {
        var object = JSONObject()
        object["builderPlatform"] = .string(Platform.host.description)
        guard mode == .maximal else { return object }
        var config = JSONObject()
        config["steps"] = .array(result.steps.map { .object(Self.json($0)) })
        object["buildConfig"] = .object(config)
        return object
    }

    private static func json(_ step: BuiltStep) -> JSONObject {
        var object = JSONObject()
        object["title"] = .string(step.title)
        object["stage"] = .string(step.stage)
        if let line = step.line { object["line"] = .int(Int64(line)) }
        if !step.key.isEmpty { object["key"] = .string(step.key) }
        if let layer = step.layer { object["layer"] = .string(layer.description) }
        if step.isOfResult { object["isOfResult"] = true }
        return object
    }

    // MARK: What went in

    private var materials: [JSONObject] {
        var seen: Set<BuildMaterial> = []
        return result.materials.filter { seen.insert($0).inserted }.map { Self.json($0) }
            .sorted { ($0["uri"]?.stringValue ?? "") < ($1["uri"]?.stringValue ?? "") }
    }

    private static func json(_ material: BuildMaterial) -> JSONObject {
        switch material {
        case .image(let reference, let digest, let platform):
            entry(PackageURL.docker(reference, platform: platform).text, digest.algorithm.rawValue, digest.hex)
        case .git(let address, let commit):
            entry(withoutUser(address), commit.utf8.count == 64 ? "sha256" : "sha1", commit)
        case .web(let address, let sha256): entry(withoutUser(address), "sha256", sha256)
        }
    }

    private static func entry(_ uri: String, _ algorithm: String, _ digest: String) -> JSONObject {
        ["uri": .string(uri), "digest": .object([algorithm: .string(digest)])]
    }

    // MARK: How it went

    private var runDetails: JSONObject {
        var metadata = JSONObject()
        if request.sourceDateEpoch == nil {
            metadata["invocationId"] = .string(product.historyID)
            metadata["startedOn"] = .string(product.started.rfc3339)
            metadata["finishedOn"] = .string(Clock.now().rfc3339)
        }
        let isComplete = request.arguments.isEmpty && request.labels.isEmpty
        metadata["buildkit_completeness"] = .object([
            "request": .bool(mode == .maximal || isComplete), "resolvedDependencies": false,
        ])
        metadata["buildkit_reproducible"] = .bool(request.sourceDateEpoch != nil)
        if mode == .maximal, !product.dockerfile.text.isEmpty {
            var source = JSONObject()
            source["filename"] = .string(product.dockerfile.name)
            source["data"] = .string(String(decoding: product.dockerfile.text, as: UTF8.self))
            metadata["buildkit_metadata"] = .object(["source": .object(["infos": .array([.object(source)])])])
        }
        var object = JSONObject()
        object["builder"] = .object(["id": ""])
        object["metadata"] = .object(metadata)
        return object
    }
}
