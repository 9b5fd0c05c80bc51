import Apply
import Engine
import JSONText
import Linux
import OCI
import StackModel

/// A container read back into the normal form of its attributes.
struct ContainerObservation {
    let facts: Container.Facts
    let recorded: RecordedObject
    /// What it may use: the kernel's word where the container runs.
    let limits: CgroupLimits
    let surroundings: Surroundings

    /// What the host calls the things that containers name.
    struct Surroundings: Sendable {
        /// The ids of images by the names that were asked for.
        var images: [String: String] = [:]
        /// Names of networks by their ids; of use only where somebody asks for one by its name.
        var networks: [String: String] = [:]
        /// The id of a container by its name or id.
        var container: @Sendable (String) -> String? = { _ in nil }
    }

    init(
        _ container: Container, _ recorded: RecordedObject, limits: CgroupLimits? = nil,
        _ surroundings: Surroundings = Surroundings()
    ) {
        facts = container.snapshot
        self.recorded = recorded
        self.surroundings = surroundings
        var known = facts.specification.limits
        if let limits {
            // Of swap the kernel does not say what was asked for.
            let swap = known.memorySwapBytes
            known.takeMain(from: limits)
            known.memorySwapBytes = swap
        }
        self.limits = known
    }

    var specification: ContainerSpecification { facts.specification }

    /// What is there, in the terms of what we set.
    var attributes: JSONObject {
        var object = JSONObject()
        for attribute in ContainerAttributes.all {
            object[attribute.name] = attribute.see(self, recorded.attributes[attribute.name])
        }
        return object
    }

    /// In the words it was asked for while those still lead to what it runs; else the image it runs.
    var image: String {
        let asked = recorded.attributes["image"]?.stringValue ?? ""
        if asked.isEmpty { return facts.specification.image }
        let named = surroundings.images[asked] ?? facts.imageID
        return named == facts.imageID && !asked.hasPrefix("sha256:") ? asked : facts.imageID
    }

    /// Whether a mode is the one asked for, which may name a container that the mode has by its id.
    func isSameContainer(_ asked: String, _ found: String) -> Bool {
        if asked == found { return true }
        guard asked.hasPrefix("container:"), found.hasPrefix("container:") else { return false }
        return surroundings.container(String(asked.dropFirst("container:".count)))
            == String(found.dropFirst("container:".count))
    }

    var networks: JSONValue {
        let own = Set(HostNames.aliases(recorded.address))
        let asked = recorded.attributes["networks"]?.arrayValue ?? []
        let endpoints = specification.endpoints.enumerated().map { index, endpoint -> JSONValue in
            var endpoint = endpoint
            let wanted = asked.first { wanted in
                let name = wanted["network"]?.stringValue
                return name == endpoint.network || name == surroundings.networks[endpoint.network]
            }
            endpoint.network = wanted?["network"]?.stringValue ?? endpoint.network
            // Its own names need no asking; those that were asked for all the same are told.
            let askedAliases = Set(wanted?["aliases"]?.arrayValue?.compactMap(\.stringValue) ?? [])
            endpoint.aliases = Set(endpoint.aliases).subtracting(own.subtracting(askedAliases)).sorted()
            // The container's own hardware address is that of its first network.
            if index == 0, wanted?["macAddress"] == nil, endpoint.macAddress == specification.macAddress {
                endpoint.macAddress = nil
            }
            return .object(endpoint.attributes)
        }
        return NetworkAttributes.ordered(networks: .array(endpoints))
    }

    /// What was asked for, not what the image or another container brings along.
    func mounts(_ asked: JSONValue?) -> JSONValue {
        let asked = asked?.arrayValue ?? []
        let mounts = specification.mounts.filter { $0.origin != .volumes && $0.origin != .volumesFrom }
        return .array(
            mounts.map { mount -> JSONObject in
                var object = mount.attributes
                let wanted = asked.first { $0["target"]?.stringValue == mount.target }
                object["mustExist"] = wanted?["mustExist"]
                return object
            }.sorted { ($0["target"]?.stringValue ?? "") < ($1["target"]?.stringValue ?? "") }.map { .object($0) })
    }

    /// Whether it does what it is there for.
    ///
    /// `problems` are those of its links.
    func condition(problems: [String]) -> ObjectCondition {
        let state = facts.state
        switch state.phase {
        case .running, .restarting: break
        case .paused: return .stopped("it is paused")
        case .exited where recorded.attributes["oneShot"] == true && state.exitCode == 0: return .ok
        case .exited: return .stopped(ended)
        case .created where recorded.attributes["running"] == false: return .ok
        case .created: return .stopped(state.error.isEmpty ? "it was never started" : state.error)
        case .removing, .dead: return .damaged("it is being removed")
        }
        if !problems.isEmpty { return .damaged(problems.joined(separator: "; ")) }
        if facts.health?.status == .unhealthy { return .damaged("its health check fails") }
        return .ok
    }

    /// What a failing health check said last.
    var remark: String? {
        guard facts.state.phase == .running, facts.health?.status == .unhealthy else { return nil }
        let said = facts.health?.log.last?.output.trimmedLine ?? ""
        return said.isEmpty ? nil : said
    }

    /// The anonymous volumes, which are removed with the container.
    var data: String? {
        let targets = specification.mounts.filter {
            $0.kind == .volume && $0.isAnonymous && $0.origin != .volumesFrom
        }.map(\.target).sorted()
        guard !targets.isEmpty else { return nil }
        return "its anonymous volume\(targets.count == 1 ? "" : "s") at \(targets.joined(separator: ", "))"
    }

    private var ended: String {
        let state = facts.state
        let time = state.finishedAt.map { " at \($0.rfc3339Seconds)" } ?? ""
        let memory = state.oomKilled ? " (killed for its memory)" : ""
        return "it exited with \(state.exitCode)\(memory)\(time)"
    }
}

extension String {
    /// The first line, at most 200 characters.
    var trimmedLine: String { String(split(separator: "\n").first?.prefix(200) ?? "") }
}
