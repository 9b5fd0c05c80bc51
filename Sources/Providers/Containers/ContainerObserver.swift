import Apply
import Engine
import ImageStore
import JSONText
import Linux
import Networking
import OCI
import StackModel

/// Looks at a stack's containers, all of them together: what they share is asked for once.
struct ContainerObserver {
    let engine: HostEngine

    /// What the host has of these; those that are gone are not in the answer.
    func observe(_ recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject] {
        let found = recorded.compactMap { object in
            engine.containers.container(id: object.objectID).map { (object: object, container: $0) }
        }
        await engine.hearEnds(of: found.map(\.container))
        let active = found.map(\.container).filter(\.state.isActive)
        async let limits = limits(of: active)
        let places = try await engine.networks.places(containerIDs: found.map(\.container.id))
        async let links = problems(of: active, at: places)
        let surroundings = try await surroundings(of: found.map(\.object))
        var result: [ResourceAddress: ObservedObject] = [:]
        for (object, container) in found {
            let observation = ContainerObservation(
                container, object, limits: await limits[container.id], surroundings)
            result[object.address] = ObservedObject(
                container.id, attributes: observation.attributes,
                outputs: Self.outputs(container, object.address, places[container.id] ?? []),
                condition: observation.condition(problems: await links[container.id] ?? []),
                remark: observation.remark, data: observation.data)
        }
        return result
    }

    /// What a container is known by when it runs.
    static func outputs(_ container: Container, _ address: ResourceAddress, _ places: [EndpointPlace]) -> JSONObject {
        var addresses = JSONObject()
        for place in places { addresses[place.network.name] = .string(place.endpoint.address.description) }
        return [
            "id": .string(container.id), "name": .string(container.name), "host": .string(HostNames.host(address)),
            "addresses": .object(addresses), "image": .string(container.snapshot.imageID),
        ]
    }

    private func limits(of containers: [Container]) async -> [String: CgroupLimits] {
        let engine = engine
        return await BlockingExecutor.shared.run {
            containers.reduce(into: [:]) { $0[$1.id] = try? engine.kernelLimits(of: $1) }
        }
    }

    /// What is wrong with the links of running containers; nothing is told of one that ends meanwhile.
    private func problems(
        of containers: [Container], at places: [String: [EndpointPlace]]
    ) async -> [String: [String]] {
        let engine = engine
        let namespaces = await BlockingExecutor.shared.run {
            containers.filter(\.specification.hasOwnNetwork)
                .reduce(into: [String: SharedDescriptor]()) { $0[$1.id] = try? engine.namespace(of: $1) }
        }
        let observed = (try? await engine.networks.observe(containers: namespaces, at: places)) ?? [:]
        return observed.mapValues { $0.flatMap { $0.problems.map(\.description) } }
    }

    private func surroundings(of recorded: [RecordedObject]) async throws -> ContainerObservation.Surroundings {
        var surroundings = ContainerObservation.Surroundings()
        surroundings.images = try await images(named: recorded)
        let networks = recorded.flatMap { $0.attributes["networks"]?.arrayValue ?? [] }
        // The stack's own are asked for by id.
        if networks.contains(where: { $0["network"]?.stringValue?.utf8.count != 64 }) {
            for network in try await engine.networks.networks() { surroundings.networks[network.id] = network.name }
        }
        let containers = engine.containers
        surroundings.container = { text in (try? containers.find(text))?.id }
        return surroundings
    }

    /// The ids of the images that containers were asked for by name.
    private func images(named recorded: [RecordedObject]) async throws -> [String: String] {
        var found: [String: String] = [:]
        for name in Set(recorded.compactMap(Self.imageName)) {
            found[name] = try await engine.images.identify(name)?.id.description
        }
        return found
    }

    private static func imageName(_ object: RecordedObject) -> String? {
        object.attributes["image"]?.stringValue.flatMap { $0.hasPrefix("sha256:") ? nil : $0 }
    }
}
