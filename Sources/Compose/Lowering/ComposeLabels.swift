import JSONText

/// The labels by which other tools see the objects of a compose project.
///
/// Source: docker/compose, `pkg/api/labels.go`.
package enum ComposeLabels {
    /// What all of them begin with.
    package static let prefix = "com.docker.compose."
    package static let project = prefix + "project"
    package static let service = prefix + "service"
    package static let containerNumber = prefix + "container-number"
    /// `True` for containers of `run` and of `pre_start`.
    package static let oneOff = prefix + "oneoff"
    package static let configHash = prefix + "config-hash"
    package static let dependsOn = prefix + "depends_on"
    package static let workingDirectory = prefix + "project.working_dir"
    package static let configFiles = prefix + "project.config_files"
    package static let environmentFile = prefix + "project.environment_file"
    package static let network = prefix + "network"
    package static let volume = prefix + "volume"
    package static let version = prefix + "version"
    /// What tells a container of `run` from the others.
    package static let slug = prefix + "slug"
    /// What of a service a container runs: `pre_start`.
    package static let hook = prefix + "hook"

    /// The release of Docker Compose whose labels these are.
    package static let releaseFollowed = "2.40.3"

    /// What all containers of a service have in common.
    static func ofService(
        _ name: String, _ node: ComposeNode, in project: ComposeProject
    ) -> [(key: String, value: String)] {
        var labels = [
            (Self.project, project.name), (service, name), (oneOff, "False"),
            (configHash, ComposeHash.service(node)), (dependsOn, dependencies(node)),
            (workingDirectory, project.directory), (configFiles, project.files.joined(separator: ",")),
            (version, releaseFollowed),
        ]
        if !project.environmentFiles.isEmpty {
            labels.append((environmentFile, project.environmentFiles.joined(separator: ",")))
        }
        return labels
    }

    /// What tells one container from the others.
    static func ofContainer(_ number: Int) -> [(key: String, value: String)] {
        [(containerNumber, String(number))]
    }

    /// What a network or volume has.
    ///
    /// - Parameter kind: `network` or `volume`.
    static func ofShared(
        _ kind: String, _ key: String, _ node: ComposeNode, in project: ComposeProject
    ) -> [(key: String, value: String)] {
        [
            (Self.project, project.name), (kind, key), (version, releaseFollowed),
            (configHash, ComposeHash.shared(kind, node)),
        ]
    }

    /// `db:service_healthy:false`, each with whether it is started again with the other.
    private static func dependencies(_ node: ComposeNode) -> String {
        (node["depends_on"]?.map?.entries ?? []).sorted { $0.key < $1.key }.map { entry in
            let condition = entry.value["condition"]?.string ?? "service_started"
            return "\(entry.key):\(condition):\(entry.value["restart"]?.bool ?? false)"
        }.joined(separator: ",")
    }
}

/// Hashes of elements of a project: another one means another configuration.
package enum ComposeHash {
    /// Of a service, without what does not make another container; the one Docker Compose makes of the same service.
    ///
    /// Source: docker/compose, `pkg/compose/hash.go`.
    package static func service(_ node: ComposeNode) -> String {
        guard var map = node.map else { return whole(node) }
        for key in ["build", "pull_policy", "scale", "depends_on", "profiles"] { map.remove(key) }
        if var deploy = map["deploy"]?.map {
            deploy.remove("replicas")
            map["deploy"] = ComposeNode(.map(deploy), at: node.location)
        }
        return hex(CanonicalJSON(doublesDollars: false).value(map, .service))
    }

    /// Of a network or volume; the one Docker Compose makes of the same element, so that it does not make it anew.
    static func shared(_ kind: String, _ node: ComposeNode) -> String {
        var map = node.map ?? ComposeMap()
        if kind == ComposeLabels.volume { map.fill("driver", .string("local"), at: node.location) }
        let shape = kind == ComposeLabels.volume ? CanonicalShape.volume : .network
        return hex(CanonicalJSON(doublesDollars: false).value(map, shape))
    }

    private static func hex(_ json: JSONValue) -> String { SHA256Digest.hex(of: Array(json.goText.utf8)) }

    /// Of all of an element.
    package static func whole(_ node: ComposeNode) -> String {
        SHA256Digest.hex(of: node.plainJSON.serializedBytes(.canonical))
    }
}

extension JSONValue {
    /// The text Go's encoder writes, which escapes what HTML knows.
    fileprivate var goText: String {
        var text = ""
        for scalar in serialized().unicodeScalars {
            switch scalar {
            case "<", ">", "&": text += "\\u00" + String(scalar.value, radix: 16)
            case "\u{2028}", "\u{2029}": text += "\\u" + String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

extension ComposeNode {
    /// The value as JSON.
    var plainJSON: JSONValue {
        switch value {
        case .null: .null
        case .bool(let flag): .bool(flag)
        case .int(let number): .int(number)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .list(let elements): .array(elements.map(\.plainJSON))
        case .map(let map): .object(JSONObject(map.entries.map { ($0.key, $0.value.plainJSON) }))
        }
    }
}

extension ServiceLowering {
    mutating func lowerLabels() {
        setTextMap("labels", "labels")
        for label in ComposeLabels.ofService(name, node, in: context.project) {
            draft.set("labels.\(label.key)", .string(label.value), at: nil)
        }
    }
}
