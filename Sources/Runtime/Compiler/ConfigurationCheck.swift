import LaunchProgram

/// What can be known to be wrong before anything is touched.
enum ConfigurationCheck {
    static func check(_ configuration: ContainerConfiguration) throws(RuntimeError) {
        try absolute(configuration.directory, field: "directory")
        if configuration.lowerDirectories.isEmpty { throw .invalid(field: "image", reason: "it has no layers") }
        for path in configuration.lowerDirectories { try absolute(path, field: "image layer") }
        for mount in configuration.mounts {
            try target(mount.target)
            try text(mount.subpath, field: "mount subpath")
            if mount.target.hasPrefix("/proc/"), !replaceableProcFiles.contains(mount.target) {
                throw .invalid(
                    field: "mount target", reason: "\"\(mount.target)\" cannot be mounted because it is inside /proc")
            }
            if case .bind(let source, _) = mount.kind { try absolute(source, field: "mount source") }
        }
        for path in configuration.maskedPaths { try absolute(path, field: "masked path") }
        for path in configuration.readOnlyPaths { try absolute(path, field: "read-only path") }
        for device in configuration.devices { try target(device.path) }
        if configuration.hostname.utf8.count > 64 {
            throw .invalid(field: "hostname", reason: "it is longer than 64 bytes")
        }
        try text(configuration.hostname, field: "hostname")
        try text(configuration.domainname, field: "domainname")
        for (name, value) in configuration.sysctls {
            try text(value, field: "sysctl")
            if let reason = KernelParameters.refusal(of: name, configuration.namespaces) {
                throw .invalid(field: "sysctl", reason: reason)
            }
        }
        if configuration.shmSize < 0 { throw .invalid(field: "shm size", reason: "it is negative") }
        try check(configuration.process)
    }

    /// Files that tell a container of its own limits; the interpreter, which follows links, has the same list.
    private static let replaceableProcFiles: Set<String> = [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
        "/proc/loadavg", "/proc/slabinfo", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
    ]

    static func check(_ process: ProcessConfiguration) throws(RuntimeError) {
        if process.arguments.first?.isEmpty ?? true { throw .invalid(field: "command", reason: "no command specified") }
        for argument in process.arguments { try text(argument, field: "command") }
        for entry in process.environment {
            try text(entry, field: "environment")
            if entry.first == "=" || !entry.contains("=") {
                throw .invalid(field: "environment", reason: "\"\(entry)\" is not NAME=value")
            }
        }
        try text(process.user, field: "user")
        for group in process.additionalGroups { try text(group, field: "group") }
        if process.workingDirectory.isEmpty || process.workingDirectory.first != "/" {
            let reason =
                "the working directory '\(process.workingDirectory)' is invalid, it needs to be an absolute path"
            throw .invalid(field: "working directory", reason: reason)
        }
        try text(process.workingDirectory, field: "working directory")
    }

    private static func text(_ value: String, field: String) throws(RuntimeError) {
        if value.utf8.contains(0) { throw .invalid(field: field, reason: "it has a NUL byte") }
    }

    static func absolute(_ path: String, field: String) throws(RuntimeError) {
        try text(path, field: field)
        if path.utf8.first != 0x2F { throw .invalid(field: field, reason: "\"\(path)\" is not an absolute path") }
    }

    private static func target(_ path: String) throws(RuntimeError) {
        try absolute(path, field: "mount target")
        let parts = path.split(separator: "/")
        if parts.isEmpty { throw .invalid(field: "mount target", reason: "nothing can be mounted on /") }
        if parts.contains("..") { throw .invalid(field: "mount target", reason: "\"\(path)\" contains ..") }
    }
}
