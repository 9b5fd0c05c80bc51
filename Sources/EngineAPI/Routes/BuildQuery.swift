import Builder
import Dockerfile
import Engine
import HTTP
import JSONText
import Linux
import OCI
import Registry

/// What `POST /build` is asked for in its query, as Docker's clients write it.
///
/// Source: Docker Engine API 1.51, `ImageBuild`; moby, api/server/router/build.
struct BuildQuery: Sendable {
    /// The build, without its context.
    private(set) var request = BuildRequest()
    /// Where the context is fetched from; nil is the request's body.
    private(set) var remote: String?
    /// Whether only the image's id is wanted.
    private(set) var isQuiet = false
    /// By what `POST /build/cancel` knows it.
    private(set) var id: String?

    /// - Throws: `EngineError` in Docker's words where there are some.
    init(_ asked: APIRequest) throws(EngineError) {
        try Self.refuseOthers(asked)
        isQuiet = asked.flag("q")
        id = asked.query("buildid")
        remote = asked.query("remote")
        let name = asked.query("dockerfile") ?? "Dockerfile"
        request.instructions = .inContext(name)
        request.target = asked.query("target")
        request.pulls = asked.flag("pull")
        request.ignoresCache = asked.flag("nocache")
        request.tags = try Self.tags(asked.http.target.all("t"))
        request.arguments = try Self.texts(asked, "buildargs", "build args")
        request.labels = try Self.texts(asked, "labels", "labels")
        if let text = asked.query("platform") { request.platforms = [try Self.platform(text)] }
        request.cacheSources = try Self.list(asked, "cachefrom").compactMap(\.stringValue).map {
            BuildRequest.CacheLocation(type: "registry", parameters: ["ref": $0])
        }
        request.access = RegistryAccess(registryAuth: nil, registryConfig: asked.http.headers["X-Registry-Config"])
        request.limits = try Self.limits(asked)
        try takeNetwork(asked.query("networkmode") ?? "")
    }

    /// What Docker refuses, and what would be passed over in silence.
    private static func refuseOthers(_ asked: APIRequest) throws(EngineError) {
        switch asked.query("version") ?? "1" {
        case "1": break
        case "2":
            throw EngineError(
                .invalid,
                "BuildKit is not served by this engine: build with DOCKER_BUILDKIT=0 or with stackctl build")
        case let text: throw EngineError(.invalid, "invalid version \(text)")
        }
        if asked.flag("squash") {
            throw EngineError(.invalid, "squash is only supported with experimental mode")
        }
        if let isolation = asked.query("isolation"), isolation != "default" {
            throw EngineError(.invalid, "Unsupported isolation: \(JSONValue.string(isolation).serialized(.compact))")
        }
        if !asked.http.target.all("securityopt").isEmpty {
            throw EngineError(
                .invalid, "The daemon on this platform does not support setting security options on build")
        }
        if let outputs = asked.query("outputs"), outputs != "null", outputs != "[]" {
            throw EngineError(
                .invalid, "outputs need BuildKit, which is not served by this engine: use stackctl build --output")
        }
    }

    private mutating func takeNetwork(_ mode: String) throws(EngineError) {
        switch mode {
        case "", "default", "bridge": break
        case "none": request.network = .none
        case "host":
            // Docker's classic builder asks for no entitlement.
            request.network = .host
            request.entitlements.insert("network.host")
        case _ where mode.hasPrefix("container:"):
            throw EngineError(.notImplemented, "a build cannot be in the network of a container: name a network")
        default: request.networkName = mode
        }
    }

    /// Names of the image; those given twice count once.
    static func tags(_ texts: [String]) throws(EngineError) -> [ImageReference] {
        var tags: [ImageReference] = []
        for text in texts where !text.isEmpty {
            let reference: ImageReference
            do {
                reference = try ImageReference(text).withDefaultTag
            } catch {
                throw EngineError(.invalid, "invalid reference format: \(error)")
            }
            guard reference.digest == nil else {
                throw EngineError(.invalid, "build tag cannot contain a digest")
            }
            if !tags.contains(reference) { tags.append(reference) }
        }
        return tags
    }

    /// `linux/arm64`, or one half of it.
    static func platform(_ text: String) throws(EngineError) -> Platform {
        let half = text == "linux" ? Platform.host.architecture : text
        guard let platform = Platform(text.contains("/") ? text : "linux/\(half)"),
            platform.os.allSatisfy(\.isLetter)
        else {
            let quoted = JSONValue.string(text).serialized(.compact)
            throw EngineError(
                .invalid, "\(quoted): unknown operating system or architecture: invalid argument")
        }
        return platform.normalized
    }

    private static func json(_ asked: APIRequest, _ name: String, _ what: String) throws(EngineError) -> JSONValue {
        guard let text = asked.query(name) else { return .null }
        do {
            return try JSONValue.parse(text)
        } catch {
            throw EngineError(.invalid, "error reading \(what): \(error.reason)")
        }
    }

    /// Texts by name; a name without a value, which the client had none for, is left out.
    private static func texts(
        _ asked: APIRequest, _ name: String, _ what: String
    ) throws(EngineError) -> [String: String] {
        let value = try json(asked, name, what)
        if value.isNull { return [:] }
        guard let object = value.objectValue else { throw EngineError(.invalid, "error reading \(what): no object") }
        var texts: [String: String] = [:]
        for (key, value) in object where !value.isNull {
            guard let text = value.stringValue, !text.utf8.contains(0) else {
                throw EngineError(.invalid, "error reading \(what): the value of \(key) is no text")
            }
            texts[key] = text
        }
        return texts
    }

    private static func list(_ asked: APIRequest, _ name: String) throws(EngineError) -> [JSONValue] {
        let value = try json(asked, name, name)
        if value.isNull { return [] }
        guard let list = value.arrayValue else { throw EngineError(.invalid, "error reading \(name): no list") }
        return list
    }

    private static func limits(_ asked: APIRequest) throws(EngineError) -> StepLimits {
        /// What is no number counts as none, as with Docker.
        func number(_ name: String) -> Int64? {
            asked.query(name).flatMap { Int64($0) }.flatMap { $0 == 0 ? nil : $0 }
        }
        var limits = StepLimits()
        limits.cgroup.memoryBytes = number("memory")
        limits.cgroup.memorySwapBytes = number("memswap")
        limits.cgroup.cpuShares = number("cpushares")
        limits.cgroup.cpuPeriod = number("cpuperiod")
        limits.cgroup.cpuQuota = number("cpuquota")
        limits.cgroup.cpuSet = asked.query("cpusetcpus") ?? ""
        limits.cgroup.memoryNodes = asked.query("cpusetmems") ?? ""
        limits.cgroupParent = asked.query("cgroupparent") ?? ""
        if let text = asked.query("shmsize") {
            guard let bytes = Int64(text), bytes >= 0 else {
                throw EngineError(.invalid, "strconv.ParseInt: parsing \"\(text)\": invalid syntax")
            }
            if bytes > 0 { limits.sharedMemoryBytes = bytes }
        }
        limits.extraHosts = asked.http.target.all("extrahosts").filter { !$0.isEmpty }
        for value in try list(asked, "ulimits") { limits.ulimits.append(try BuildLimits.ulimit(value)) }
        return limits
    }
}

/// Limits of steps as clients write them.
enum BuildLimits {
    /// `{"Name": "nofile", "Soft": 1024, "Hard": 2048}`.
    static func ulimit(_ value: JSONValue) throws(EngineError) -> StepLimits.Ulimit {
        guard let name = value["Name"]?.stringValue, let soft = value["Soft"]?.intValue,
            let hard = value["Hard"]?.intValue
        else { throw EngineError(.invalid, "error reading ulimit settings: Name, Soft and Hard are needed") }
        return StepLimits.Ulimit(name: name, soft: soft, hard: hard)
    }
}
