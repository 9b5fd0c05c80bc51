import Diagnostics
import JSONText
import Linux
import Registry

/// What the options of `stackctl build` ask the daemon for.
struct BuildBody: Sendable {
    private let arguments: ParsedArguments
    private let environment: @Sendable (String) -> String?
    private let directory: String
    /// The body of `POST /builds`.
    private(set) var json = JSONObject()
    private(set) var secrets: [BuildSecret] = []
    private(set) var agents: [BuildAgent] = []
    private(set) var destinations: [BuildDestination] = []
    /// Names and places of contexts that are sent or fetched.
    private(set) var contexts: [(name: String, place: String)] = []

    /// - Parameters:
    ///   - environment: the caller's variables.
    ///   - directory: where the caller is.
    ///   - proxies: `NAME=VALUE` of build arguments that the user's configuration has.
    init(
        _ arguments: ParsedArguments, environment: @escaping @Sendable (String) -> String?, directory: String,
        proxies: [String] = []
    ) throws(Diagnostic) {
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        try refuseOthers()
        try takeNames(proxies)
        try takeContexts()
        try takeCache()
        try takeDestinations()
        try takeAttestations()
        try takeRights()
        json["limits"] = .object(try limits())
    }

    /// Adds members that are known later.
    mutating func set(_ key: String, _ value: JSONValue) { json[key] = value }

    /// The names the image gets.
    var tags: [String] { json["tags"]?.arrayValue?.compactMap(\.stringValue) ?? [] }

    private func refuseOthers() throws(Diagnostic) {
        if arguments.isSet(BuildOptions.squash) {
            throw FlagProblem.sentence(
                "\"--squash\" is only supported on a Docker daemon with experimental features enabled",
                hint: "build in one stage and COPY --from it into another: that image has one layer")
        }
        if let text = arguments.value(of: BuildOptions.isolation), text != "default" {
            throw FlagProblem.sentence("Unsupported isolation: \(FlagProblem.quoted(text))")
        }
        if !arguments.values(of: BuildOptions.securityOption).isEmpty {
            throw FlagProblem.sentence(
                "The daemon on this platform does not support setting security options on build",
                hint: "RUN --security=insecure with --allow security.insecure lifts the limits of one step")
        }
    }

    private mutating func takeNames(_ proxies: [String]) throws(Diagnostic) {
        var values = JSONObject()
        for text in proxies {
            let (name, value) = CommaSeparated.cut(text)
            values[name] = .string(value ?? "")
        }
        for text in arguments.values(of: BuildOptions.argument) {
            let (name, value) = CommaSeparated.cut(text)
            guard !name.isEmpty else {
                throw FlagProblem.invalid(BuildOptions.argument, text, "invalid argument: a name is missing")
            }
            if let value = value ?? environment(name) { values[name] = .string(value) }
        }
        json["arguments"] = .object(values)
        let epoch = values["SOURCE_DATE_EPOCH"]?.stringValue ?? environment("SOURCE_DATE_EPOCH")
        if let epoch, !epoch.isEmpty {
            guard let seconds = Int64(epoch), seconds >= 0 else {
                throw FlagProblem.sentence(
                    "invalid SOURCE_DATE_EPOCH: \(epoch)", hint: "it is a number of seconds since 1970")
            }
            json["sourceDateEpoch"] = .int(seconds)
        }
        json["tags"] = .strings(arguments.values(of: BuildOptions.tag))
        json["labels"] = .object(pairs(BuildOptions.label))
        json["annotations"] = .object(pairs(BuildOptions.annotation))
        json["platforms"] = .strings(separated(BuildOptions.platform))
        if let target = arguments.value(of: BuildOptions.target) { json["target"] = .string(target) }
        if arguments.isSet(BuildOptions.pull) { json["pull"] = true }
    }

    private func pairs(_ option: OptionDeclaration) -> JSONObject {
        var object = JSONObject()
        for text in arguments.values(of: option) {
            let (name, value) = CommaSeparated.cut(text)
            object[name] = .string(value ?? "")
        }
        return object
    }

    private func separated(_ option: OptionDeclaration) -> [String] {
        arguments.values(of: option).flatMap { $0.split(separator: ",").map { String($0) } }
    }

    private mutating func takeContexts() throws(Diagnostic) {
        var images = JSONObject()
        for (name, place) in arguments.pairs(of: BuildOptions.context) {
            if place.hasPrefix("docker-image://") {
                images[name] = ["image": .string(String(place.dropFirst("docker-image://".count)))]
            } else if place.hasPrefix("oci-layout://") {
                throw FlagProblem.invalid(
                    BuildOptions.context, "\(name)=\(place)", "OCI layouts are no contexts here",
                    hint: "load it: tar -C \(place.dropFirst("oci-layout://".count)) -c . | stackctl load; "
                        + "then name the image with docker-image://")
            } else {
                contexts.append((name, place))
            }
        }
        json["namedContexts"] = .object(images)
    }

    // MARK: Cache

    private mutating func takeCache() throws(Diagnostic) {
        json["cacheFrom"] = .array(try locations(BuildOptions.cacheFrom, path: "src"))
        json["cacheTo"] = .array(try locations(BuildOptions.cacheTo, path: "dest"))
        if arguments.isSet(BuildOptions.noCache) { json["noCache"] = true }
        json["noCacheStages"] = .strings(separated(BuildOptions.noCacheFilter))
    }

    private func locations(_ option: OptionDeclaration, path: String) throws(Diagnostic) -> [JSONValue] {
        let directory = directory
        return try arguments.values(of: option) { text throws(Reason) in
            guard text.contains("=") else {
                return ["type": "registry", "parameters": ["ref": .string(text)]] as JSONValue
            }
            var fields = try BuildPlace.fields(text)
            let type = fields.removeValue(forKey: "type") ?? "registry"
            // The daemon is somewhere else.
            if type == "local", let place = fields[path], !place.hasPrefix("/") {
                fields[path] = "\(directory)/\(place)"
            }
            return ["type": .string(type), "parameters": .object(.strings(fields))] as JSONValue
        }
    }

    // MARK: Results

    private mutating func takeDestinations() throws(Diagnostic) {
        destinations = try arguments.values(of: BuildOptions.output) { text throws(Reason) in
            try BuildDestination(text)
        }
        if destinations.isEmpty || arguments.isSet(BuildOptions.load) { destinations.append(.store) }
        var pushes = arguments.isSet(BuildOptions.push)
        var tags = self.tags
        for destination in destinations {
            switch destination {
            case .push(let names):
                pushes = true
                tags += names.filter { !tags.contains($0) }
            case .named(let names): tags += names.filter { !tags.contains($0) }
            default: break
            }
        }
        if pushes {
            guard !tags.isEmpty else {
                throw FlagProblem.sentence("tag is needed when pushing to registry", hint: "name the image with --tag")
            }
            json["push"] = true
        }
        json["tags"] = .strings(tags)
        try takeCompression()
        let outputs = destinations.map { $0.archive ?? "store" }
        let isStored = outputs.contains("store") || pushes
        json["outputs"] = .strings((isStored ? ["store"] : []) + outputs.filter { $0 != "store" })
        let streams = destinations.filter { [.tar(nil), .dockerArchive(nil), .ociArchive(nil)].contains($0) }
        guard streams.count <= 1 else {
            throw FlagProblem.sentence(
                "only one output can go to standard output", hint: "give the others a file: dest=FILE")
        }
    }

    private mutating func takeCompression() throws(Diagnostic) {
        let wanted = try arguments.values(of: BuildOptions.output) { text throws(Reason) in
            try BuildCompression.of(text)
        }.compactMap { $0 }
        guard let first = wanted.first else { return }
        guard wanted.allSatisfy({ $0 == first }) else {
            throw FlagProblem.sentence(
                "the outputs want different compressions, and an image has one manifest",
                hint: "give all the same compression=, or build twice: the second build is cached")
        }
        json["compression"] = first.json
    }

    private mutating func takeAttestations() throws(Diagnostic) {
        func mode(_ text: String) throws(Reason) -> JSONValue? {
            switch text {
            case "false", "0": return nil
            case "true", "1", "min", "mode=min": return "min"
            case "max", "mode=max": return "max"
            default: throw Reason("mode=min or mode=max is expected")
            }
        }
        for text in arguments.values(of: BuildOptions.attest) {
            let fields: [String: String]
            do {
                fields = try BuildPlace.fields(text)
            } catch {
                throw FlagProblem.invalid(BuildOptions.attest, text, error.text)
            }
            let isOff = ["1", "true"].contains(fields["disabled"] ?? "")
            switch fields["type"] {
            case "sbom": json["inventory"] = .bool(!isOff)
            case "provenance": json["provenance"] = isOff ? nil : .string(fields["mode"] ?? "min")
            default: throw FlagProblem.invalid(BuildOptions.attest, text, "type=sbom or type=provenance is expected")
            }
        }
        if arguments.value(of: BuildOptions.provenance) != nil {
            json["provenance"] = try arguments.value(of: BuildOptions.provenance, read: mode) ?? nil
        }
        if let text = arguments.value(of: BuildOptions.inventory) {
            json["inventory"] = .bool(!["false", "0"].contains(text))
        }
    }

    // MARK: Steps

    private mutating func takeRights() throws(Diagnostic) {
        secrets = try arguments.values(of: BuildOptions.secret) { text throws(Reason) in try BuildSecret(text) }
        agents = try arguments.values(of: BuildOptions.ssh) { text throws(Reason) in try BuildAgent(text) }
        var allowed = arguments.values(of: BuildOptions.allow)
        if let network = arguments.value(of: BuildOptions.network) {
            json["network"] = .string(network)
            // As buildx: whoever asks for it himself allows it.
            if network == "host", !allowed.contains("network.host") { allowed.append("network.host") }
        }
        json["allow"] = .strings(allowed)
    }

    private func limits() throws(Diagnostic) -> JSONObject {
        var limits = JSONObject()
        let sizes = [("memory", BuildOptions.memory), ("sharedMemory", BuildOptions.sharedMemory)]
        for (key, option) in sizes { limits[key] = try LimitWords.size(arguments, option) }
        limits["memorySwap"] = try arguments.value(of: BuildOptions.memorySwap) { text throws(Reason) in
            text == "-1" ? -1 : .int(try GoText.bytes(text))
        }
        let numbers = [
            ("cpuShares", BuildOptions.cpuShares), ("cpuPeriod", BuildOptions.cpuPeriod),
            ("cpuQuota", BuildOptions.cpuQuota),
        ]
        for (key, option) in numbers { limits[key] = try LimitWords.integer(arguments, option) }
        let texts = [
            ("cpuSet", BuildOptions.cpuSet), ("memoryNodes", BuildOptions.memorySet),
            ("cgroupParent", BuildOptions.cgroupParent),
        ]
        for (key, option) in texts { limits[key] = arguments.value(of: option).map { .string($0) } }
        let ulimits = try arguments.values(of: BuildOptions.ulimit, read: LimitWords.ulimit)
        if !ulimits.isEmpty { limits["ulimits"] = .array(ulimits) }
        let hosts = try arguments.values(of: BuildOptions.hosts) { text throws(Reason) in
            guard let cut = text.firstIndex(where: { $0 == ":" || $0 == "=" }), cut != text.startIndex else {
                throw Reason("bad format for add-host: \"\(text)\"", hint: "write NAME:ADDRESS")
            }
            return "\(text[..<cut]):\(text[text.index(after: cut)...])"
        }
        if !hosts.isEmpty { limits["extraHosts"] = .strings(hosts) }
        return limits
    }
}
