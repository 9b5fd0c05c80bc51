import JSONText
import Linux
import Runtime

/// What a vendor's device needs in a container.
package struct ContainerEdits: Sendable, Hashable {
    package var env: [String] = []
    package var devices: [HostSettings.Device] = []
    package var mounts: [MountConfiguration] = []
    package var groups: [String] = []

    mutating func add(_ other: ContainerEdits) {
        env += other.env
        for device in other.devices where !devices.contains(device) { devices.append(device) }
        for mount in other.mounts where !mounts.contains(mount) { mounts.append(mount) }
        for group in other.groups where !groups.contains(group) { groups.append(group) }
    }
}

/// The devices that vendors describe for containers, in files on the host.
///
/// Source: Container Device Interface specification 0.8 (cncf-tags/container-device-interface, SPEC.md).
package struct DeviceSpecifications: Sendable {
    /// Where the files are; later directories are stronger.
    package static let directories = ["/etc/cdi", "/var/run/cdi"]

    private struct Kind: Sendable {
        /// What every device of the kind needs.
        var common: ContainerEdits
        var devices: [String: ContainerEdits]
    }

    private var kinds: [String: Kind] = [:]
    /// Why some files could not be used.
    package private(set) var problems: [String] = []

    /// Reads the directories.
    ///
    /// Blocks.
    package init(directories: [String] = DeviceSpecifications.directories) {
        for directory in directories {
            for entry in (try? Files.list(directory)) ?? [] {
                let path = "\(directory)/\(entry.name)"
                if entry.name.hasSuffix(".yaml") || entry.name.hasSuffix(".yml") {
                    problems.append("\(path) is YAML; this engine reads CDI specifications as JSON only")
                }
                guard entry.name.hasSuffix(".json") else { continue }
                do {
                    let bytes = try Files.readAll(path, limit: 16 << 20)
                    try add(FieldReader(try JSONValue.parse(bytes), path: path))
                } catch {
                    problems.append("\(path) cannot be used: \(error)")
                }
            }
        }
    }

    /// The devices of a kind, such as `nvidia.com/gpu`.
    func names(ofKind kind: String) -> [String] { (kinds[kind]?.devices.keys).map { $0.sorted() } ?? [] }

    /// What devices need, by their qualified names: `vendor.com/class=name`.
    ///
    /// - Throws: Docker's text for names that nothing describes, with the files that could not be used.
    package func edits(for names: [String]) throws(EngineError) -> ContainerEdits {
        var edits = ContainerEdits()
        var missing: [String] = []
        var begun = Set<String>()
        for name in names {
            let parts = name.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let kind = kinds[parts[0]], let device = kind.devices[parts[1]] else {
                missing.append(name)
                continue
            }
            if begun.insert(parts[0]).inserted { edits.add(kind.common) }
            edits.add(device)
        }
        guard missing.isEmpty else {
            let reasons = problems.isEmpty ? "" : " (\(problems.joined(separator: "; ")))"
            throw EngineError(
                .failed,
                "CDI device injection failed: unresolvable CDI devices \(missing.joined(separator: ", "))\(reasons)")
        }
        return edits
    }

    private mutating func add(_ file: FieldReader) throws(EngineError) {
        let name = try file.text("kind")
        guard !name.isEmpty, try !file.text("cdiVersion").isEmpty else {
            throw EngineError(.invalid, "kind and cdiVersion are needed")
        }
        var kind = Kind(common: try Self.edits(file.reader("containerEdits")), devices: kinds[name]?.devices ?? [:])
        if let before = kinds[name], kind.common == ContainerEdits() { kind.common = before.common }
        for device in try file.objects("devices") {
            kind.devices[try device.text("name")] = try Self.edits(device.reader("containerEdits"))
        }
        kinds[name] = kind
    }

    private static func edits(_ reader: FieldReader?) throws(EngineError) -> ContainerEdits {
        var edits = ContainerEdits()
        guard let reader else { return edits }
        guard try reader.array("hooks").isEmpty else {
            throw EngineError(.notImplemented, "it has hooks: programs of the host that this engine does not run")
        }
        edits.env = try reader.strings("env") ?? []
        edits.groups = try reader.array("additionalGids").compactMap(\.intValue).map(String.init)
        for node in try reader.objects("deviceNodes") {
            let path = try node.text("path")
            let host = try node.text("hostPath")
            let access = try node.text("permissions")
            edits.devices.append(
                HostSettings.Device(
                    hostPath: host.isEmpty ? path : host, containerPath: path, access: access.isEmpty ? "rwm" : access))
        }
        for mount in try reader.objects("mounts") {
            let options = try mount.strings("options") ?? []
            var result = MountConfiguration.bind(
                try mount.text("hostPath"), at: try mount.text("containerPath"), readOnly: options.contains("ro"))
            result.noExec = options.contains("noexec")
            result.noSetUserID = options.contains("nosuid")
            result.noDevices = options.contains("nodev")
            edits.mounts.append(result)
        }
        return edits
    }
}

extension HostSettings.DeviceRequest {
    /// The devices asked for, by their qualified names.
    ///
    /// - Throws: Docker's text where nobody knows how to provide them.
    package func deviceNames(_ specifications: DeviceSpecifications) throws(EngineError) -> [String] {
        if driver == "cdi" { return ids }
        let gpus = "nvidia.com/gpu"
        let known = specifications.names(ofKind: gpus)
        let asksForGPU = capabilities.contains { $0.contains("gpu") }
        guard driver.isEmpty || driver == "nvidia", asksForGPU, !known.isEmpty else {
            let lists = capabilities.map { "[\($0.joined(separator: " "))]" }.joined(separator: " ")
            throw EngineError(
                .failed, "could not select device driver \"\(driver)\" with capabilities: [\(lists)]")
        }
        if !ids.isEmpty { return ids.map { "\(gpus)=\($0)" } }
        if count < 0, known.contains("all") { return ["\(gpus)=all"] }
        let single = known.filter { $0 != "all" }
        return (count < 0 ? single : Array(single.prefix(Int(clamping: count)))).map { "\(gpus)=\($0)" }
    }
}
