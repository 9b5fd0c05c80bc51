import ImageStore
import JSONText
import Linux
import Networking

extension HostEngine {
    /// Docker's `ContainerInspect`.
    package func inspection(_ container: Container, size: Bool = false) async throws -> JSONObject {
        let facts = container.snapshot
        let specification = facts.specification
        let directory = configuration.containerDirectory(container.id)
        let arguments = specification.arguments
        var object = JSONObject()
        object["Id"] = .string(container.id)
        object["Created"] = .string(facts.created.rfc3339)
        object["Path"] = .string(arguments.first ?? "")
        object["Args"] = .strings(Array(arguments.dropFirst()))
        object["State"] = .object(facts.state.inspection(health: facts.health))
        object["Image"] = .string(facts.imageID)
        object["ResolvConfPath"] = .string("\(directory)/resolv.conf")
        object["HostnamePath"] = .string("\(directory)/hostname")
        object["HostsPath"] = .string("\(directory)/hosts")
        object["LogPath"] = .string(specification.hostSettings.logDriver == "json-file" ? "\(directory)/log" : "")
        object["Name"] = .string("/\(facts.name)")
        object["RestartCount"] = .int(Int64(facts.state.restartCount))
        object["Driver"] = "overlay2"
        object["Platform"] = "linux"
        object["MountLabel"] = ""
        object["ProcessLabel"] = ""
        object["AppArmorProfile"] = ""
        let running = executions.running(in: container.id).map(\.id)
        object["ExecIDs"] = .strings(orNull: running.isEmpty ? nil : running)
        var host = specification.host
        host["NetworkMode"] = .string(try await networkModeName(specification))
        object["HostConfig"] = .object(host)
        object["GraphDriver"] = [
            "Name": "overlay2",
            "Data": [
                "UpperDir": .string("\(directory)/upper"), "WorkDir": .string("\(directory)/work"),
                "MergedDir": .string("\(directory)/rootfs"),
            ],
        ]
        if size {
            let usage = try await sizes(container)
            object["SizeRw"] = .int(usage.writable)
            object["SizeRootFs"] = .int(usage.total)
        }
        object["Mounts"] = .array(specification.mounts.map { .object(mountPoint($0)) })
        var config = specification.config
        if specification.hostname.isEmpty { config["Hostname"] = .string(String(container.id.prefix(12))) }
        object["Config"] = .object(config)
        object["NetworkSettings"] = .object(try await networkSettings(container, facts))
        return object
    }

    private func networkModeName(_ specification: ContainerSpecification) async throws -> String {
        guard specification.networkMode == "default" else { return specification.networkMode }
        return "bridge"
    }

    /// Bytes the container wrote, and those with its image.
    package func sizes(_ container: Container) async throws -> (writable: Int64, total: Int64) {
        let upper = configuration.containerDirectory(container.id) + "/upper"
        let writable = try await BlockingExecutor.shared.run { () throws -> Int64 in
            guard Files.exists(upper) else { return 0 }
            return try DiskUsage.bytes(of: try Files.open(upper, [.directory]).raw)
        }
        let image = try await images.resolve(container.snapshot.imageID)?.size ?? 0
        return (writable, writable + image)
    }

    /// Docker's `MountPoint`.
    func mountPoint(_ mount: MountSpecification) -> JSONObject {
        var object: JSONObject = ["Type": .string(mount.kind.rawValue)]
        switch mount.kind {
        case .volume:
            object["Name"] = .string(mount.source)
            object["Source"] = .string(volumes.dataPath(mount.source))
            object["Driver"] = "local"
        case .bind: object["Source"] = .string(mount.source)
        case .tmpfs: object["Source"] = ""
        }
        object["Destination"] = .string(mount.target)
        object["Mode"] = .string(mount.readOnly ? "ro" : "")
        object["RW"] = .bool(!mount.readOnly)
        object["Propagation"] = .string(mount.kind == .bind ? "rprivate" : "")
        return object
    }

    private func networkSettings(_ container: Container, _ facts: Container.Facts) async throws -> JSONObject {
        var settings = JSONObject()
        let isActive = facts.state.isActive
        settings["Bridge"] = ""
        settings["SandboxID"] = .string(isActive ? container.id : "")
        settings["SandboxKey"] = .string(isActive ? "/proc/\(facts.state.supervisorPID)/ns/net" : "")
        settings["Ports"] = .object(isActive ? try await ports(container) : JSONObject())
        let networks = try await endpointObjects(container, facts)
        // Versions before 1.52 repeat the default network's address here.
        let first = networks.values.first?.objectValue
        for name in ["EndpointID", "Gateway", "IPAddress", "MacAddress"] { settings[name] = first?[name] ?? "" }
        settings["IPPrefixLen"] = first?["IPPrefixLen"] ?? 0
        settings["Networks"] = .object(networks)
        return settings
    }

    /// Docker's `Ports`: `{"80/tcp": [{"HostIp", "HostPort"}]}`, null for what is only exposed.
    private func ports(_ container: Container) async throws -> JSONObject {
        var object = JSONObject()
        for port in container.specification.exposedPorts.sorted() { object[port.description] = .null }
        for port in try await networks.publishedPorts(containerID: container.id) {
            let key = "\(port.containerPort)/\(port.transport.rawValue)"
            let entry: JSONValue = [
                "HostIp": .string(port.hostAddress?.description ?? "0.0.0.0"),
                "HostPort": .string(String(port.hostPort)),
            ]
            object[key] = .array((object[key]?.arrayValue ?? []) + [entry])
        }
        return object
    }

    /// Docker's `Networks`: by name, for `host` and `none` too.
    func endpointObjects(_ container: Container, _ facts: Container.Facts) async throws -> JSONObject {
        let mode = facts.specification.networkMode
        if mode == "host" || mode == "none" {
            return JSONObject([(mode, .object(Self.endpoint(nil, nil, active: false, settings: nil, names: [])))])
        }
        var object = JSONObject()
        for endpoint in try await networks.endpoints(containerID: container.id) {
            let network = try await networks.network(id: endpoint.networkID)
            let settings = facts.specification.endpoints.first { $0.network == endpoint.networkID }
            object[network?.name ?? endpoint.networkID] = .object(
                Self.endpoint(
                    endpoint, network, active: facts.state.isActive, settings: settings,
                    names: dnsNames(container, endpoint)))
        }
        return object
    }

    private static func endpoint(
        _ endpoint: EndpointSpecification?, _ network: NetworkSpecification?, active: Bool,
        settings: EndpointSettings?, names: [String]
    ) -> JSONObject {
        let up = active && endpoint != nil
        let aliases = endpoint?.aliases ?? []
        var object = JSONObject()
        object["IPAMConfig"] = settings?.address.map { .object(["IPv4Address": .string($0)]) } ?? .null
        object["Links"] = .null
        object["Aliases"] = .strings(orNull: aliases.isEmpty ? nil : aliases)
        object["MacAddress"] = .string(up ? endpoint?.macAddress.description ?? "" : "")
        object["DriverOpts"] = .null
        object["GwPriority"] = 0
        object["NetworkID"] = .string(network?.id ?? "")
        object["EndpointID"] = .string(
            up ? "\(endpoint?.containerID.prefix(32) ?? "")\(network?.id.prefix(32) ?? "")" : "")
        object["Gateway"] = .string(up && network?.isInternal == false ? network?.gateway.description ?? "" : "")
        object["IPAddress"] = .string(up ? endpoint?.address.description ?? "" : "")
        object["IPPrefixLen"] = .int(up ? Int64(network?.subnet.prefixLength ?? 0) : 0)
        object["IPv6Gateway"] = ""
        object["GlobalIPv6Address"] = ""
        object["GlobalIPv6PrefixLen"] = 0
        object["DNSNames"] = .strings(orNull: names.isEmpty ? nil : names)
        return object
    }
}
