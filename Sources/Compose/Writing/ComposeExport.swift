import Diagnostics
import JSONText
import StackModel

/// A stack as a compose file.
package enum ComposeExport {
    /// The file, and a note for each thing it cannot say.
    ///
    /// Loaded and lowered under the same name it gives the same stack but for what the notes tell.
    package static func yaml(of document: StackDocument) -> (text: String, notes: [Diagnostic]) {
        let (project, notes) = project(of: document)
        return (project.yaml(), notes)
    }

    /// The project, in canonical form.
    package static func project(of document: StackDocument) -> (project: ComposeProject, notes: [Diagnostic]) {
        let work = ComposeExportWork(document)
        work.exportNetworks()
        work.exportVolumes()
        for name in work.serviceNames { work.exportService(name) }
        work.noteUnusedImages()
        for output in document.outputs {
            work.note("SC2463", "the output \(output.name) has no place in a compose file", at: output.location)
        }
        return (work.project, work.notes)
    }
}

/// A compose file on its way.
final class ComposeExportWork {
    let document: StackDocument
    var project: ComposeProject
    private(set) var notes: [Diagnostic] = []
    /// Images that a service builds, by what they are called.
    var builtImages: Set<String> = []
    /// Containers by the service they are of, in the order of their numbers.
    private let containers: [String: [StackResource]]
    /// The services in the order declared.
    let serviceNames: [String]
    /// The steps of `pre_start` by their service.
    private let stepsOfService: [String: [String]]

    /// What is made here is written nowhere.
    static let nowhere = SourceLocation(file: "compose.yaml", line: 1)

    init(_ document: StackDocument) {
        self.document = document
        project = ComposeProject(name: document.name, directory: "/", files: [])
        var containers: [String: [StackResource]] = [:]
        var names: [String] = []
        var steps: [String: [String]] = [:]
        for resource in document.resources where resource.address.kind == .container {
            let name = resource.address.name
            if containers[name] == nil {
                let labels = resource.attributes["labels"]
                if labels?[ComposeLabels.hook] == "pre_start", let service = labels?[ComposeLabels.service]?.stringValue
                {
                    steps[service, default: []].append(name)
                } else {
                    names.append(name)
                }
            }
            containers[name, default: []].append(resource)
        }
        self.containers = containers.mapValues { $0.sorted { $0.address < $1.address } }
        serviceNames = names
        stepsOfService = steps
    }

    /// The containers of a service.
    func containers(of name: String) -> [StackResource] { containers[name] ?? [] }

    /// The names of a service's steps, in order.
    func steps(of service: String) -> [String] { stepsOfService[service] ?? [] }

    /// The image resource of a name.
    func image(_ name: String) -> StackResource? {
        document.resource(ResourceAddress(kind: .image, name: name))
    }

    func note(_ code: String, _ summary: String, address: ResourceAddress? = nil, at location: SourceLocation?) {
        notes.append(
            Diagnostic(
                severity: .note, code: code, summary: summary, address: address?.description, location: location))
    }

    /// Notes what is left of a resource's attributes.
    func noteRest(_ rest: JSONObject, of resource: StackResource) {
        for key in rest.keys.sorted() {
            note(
                "SC2462", "\(resource.address).\(key) cannot be said in a compose file", address: resource.address,
                at: resource.location(of: key))
        }
    }

    func exportNetworks() {
        for resource in document.resources where resource.address.kind == .network {
            var rest = resource.attributes
            var network = ComposeMap()
            let names = [("driver", "driver"), ("internal", "internal"), ("attachable", "attachable")]
            for (attribute, key) in names + [("ipv6", "enable_ipv6"), ("options", "driver_opts")] {
                network[key] = rest.take(attribute)
            }
            // What a network is where nothing is said: most files say nothing, and so is their hash.
            if network["driver"]?.string == "bridge" { network["driver"] = nil }
            network["name"] =
                rest.take("name") ?? .string("\(document.name)_\(resource.address.name)", at: Self.nowhere)
            network["labels"] = rest.take("labels").flatMap(Self.withoutComposeLabels)
            var pools: [ComposeNode] = []
            for suffix in ["", "6"] {
                var pool = ComposeMap()
                for (attribute, key) in [
                    ("subnet", "subnet"), ("range", "ip_range"), ("gateway", "gateway"), ("auxiliary", "aux_addresses"),
                ] { pool[key] = rest.take(attribute + suffix) }
                if !pool.isEmpty { pools.append(ComposeNode(.map(pool), at: Self.nowhere)) }
            }
            if !pools.isEmpty {
                network["ipam"] = .map([("config", ComposeNode(.list(pools), at: Self.nowhere))], at: Self.nowhere)
            }
            noteRest(rest, of: resource)
            project.networks[resource.address.name] = ComposeNode(.map(network), at: Self.nowhere)
        }
    }

    func exportVolumes() {
        for resource in document.resources where resource.address.kind == .volume {
            var rest = resource.attributes
            var volume = ComposeMap()
            volume["name"] =
                rest.take("name") ?? .string("\(document.name)_\(resource.address.name)", at: Self.nowhere)
            volume["driver"] = rest.take("driver")
            volume["driver_opts"] = rest.take("options")
            volume["labels"] = rest.take("labels").flatMap(Self.withoutComposeLabels)
            if resource.protect {
                volume["x-stackctl"] = .map(
                    [("protect", ComposeNode(.bool(true), at: Self.nowhere))], at: Self.nowhere)
            }
            noteRest(rest, of: resource)
            project.volumes[resource.address.name] = ComposeNode(.map(volume), at: Self.nowhere)
        }
    }

    func noteUnusedImages() {
        for resource in document.resources where resource.address.kind == .image {
            guard !builtImages.contains(resource.address.name) else { continue }
            note(
                "SC2461", "the image \(resource.address.name) is built by no service of a compose file",
                address: resource.address, at: resource.location)
        }
    }

    /// Labels without those that lowering writes.
    static func withoutComposeLabels(_ node: ComposeNode) -> ComposeNode? {
        guard let map = node.map else { return node }
        let kept = map.entries.filter { !$0.key.hasPrefix(ComposeLabels.prefix) }
        return kept.isEmpty ? nil : ComposeNode(.map(ComposeMap(kept)), at: node.location)
    }
}

extension JSONObject {
    /// Takes a member out, as a node of a compose file.
    mutating func take(_ key: String) -> ComposeNode? {
        guard let value = self[key] else { return nil }
        self[key] = nil
        return ComposeNode(json: value, at: ComposeExportWork.nowhere)
    }
}

extension ComposeNode {
    /// A value of JSON.
    init(json: JSONValue, at location: SourceLocation) {
        switch json {
        case .null: self.init(.null, at: location)
        case .bool(let flag): self.init(.bool(flag), at: location)
        case .int(let number): self.init(.int(number), at: location)
        case .double(let number): self.init(.double(number), at: location)
        case .string(let text): self.init(.string(text), at: location)
        case .array(let elements):
            self.init(.list(elements.map { ComposeNode(json: $0, at: location) }), at: location)
        case .object(let object):
            let members = object.map {
                ComposeMap.Entry(key: $0.key, value: ComposeNode(json: $0.value, at: location), location: location)
            }
            self.init(.map(ComposeMap(members)), at: location)
        }
    }

    static func string(_ text: String, at location: SourceLocation) -> ComposeNode {
        ComposeNode(.string(text), at: location)
    }

    static func list(_ texts: [String], at location: SourceLocation) -> ComposeNode {
        ComposeNode(.list(texts.map { .string($0, at: location) }), at: location)
    }

    static func map(_ members: [(String, ComposeNode)], at location: SourceLocation) -> ComposeNode {
        ComposeNode(
            .map(ComposeMap(members.map { ComposeMap.Entry(key: $0.0, value: $0.1, location: location) })),
            at: location)
    }
}
