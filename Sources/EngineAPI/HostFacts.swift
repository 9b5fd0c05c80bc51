import Engine
import Linux
import OCI

/// What `/info` and `/version` say about the host.
struct HostFacts: Sendable {
    var hostname: String
    var kernel: String
    var system: String
    var systemVersion: String
    var machineID: String
    var processors: Int
    var memory: Int64

    /// Go's name of the architecture.
    static var architecture: String { Platform.host.architecture }

    /// The kernel's name of the architecture.
    static var machine: String {
        #if arch(x86_64)
        "x86_64"
        #elseif arch(arm64)
        "aarch64"
        #else
        "unknown"
        #endif
    }

    static func kernelRelease() -> String { line("/proc/sys/kernel/osrelease") }

    /// Reads the facts.
    ///
    /// Blocks.
    static func read() -> HostFacts {
        let release = (try? Files.readText("/etc/os-release", limit: 65536)) ?? ""
        func value(_ name: String) -> String {
            let line = release.split(separator: "\n").first { $0.hasPrefix("\(name)=") } ?? ""
            return line.dropFirst(name.count + 1).filter { $0 != "\"" }
        }
        return HostFacts(
            hostname: line("/proc/sys/kernel/hostname"), kernel: kernelRelease(), system: value("PRETTY_NAME"),
            systemVersion: value("VERSION_ID"), machineID: line("/etc/machine-id"),
            processors: HostCounters.processors(
                (try? Files.readText("/sys/devices/system/cpu/online", limit: 4096)) ?? ""),
            memory: HostCounters.memory((try? Files.readText("/proc/meminfo", limit: 65536)) ?? ""))
    }

    private static func line(_ path: String) -> String {
        let text = (try? Files.readText(path, limit: 4096)) ?? ""
        return String(text.split(separator: "\n").first ?? "")
    }
}
