import Linux
import Runtime

/// Device nodes of the host, as a container is given them.
///
/// Its functions block.
enum HostDevices {
    /// Directories of /dev that are file systems of their own, and belong to each container itself.
    private static let skippedDirectories: Set<String> = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]
    /// Nodes every container has its own of.
    private static let skippedNodes: Set<String> = [
        "console", "ptmx", "tty", "null", "zero", "full", "random", "urandom",
    ]

    /// The devices of a mapping: one, or all below a directory.
    ///
    /// - Throws: Docker's text for a path that is no device.
    static func devices(_ mapping: HostSettings.Device) throws(EngineError) -> [DeviceConfiguration] {
        func failure(_ reason: String) -> EngineError {
            EngineError(
                .failed,
                "error gathering device information while adding custom device \"\(mapping.hostPath)\": \(reason)")
        }
        guard let access = DeviceRule.access(letters: mapping.access) else {
            throw failure("invalid device mode: \(mapping.access)")
        }
        let status: FileStatus
        do throws(SystemError) {
            status = try Files.status(mapping.hostPath)
        } catch {
            throw failure(error.errno == .ENOENT ? "no such file or directory" : "\(error)")
        }
        if status.kind == .directory {
            let found = below(mapping.hostPath, as: mapping.containerPath, access, depth: 0)
            guard !found.isEmpty else { throw failure("not a device node") }
            return found
        }
        guard let device = device(status, at: mapping.containerPath, access) else { throw failure("not a device node") }
        return [device]
    }

    /// Every device of the host.
    static func all() -> [DeviceConfiguration] { below("/dev", as: "/dev", .all, depth: 0) }

    private static func below(
        _ directory: String, as target: String, _ access: DeviceRule.Access, depth: Int
    ) -> [DeviceConfiguration] {
        guard depth < 16 else { return [] }
        var devices: [DeviceConfiguration] = []
        for entry in (try? Files.list(directory)) ?? [] {
            let path = "\(directory)/\(entry.name)"
            let isTop = directory == "/dev"
            if isTop, skippedDirectories.contains(entry.name) || skippedNodes.contains(entry.name) { continue }
            guard let status = try? Files.status(path, followLinks: false) else { continue }
            if status.kind == .directory {
                devices += below(path, as: "\(target)/\(entry.name)", access, depth: depth + 1)
            } else if let device = device(status, at: "\(target)/\(entry.name)", access) {
                devices.append(device)
            }
        }
        return devices
    }

    private static func device(
        _ status: FileStatus, at path: String, _ access: DeviceRule.Access
    ) -> DeviceConfiguration? {
        guard status.kind == .blockDevice || status.kind == .characterDevice else { return nil }
        var device = DeviceConfiguration(
            path: path, isBlock: status.kind == .blockDevice, major: status.deviceID.major,
            minor: status.deviceID.minor, mode: status.mode & 0o777)
        device.user = status.uid
        device.group = status.gid
        device.access = access
        return device
    }
}
