import Diagnostics
import JSONText
import StackModel

/// Images, and the steps before the start.
extension ComposeServiceExport {
    private var place: SourceLocation { ComposeExportWork.nowhere }

    mutating func exportImage() {
        let value = rest["image"] ?? .null
        rest["image"] = nil
        let name = imageName(value)
        let pull = rest["pull"]?.stringValue
        rest["pull"] = nil
        if name != "\(work.document.name)-\(self.name)" || value.stringValue != nil { set("image", name) }
        guard let image = StackReference(json: value).flatMap({ work.image($0.address.name) }) else {
            if let pull, pull != "missing" { set("pull_policy", pull) }
            return
        }
        set("pull_policy", pull)
        guard work.builtImages.insert(name).inserted else { return }
        guard let build = build(image) else {
            work.note(
                "SC2461", "the image \(name) is not built from a Dockerfile: build it before",
                address: image.address, at: image.location)
            set("image", name)
            set("pull_policy", "never")
            return
        }
        service["build"] = build
    }

    /// What an image is called.
    func imageName(_ value: JSONValue) -> String {
        StackReference(json: value)?.address.name ?? value.stringValue ?? ""
    }

    private static let members: [(attribute: String, key: String)] = [
        ("context", "context"), ("dockerfile", "dockerfile"), ("dockerfileText", "dockerfile_inline"),
        ("target", "target"), ("arguments", "args"), ("network", "network"), ("ulimits", "ulimits"),
        ("cacheFrom", "cache_from"), ("cacheTo", "cache_to"), ("noCache", "no_cache"),
        ("noCacheStages", "no_cache_filter"), ("pull", "pull"),
        ("platforms", "platforms"), ("ssh", "ssh"), ("entitlements", "entitlements"),
    ]

    private func build(_ image: StackResource) -> ComposeNode? {
        var rest = image.attributes
        guard var from = rest["from"]?.objectValue, from["dockerfile"] != nil || from["dockerfileText"] != nil else {
            return nil
        }
        rest["from"] = nil
        var build = ComposeMap()
        for (attribute, key) in Self.members { build[key] = from.take(attribute) }
        if build["context"] == nil, let file = build["dockerfile"]?.string {
            // A Dockerfile that needs no files.
            build["context"] = .string(file.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }, at: place)
        }
        build["labels"] = from.take("labels").flatMap(ComposeExportWork.withoutComposeLabels)
        build["shm_size"] = from["shmSize"]?.intValue.map { .string(String($0), at: place) }
        from["shmSize"] = nil
        if let hosts = from["extraHosts"]?.arrayValue?.compactMap(\.stringValue) {
            build["extra_hosts"] = .list(hosts.map { $0.replacing(":", with: "=", maxReplacements: 1) }, at: place)
            from["extraHosts"] = nil
        }
        if let contexts = from["contexts"]?.objectValue {
            from["contexts"] = nil
            build["additional_contexts"] = .map(
                contexts.map { ($0.key, .string(context($0.value), at: place)) }, at: place)
        }
        exportSecrets(&from, &build, image)
        build["tags"] = rest.take("tags")
        // The bases are looked up again.
        from["bases"] = nil
        for key in from.keys { rest["from.\(key)"] = from[key] }
        work.noteRest(rest, of: image)
        return ComposeNode(.map(build), at: place)
    }

    /// A context by its name: the image of a service, another image or a directory.
    private func context(_ value: JSONValue) -> String {
        guard let reference = StackReference(json: value) else { return value.stringValue ?? "" }
        let service = work.serviceNames.first { name in
            let image = work.containers(of: name).first?.attributes["image"]
            return image.flatMap { StackReference(json: $0) }?.address == reference.address
        }
        return service.map { "service:\($0)" } ?? "docker-image://\(reference.address.name)"
    }

    private func exportSecrets(_ from: inout JSONObject, _ build: inout ComposeMap, _ image: StackResource) {
        var uses: [ComposeNode] = []
        for (attribute, member) in [("secrets", "source"), ("secretValues", "sealed")] {
            for (id, value) in from[attribute]?.objectValue ?? JSONObject() {
                let file: JSONObject = ["target": .string("/run/secrets/\(id)"), .init(member): value]
                let key = work.declare(file, isSecret: true, image)
                uses.append(
                    .map([("source", .string(key, at: place)), ("target", .string(id, at: place))], at: place))
            }
            from[attribute] = nil
        }
        if !uses.isEmpty { build["secrets"] = ComposeNode(.list(uses), at: place) }
    }

    mutating func exportSteps() {
        var nodes: [ComposeNode] = []
        for step in work.steps(of: name) {
            guard let first = work.containers(of: step).first else { continue }
            let attributes = first.attributes
            var node = ComposeMap()
            func differs(_ attribute: String) -> JSONValue? {
                attributes[attribute] == resource.attributes[attribute] ? nil : attributes[attribute]
            }
            for (attribute, key) in [("command", "command"), ("user", "user"), ("workdir", "working_dir")] {
                node[key] = differs(attribute).map { ComposeNode(json: $0, at: place) }
            }
            node["privileged"] = differs("privileged").map { ComposeNode(json: $0, at: place) }
            node["image"] = differs("image").map { .string(imageName($0), at: place) }
            let shared = resource.attributes["env"]?.objectValue ?? JSONObject()
            let env = (attributes["env"]?.objectValue ?? JSONObject()).filter { shared[$0.key] != $0.value }
            let names = (attributes["unsetEnv"]?.arrayValue ?? []).filter { name in
                !(resource.attributes["unsetEnv"]?.arrayValue?.contains(name) ?? false)
            }
            let variables = env.map { ($0.key, $0.value) } + unset(.array(names), of: first, "unsetEnv")
            if !variables.isEmpty {
                node["environment"] = ComposeNode(json: .object(JSONObject(variables)), at: place)
            }
            let waits = resource.dependencies.contains { $0.address.name == step && $0.address.index != 1 }
            if waits || work.containers(of: step).count > 1 {
                node["per_replica"] = ComposeNode(.bool(true), at: place)
            }
            nodes.append(ComposeNode(.map(node), at: place))
        }
        if !nodes.isEmpty { service["pre_start"] = ComposeNode(.list(nodes), at: place) }
    }
}
