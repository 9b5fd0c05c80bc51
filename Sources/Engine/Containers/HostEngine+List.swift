import ImageStore
import JSONText
import Linux
import Networking
import OCI

extension HostEngine {
    /// Docker's list of `ContainerSummary`, newest first.
    ///
    /// - Parameters:
    ///   - all: also those that do not run.
    ///   - limit: at most so many, whatever their state; 0 is all.
    package func list(all: Bool, limit: Int = 0, size: Bool = false, filter: FilterSet) async throws -> [JSONObject] {
        try filter.checkForContainers()
        let names = NamePatterns(filter["name"])
        let everything = containers.all
        var result: [JSONObject] = []
        let bounds = try Bounds(filter, containers)
        let showsAll = all || limit > 0 || !filter.lacks("status") || !filter.lacks("exited")
        let now = Clock.now()
        if filter.isEmpty { result += containers.damaged.sorted { $0.name < $1.name }.map(Self.summary) }
        for container in everything {
            let facts = container.snapshot
            guard showsAll || facts.state.isActive, names.allow(facts.name) else { continue }
            guard try await passes(container, facts, filter), bounds.contains(facts.created) else { continue }
            result.append(try await summary(container, facts, size: size, now: now))
            if limit > 0, result.count == limit { break }
        }
        return result
    }

    /// `before` and `since`.
    private struct Bounds {
        var before: Timestamp?
        var since: Timestamp?

        init(_ filter: FilterSet, _ containers: ContainerRegistry) throws(EngineError) {
            if let name = filter["before"].first { before = try containers.find(name).snapshot.created }
            if let name = filter["since"].first { since = try containers.find(name).snapshot.created }
        }

        func contains(_ time: Timestamp) -> Bool {
            if let before, time >= before { return false }
            if let since, time <= since { return false }
            return true
        }
    }

    private func passes(
        _ container: Container, _ facts: Container.Facts, _ filter: FilterSet
    ) async throws -> Bool {
        let specification = facts.specification
        guard
            filter.allows("id", where: { container.id.hasPrefix($0) }),
            filter.allows(labels: specification.labels),
            filter.allows("status", where: { $0 == facts.state.phase.rawValue }),
            filter.allows("exited", where: { facts.state.phase == .exited && Int32($0) == facts.state.exitCode }),
            filter.allows("is-task", false), filter.allows("isolation", where: { $0 == "default" }),
            filter.allows("health", where: { $0 == facts.health?.status.rawValue ?? "none" }),
            filter.allows(
                "volume",
                where: { name in
                    specification.mounts.contains { $0.source == name || $0.target == name }
                }),
            filter.allows(
                "expose", where: { text in specification.exposedPorts.contains { FilterSet.ports(text, name: $0) } }),
            filter.allows(
                "publish",
                where: { text in
                    specification.ports.contains { binding in
                        let published = ContainerPort(binding.hostPort, transport: binding.container.transport)
                        return FilterSet.ports(text, name: binding.container) || FilterSet.ports(text, name: published)
                    }
                })
        else { return false }
        if !filter.lacks("ancestor") {
            var ids: Set<String> = []
            for name in filter["ancestor"] {
                if let image = try? await images.resolve(name) { ids.insert(image.id.description) }
            }
            guard ids.contains(facts.imageID) || filter["ancestor"].contains(specification.image) else { return false }
        }
        if !filter.lacks("network") {
            let names = try await endpointObjects(container, facts)
            let ids = specification.endpoints.map(\.network)
            guard filter["network"].contains(where: { names[$0] != nil || ids.contains($0) }) else { return false }
        }
        return true
    }

    private func summary(
        _ container: Container, _ facts: Container.Facts, size: Bool, now: Timestamp
    ) async throws -> JSONObject {
        let specification = facts.specification
        var object = JSONObject()
        object["Id"] = .string(container.id)
        object["Names"] = .strings(["/\(facts.name)"])
        object["Image"] = .string(specification.image)
        object["ImageID"] = .string(facts.imageID)
        object["Command"] = .string(Self.commandText(specification.arguments))
        object["Created"] = .int(facts.created.seconds)
        object["Ports"] = .array(try await portList(container, facts))
        if size {
            let usage = try await sizes(container)
            object["SizeRw"] = .int(usage.writable)
            object["SizeRootFs"] = .int(usage.total)
        }
        object["Labels"] = .object(.strings(specification.labels))
        object["State"] = .string(facts.state.phase.rawValue)
        object["Status"] = .string(facts.state.summary(now: now, health: facts.health))
        object["HostConfig"] = ["NetworkMode": .string(specification.networkMode)]
        object["NetworkSettings"] = ["Networks": .object(try await endpointObjects(container, facts))]
        object["Mounts"] = .array(mountPoints(specification))
        return object
    }

    /// What is known of a container whose row cannot be read: it may run or not.
    private static func summary(_ container: DamagedContainer) -> JSONObject {
        [
            "Id": .string(container.id), "Names": .strings(["/\(container.name)"]),
            "Image": .string(container.imageID), "ImageID": .string(container.imageID), "Command": "", "Created": 0,
            "Ports": [], "Labels": [:], "State": "dead", "Status": .string("Damaged: \(container.reason)"),
            "HostConfig": [:], "NetworkSettings": ["Networks": [:]], "Mounts": [],
        ]
    }

    /// Arguments with spaces are quoted, as in Docker's list.
    private static func commandText(_ arguments: [String]) -> String {
        arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " ")
    }

    private func portList(_ container: Container, _ facts: Container.Facts) async throws -> [JSONValue] {
        guard facts.state.isActive else { return [] }
        var result: [JSONValue] = []
        var bound = Set<ContainerPort>()
        // Most publish nothing, and are not asked after.
        let publishes = facts.specification.publishesAllPorts || !facts.specification.ports.isEmpty
        for port in publishes ? try await networks.publishedPorts(containerID: container.id) : [] {
            bound.insert(ContainerPort(port.containerPort, transport: port.transport.rawValue))
            result.append([
                "IP": .string(port.hostAddressText),
                "PrivatePort": .int(Int64(port.containerPort)),
                "PublicPort": .int(Int64(port.hostPort)), "Type": .string(port.transport.rawValue),
            ])
        }
        for port in facts.specification.exposedPorts.sorted() where !bound.contains(port) {
            result.append(["PrivatePort": .int(Int64(port.number)), "Type": .string(port.transport)])
        }
        return result
    }
}
