import Linux
import Networking

/// `--link`: names that one container alone has for others.
extension HostEngine {
    /// A link, `name:alias` or `name`.
    struct ContainerLink: Sendable, Hashable {
        var name: String
        var alias: String

        init(_ text: String) {
            let sides = text.split(separator: ":", maxSplits: 1).map(String.init)
            let name = sides.first ?? ""
            self.name = name.hasPrefix("/") ? String(name.dropFirst()) : name
            alias = sides.count == 2 ? sides[1] : self.name
            // Docker's inspect writes `/db:/web/alias`.
            if let slash = alias.lastIndex(of: "/") { alias = String(alias[alias.index(after: slash)...]) }
        }
    }

    /// Links must lead to containers that are there.
    func checkLinkTargets(_ specification: ContainerSpecification) throws(EngineError) {
        for link in specification.links.map(ContainerLink.init) {
            do throws(EngineError) {
                _ = try containers.find(link.name)
            } catch {
                throw EngineError(.invalid, "could not get container for \(link.name): \(error.message)")
            }
        }
    }

    /// Links in the default network are looked up once, at the start.
    func checkLinks(_ container: Container) throws(EngineError) {
        for link in container.specification.links.map(ContainerLink.init) {
            let target = try containers.find(link.name)
            guard target.state.isActive else {
                throw EngineError(
                    .failed,
                    "Cannot link to a non running container: /\(target.name) AS /\(container.name)/\(link.alias)")
            }
        }
    }

    /// Lines for the hosts file of a container in the default network.
    func linkLines(_ container: Container) async throws -> [(address: String, name: String)] {
        let specification = container.specification
        guard !specification.links.isEmpty else { return [] }
        let own = Set(specification.endpoints.map(\.network))
        var lines: [(address: String, name: String)] = []
        for link in specification.links.map(ContainerLink.init) {
            let target = try containers.find(link.name)
            let places = try await networks.endpoints(containerID: target.id)
            guard let place = places.first(where: { own.contains($0.networkID) }),
                try await networks.network(id: place.networkID)?.name == Self.defaultNetworkName
            else { continue }
            let hostname = target.specification.hostname
            let host = hostname.isEmpty ? String(target.id.prefix(12)) : hostname
            var names = [link.alias, host]
            if link.alias != target.name { names.append(target.name) }
            lines.append((place.address.description, names.joined(separator: " ")))
        }
        return lines
    }

    /// Links for the name server: in networks of one's own names are looked up when they are asked for.
    func nameLinks(_ specification: ContainerSpecification) async throws -> [(alias: String, name: String)] {
        let texts = specification.links + specification.endpoints.flatMap(\.links)
        return texts.map(ContainerLink.init).filter { $0.alias != $0.name }.map { ($0.alias, $0.name) }
    }
}
