import Apply
import Diagnostics
import Engine
import ImageStore
import JSONText
import Linux
import Networking
import StackModel

/// What would make containers fail to start, found while planning.
struct ContainerPreflight {
    let engine: HostEngine
    let desired: [PlannedResource]
    private let host: HostContainers
    /// Containers that the plan takes away.
    private let removed: Set<String>

    init(engine: HostEngine, desired: [PlannedResource]) {
        self.engine = engine
        self.desired = desired
        host = HostContainers(engine.containers.all)
        removed = Set(desired.filter { $0.action == .delete }.compactMap(\.objectID))
    }

    /// What was looked up for one resource, for the others that name the same.
    private struct Known {
        var images: [String: Diagnostic?] = [:]
        var networks: [String: Bool] = [:]
        var volumes: [String: Bool] = [:]
    }

    func diagnostics() async -> [Diagnostic] {
        let changed = desired.filter { $0.action != .noChange && $0.action != .delete }
        let ports = await portProblems(of: changed)
        var known = Known()
        var found: [Diagnostic] = []
        for (index, resource) in changed.enumerated() {
            found += names(resource) + adoptions(resource) + sources(resource)
            found += await files(resource)
            found += await volumes(resource, &known)
            found += await networks(resource, &known)
            found += await image(resource, &known)
            found += ports[index] ?? []
        }
        found += await ImageSupply(engine: engine).notes(for: desired)
        if await reachesOutside() { found += await engine.networks.diagnoseForwarding() }
        return found
    }

    /// Whether what is made or changed is in a network that has a way out.
    private func reachesOutside() async -> Bool {
        let changed = desired.filter { $0.action != .noChange && $0.action != .delete }
        let asked = Set(changed.flatMap { $0.attributes["networks"]?.arrayValue ?? [] }.compactMap { $0["network"] })
        guard !asked.isEmpty else { return false }
        let known = (try? await engine.networks.networks()) ?? []
        let closed = Set(known.filter(\.isInternal).map { JSONValue.string($0.id) })
        return !asked.isSubset(of: closed)
    }

    /// Ports that others have, by the places of the resources that ask for them.
    private func portProblems(of changed: [PlannedResource]) async -> [Int: [Diagnostic]] {
        let freed = Dictionary(grouping: portsBeingFreed, by: \.hostPort)
        let asked = changed.indices.compactMap { index -> (index: Int, question: PortQuestion)? in
            let wanted = ports(of: changed[index]).filter { port in
                !(freed[port.hostPort] ?? []).contains { $0.conflicts(with: port) }
            }
            return wanted.isEmpty ? nil : (index, PortQuestion(ports: wanted, containerID: changed[index].objectID))
        }
        let problems = await engine.networks.diagnosePorts(asked.map(\.question))
        return zip(asked, problems).reduce(into: [:]) { found, each in
            let (asked, problems) = each
            found[asked.index] = problems.map { $0.about(changed[asked.index], path: "ports") }
        }
    }

    private func ports(of resource: PlannedResource) -> [PublishedPort] {
        (resource.attributes["ports"]?.arrayValue ?? []).compactMap { PortBinding(attributes: $0)?.published }
    }

    /// Ports that this plan takes away from the stack's own containers.
    private var portsBeingFreed: [PublishedPort] {
        let replaced = desired.filter { $0.action == .create }.flatMap { resource in
            host.replaced(by: ContainerAdoption(resource.stack, resource.attributes)).flatMap { container in
                container.specification.ports.compactMap(\.published)
            }
        }
        return replaced
            + desired.flatMap { resource -> [PublishedPort] in
                guard resource.action != .noChange, resource.action != .create, let id = resource.objectID,
                    let container = engine.containers.container(id: id)
                else { return [] }
                let kept = resource.action == .delete ? [] : ports(of: resource)
                return container.specification.ports.compactMap(\.published).filter { !kept.contains($0) }
            }
    }

    /// An image given by its name must be there before anything is changed; one given by its digest is pulled first.
    ///
    /// What the stack itself makes is known by its id, or not at all yet.
    private func image(_ resource: PlannedResource, _ known: inout Known) async -> [Diagnostic] {
        guard resource.action == .create || resource.action == .recreate,
            let name = resource.attributes["image"]?.stringValue, !name.hasPrefix("sha256:"),
            ImageSupply.wanted(resource).isEmpty
        else { return [] }
        if known.images[name] == nil { known.images[name] = .some(await problem(ofImage: name)) }
        guard case .some(.some(var problem)) = known.images[name] else { return [] }
        if problem.hint == nil, problem.detail == nil {
            problem.hint =
                resource.attributes["pull"] == nil
                ? "see what there is with: stackctl images; "
                    + "an image of the stack is passed as a value, not by its name"
                : "its pull policy keeps it from being pulled: stackctl pull \(name)"
        }
        return [problem.about(resource, path: "image")]
    }

    private func problem(ofImage name: String) async -> Diagnostic? {
        do {
            guard try await engine.images.resolve(name) == nil else { return nil }
            return Diagnostic(code: "SC5135", summary: "there is no image \(name) in the local store")
        } catch {
            return Diagnostic(code: "SC5136", summary: "the image \(name) cannot be looked up", detail: "\(error)")
        }
    }

    /// What another client made for this project is told, since it goes.
    private func adoptions(_ resource: PlannedResource) -> [Diagnostic] {
        guard resource.action == .create else { return [] }
        return host.replaced(by: ContainerAdoption(resource.stack, resource.attributes)).map { container in
            Diagnostic(
                severity: .note, code: "SC5144",
                summary: "the container \(container.name), which another client made for this project, is replaced"
            ).about(resource)
        }
    }

    private func names(_ resource: PlannedResource) -> [Diagnostic] {
        let name = HostNames.container(stack: resource.stack, resource.address, resource.attributes)
        let own = resource.objectID.flatMap { engine.containers.container(id: $0)?.name }
        guard resource.action == .create || own != name else { return [] }
        guard let other = host.named(name),
            other.snapshot.stack != resource.stack || other.snapshot.address != resource.address.description,
            !removed.contains(other.id)
        else { return [] }
        if ContainerAdoption(resource.stack, resource.attributes).covers(other) { return [] }
        return [
            Diagnostic(
                code: "SC5132", summary: "the container \(name) exists already and is not of this stack",
                detail: "its id is \(other.id.prefix(12))", hint: "remove or rename it: stackctl rm \(name)"
            ).about(resource)
        ]
    }

    /// What cannot be read now could not be read at the start.
    private func files(_ resource: PlannedResource) async -> [Diagnostic] {
        let files = resource.attributes["files"]?.arrayValue ?? []
        let sealed = engine.sealedTexts
        let problems = await BlockingExecutor.shared.run {
            files.compactMap { file -> String? in
                do throws(EngineError) {
                    if let path = file["source"]?.stringValue { _ = try HostEngine.readSource(path) }
                    if let text = file["sealed"]?.stringValue { _ = try sealed.open(text) }
                    return nil
                } catch {
                    return error.message
                }
            }
        }
        return problems.map { Diagnostic(code: "SC5142", summary: $0).about(resource, path: "files") }
    }

    private func volumes(_ resource: PlannedResource, _ known: inout Known) async -> [Diagnostic] {
        var found: [Diagnostic] = []
        for mount in resource.attributes["mounts"]?.arrayValue ?? [] where mount["mustExist"] == true {
            guard mount["type"] == "volume", let name = mount["source"]?.stringValue else { continue }
            if known.volumes[name] == nil {
                known.volumes[name] = (try? await engine.volumes.find(name)) != nil
            }
            if known.volumes[name] == true { continue }
            found.append(
                Diagnostic(
                    code: "SC5146", summary: "there is no volume \(name)",
                    detail: "it is declared as external: others make it",
                    hint: "make it first: stackctl volume create \(name)"
                ).about(resource, path: "mounts"))
        }
        return found
    }

    /// The stack's own are named by id, or not known yet.
    private func networks(_ resource: PlannedResource, _ known: inout Known) async -> [Diagnostic] {
        var found: [Diagnostic] = []
        for endpoint in resource.attributes["networks"]?.arrayValue ?? [] {
            guard let name = endpoint["network"]?.stringValue else { continue }
            if known.networks[name] == nil { known.networks[name] = await isThere(network: name) }
            if known.networks[name] == true { continue }
            found.append(
                Diagnostic(
                    code: "SC5147", summary: "there is no network \(name)",
                    hint: "make it first: stackctl network create \(name)"
                ).about(resource, path: "networks"))
        }
        return found
    }

    /// What cannot be looked up is told when it is used.
    private func isThere(network name: String) async -> Bool {
        do {
            _ = try await engine.network(named: name)
        } catch let error as EngineError where error.kind == .notFound {
            return false
        } catch {}
        return true
    }

    private func sources(_ resource: PlannedResource) -> [Diagnostic] {
        (resource.attributes["mounts"]?.arrayValue ?? []).compactMap { mount in
            guard mount["type"] == "bind", mount["createSource"] != true, let source = mount["source"]?.stringValue,
                !Files.exists(source)
            else {
                return nil
            }
            return Diagnostic(
                code: "SC5133", summary: "\(source), which is to be mounted, does not exist",
                hint: "make it first: mkdir -p \(source)"
            ).about(resource, path: "mounts")
        }
    }
}

extension PortBinding {
    fileprivate var published: PublishedPort? { try? PublishedPort(self) }
}
