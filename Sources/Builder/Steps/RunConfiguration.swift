import Dockerfile
import Linux
import Runtime

/// What the runtime is told about the process of a step.
enum RunConfiguration {
    /// Where a shell finds programs when the image does not say.
    private static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The configuration, user mounts apart.
    static func make(
        _ step: RunStep, _ workspace: StepWorkspace, layers: [String], cgroupPath: String, network: StepNetwork
    ) -> ContainerConfiguration {
        var process = ProcessConfiguration(arguments: step.run.arguments)
        process.environment = environment(step)
        process.workingDirectory = step.workingDirectory.isEmpty ? "/" : step.workingDirectory
        process.user = step.user
        // Programs such as sudo are what many images are made with.
        process.noNewPrivileges = false
        process.limits = step.limits.ulimits.compactMap(\.resourceLimit)
        if step.run.isInsecure { process.capabilities = Capability.allCases }
        var plan = ContainerConfiguration(
            id: workspace.id, name: step.title, directory: workspace.path,
            lowerDirectories: layers.isEmpty ? [workspace.empty] : layers, process: process, cgroupPath: cgroupPath)
        plan.hostname = step.hostname
        plan.limits = step.limits.cgroup
        plan.shmSize = step.limits.sharedMemoryBytes
        plan.privileged = step.run.isInsecure
        plan.makesPlacesApart = true
        if network.namespace != nil, network.isOwn {
            // What an ordinary user may do in a network of the step's own harms nobody else.
            plan.sysctls["net.ipv4.ip_unprivileged_port_start"] = "0"
            plan.sysctls["net.ipv4.ping_group_range"] = "0 2147483647"
        }
        for (target, text) in identityFiles(step, network) {
            plan.mounts.append(
                MountConfiguration(
                    .file(content: Array(text.utf8), mode: 0o644, user: 0, group: 0), target: target))
        }
        return plan
    }

    /// One line for each variable: of several the last counts, as a shell would have it.
    static func merged(_ lines: [String]) -> [String] {
        var places: [Substring: Int] = [:]
        var merged: [String] = []
        for line in lines {
            let name = line.prefix { $0 != "=" }
            if let place = places[name] {
                merged[place] = line
            } else {
                places[name] = merged.count
                merged.append(line)
            }
        }
        return merged
    }

    /// What the image's and the build's settings say, and what of it every program expects.
    private static func environment(_ step: RunStep) -> [String] {
        let given = step.run.environment + step.run.hiddenEnvironment
        let hasPath = given.contains { $0.hasPrefix("PATH=") }
        return (hasPath ? [] : [path]) + given
    }

    private static func identityFiles(_ step: RunStep, _ network: StepNetwork) -> [(target: String, text: String)] {
        var hosts = ["127.0.0.1\tlocalhost \(step.hostname)", "::1\tlocalhost ip6-localhost ip6-loopback"]
        for line in step.limits.extraHosts {
            let sides = line.split(separator: line.contains("=") ? "=" : ":", maxSplits: 1).map(String.init)
            guard sides.count == 2 else { continue }
            let isGateway = sides[1] == "host-gateway"
            guard let address = isGateway ? network.gateway : unbracketed(sides[1]) else { continue }
            guard (address + sides[0]).utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { continue }
            hosts.append("\(address)\t\(sides[0])")
        }
        return [
            ("/etc/hosts", hosts.joined(separator: "\n") + "\n"), ("/etc/hostname", step.hostname + "\n"),
            ("/etc/resolv.conf", network.resolver),
        ]
    }

    private static func unbracketed(_ address: String) -> String {
        address.hasPrefix("[") && address.hasSuffix("]") ? String(address.dropFirst().dropLast()) : address
    }
}

extension StepLimits.Ulimit {
    /// As the runtime takes it; -1 is without limit, and nil a name that nobody knows.
    fileprivate var resourceLimit: ResourceLimit? {
        ResourceLimit.Kind(named: name).map {
            ResourceLimit($0, soft: UInt64(bitPattern: soft), hard: UInt64(bitPattern: hard))
        }
    }
}
