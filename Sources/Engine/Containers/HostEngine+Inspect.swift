import ImageStore
import JSONText
import Linux

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
        let files = networkFilesDirectory(container.id, specification)
        object["ResolvConfPath"] = .string("\(files)/resolv.conf")
        object["HostnamePath"] = .string("\(files)/hostname")
        object["HostsPath"] = .string("\(files)/hosts")
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
        specification.showMounts(in: &host)
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
        object["Mounts"] = .array(mountPoints(specification))
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
            let directory = try Files.open(upper, [.directory]).shared()
            return try withExtendedLifetime(directory) { try DiskUsage.bytes(of: $0.raw) }
        }
        let image = try await images.resolve(container.snapshot.imageID)?.size ?? 0
        return (writable, writable + image)
    }
}
