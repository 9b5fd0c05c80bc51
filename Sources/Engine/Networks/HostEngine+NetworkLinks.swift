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

    /// The links of a container in the default network, with the address that each leads to.
    private func addressedLinks(
        _ container: Container
    ) async throws -> [(link: ContainerLink, target: Container, address: String)] {
        let specification = container.specification
        guard !specification.links.isEmpty else { return [] }
        let own = Set(specification.endpoints.map(\.network))
        var found: [(link: ContainerLink, target: Container, address: String)] = []
        for link in specification.links.map(ContainerLink.init) {
            let target = try containers.find(link.name)
            let places = try await networks.endpoints(containerID: target.id)
            guard let place = places.first(where: { own.contains($0.networkID) }),
                try await networks.network(id: place.networkID)?.name == Self.defaultNetworkName
            else { continue }
            found.append((link, target, place.address.description))
        }
        return found
    }

    /// Lines for the hosts file of a container in the default network.
    func linkLines(_ container: Container) async throws -> [(address: String, name: String)] {
        try await addressedLinks(container).map { link, target, address in
            let hostname = target.specification.hostname
            var names = [link.alias, hostname.isEmpty ? String(target.id.prefix(12)) : hostname]
            if link.alias != target.name { names.append(target.name) }
            return (address, names.joined(separator: " "))
        }
    }

    /// Variables that tell a container in the default network of its links, as programs of old expect them.
    func linkVariables(_ container: Container) async throws -> [String] {
        try await addressedLinks(container).flatMap { link, target, address in
            let prefix = link.alias.uppercased().replacing("-", with: "_")
            let facts = target.specification
            var variables = ["\(prefix)_NAME=/\(container.name)/\(link.alias)"]
            for (index, port) in facts.exposedPorts.sorted().enumerated() {
                let place = "\(port.transport)://\(address):\(port.number)"
                let name = "\(prefix)_PORT_\(port.number)_\(port.transport.uppercased())"
                if index == 0 { variables.append("\(prefix)_PORT=\(place)") }
                variables += [
                    "\(name)=\(place)", "\(name)_ADDR=\(address)", "\(name)_PORT=\(port.number)",
                    "\(name)_PROTO=\(port.transport)",
                ]
            }
            return variables
                + facts.env.filter { !$0.hasPrefix("PATH=") && !$0.hasPrefix("HOME=") }.map { "\(prefix)_ENV_\($0)" }
        }
    }

    /// Links for the name server: in networks of one's own names are looked up when they are asked for.
    func nameLinks(_ specification: ContainerSpecification) async throws -> [(alias: String, name: String)] {
        let texts = specification.links + specification.endpoints.flatMap(\.links)
        return texts.map(ContainerLink.init).filter { $0.alias != $0.name }.map { ($0.alias, $0.name) }
    }
}
