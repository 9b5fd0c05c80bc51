import Engine
import JSONText
import OCI
import StackModel

extension ContainerSpecification {
    /// The specification of a stack's container, before the image's defaults are merged in.
    init(stack: String, address: ResourceAddress, attributes: JSONObject) {
        self.init()
        image = attributes["image"]?.stringValue ?? ""
        command = attributes.list("command")
        entrypoint = attributes.list("entrypoint")
        env = attributes.strings("env").sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        labels = attributes.strings("labels").merging(HostNames.labels(stack: stack, address)) { $1 }
        user = attributes["user"]?.stringValue ?? ""
        workingDirectory = attributes["workdir"]?.stringValue ?? ""
        hostname = attributes["hostname"]?.stringValue ?? ""
        endpoints = Self.endpoints(address, attributes)
        mounts = (attributes["mounts"]?.arrayValue ?? []).compactMap { MountSpecification(attributes: $0) }
        ports = Self.ports(attributes)
        exposedPorts = Set(ports.map(\.container)).sorted()
        limits = .init(attributes: attributes["limits"]?.objectValue)
        healthcheck = Self.healthcheck(attributes)
        restart = Self.restart(attributes)
        stopSignal = attributes["stopSignal"]?.stringValue
        stopTimeout = attributes["stopTimeout"]?.intValue.map { Int($0) }
        usesInit = attributes["init"]?.boolValue ?? false
        readOnlyRoot = attributes["readOnlyRoot"]?.boolValue ?? false
    }

    /// The networks, with the names the rest of the stack asks for.
    static func endpoints(_ address: ResourceAddress, _ attributes: JSONObject) -> [EndpointSettings] {
        (attributes["networks"]?.arrayValue ?? []).compactMap { endpoint in
            guard let network = endpoint["network"]?.stringValue else { return nil }
            let own = HostNames.aliases(address)
            let aliases = endpoint["aliases"]?.arrayValue?.compactMap(\.stringValue) ?? []
            return EndpointSettings(
                network: network, aliases: own + aliases.filter { !own.contains($0) },
                address: endpoint["address"]?.stringValue)
        }
    }

    static func ports(_ attributes: JSONObject) -> [PortBinding] {
        (attributes["ports"]?.arrayValue ?? []).compactMap { port in
            guard let target = port["target"]?.intValue.flatMap({ UInt16(exactly: $0) }),
                let published = port["published"]?.intValue.flatMap({ UInt16(exactly: $0) })
            else { return nil }
            return PortBinding(
                container: ContainerPort(target, transport: port["protocol"]?.stringValue ?? "tcp"),
                hostAddress: port["hostAddress"]?.stringValue ?? "", hostPort: published)
        }
    }

    static func healthcheck(_ attributes: JSONObject) -> Healthcheck? {
        guard let check = attributes["healthcheck"] else { return nil }
        return Healthcheck(
            test: check["test"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            interval: check["interval"]?.intValue ?? 0, timeout: check["timeout"]?.intValue ?? 0,
            startPeriod: check["startPeriod"]?.intValue ?? 0, startInterval: 0,
            retries: Int(check["retries"]?.intValue ?? 0))
    }

    static func restart(_ attributes: JSONObject) -> RestartSettings {
        let policy = attributes["restart"]
        return RestartSettings(
            policy?["policy"]?.stringValue.flatMap(RestartSettings.Name.init(rawValue:)) ?? .no,
            maximumRetryCount: Int(policy?["maximumRetryCount"]?.intValue ?? 0))
    }
}

extension MountSpecification {
    init?(attributes: JSONValue) {
        guard let kind = attributes["type"]?.stringValue.flatMap(Kind.init(rawValue:)),
            let target = attributes["target"]?.stringValue
        else { return nil }
        self.init(
            kind, source: attributes["source"]?.stringValue ?? "", target: target,
            readOnly: attributes["readOnly"]?.boolValue ?? false)
    }

    /// One element of the attribute `mounts`.
    var attributes: JSONObject {
        var object: JSONObject = ["type": .string(kind.rawValue)]
        if !source.isEmpty { object["source"] = .string(source) }
        object["target"] = .string(target)
        object["readOnly"] = .bool(readOnly)
        return object
    }
}
