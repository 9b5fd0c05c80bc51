import Diagnostics

/// What the attributes of one service may say together.
struct ServiceRules {
    let name: String
    let service: ComposeMap
    let location: SourceLocation
    let findings: Findings

    /// Checks all.
    func check() {
        if service["image"]?.string ?? "" == "", service["build"] == nil, service["provider"] == nil {
            findings.error(
                "SC2251", "the service `\(name)` has neither an image nor a build", at: location,
                hint: "add `image:`, or `build:` with the folder of its Dockerfile")
        }
        checkBuild()
        checkNetworkMode()
        checkScale()
        checkLimits()
        checkMounts()
        checkWatch()
    }

    private func checkBuild() {
        guard let build = service["build"] else { return }
        let platforms = (build["platforms"]?.list ?? []).compactMap(\.string)
        if let platform = service["platform"], let text = platform.string, !text.isEmpty, !platforms.isEmpty,
            !platforms.contains(text)
        {
            findings.error(
                "SC2253", "`\(name)` runs on \(text), and is not built for it", at: platform.location,
                hint: "add it to `build.platforms`: \(platforms.joined(separator: ", "))")
        }
    }

    private func checkNetworkMode() {
        guard let mode = service.entry("network_mode"), let networks = service.entry("networks"),
            networks.value.map?.isEmpty == false
        else { return }
        findings.error(
            "SC2254", "`\(name)` has both `network_mode` and `networks`", at: mode.location, hint: "keep one",
            notes: ["`networks` is at \(networks.location)"])
    }

    private func checkScale() {
        let scale = service["scale"]
        let replicas = service["deploy"]?["replicas"]
        if let scale, let replicas, let left = scale.int, let right = replicas.int, left != right {
            findings.error(
                "SC2256", "`scale` of `\(name)` is \(left) and `deploy.replicas` is \(right)", at: scale.location,
                hint: "keep one", notes: ["`deploy.replicas` is at \(replicas.location)"])
        }
        for count in [scale, replicas] {
            if let count, let number = count.int, number < 0 {
                findings.error("SC2257", "`\(name)` cannot run \(number) times", at: count.location)
            }
        }
        guard let containerName = service.entry("container_name"), let count = scale ?? replicas,
            let number = count.int, number > 1
        else { return }
        findings.error(
            "SC2258", "`\(name)` runs \(number) times and has one `container_name`", at: containerName.location,
            hint: "take `container_name` out", notes: ["the number is at \(count.location)"])
    }

    private func checkLimits() {
        let limits = service["deploy"]?["resources"]?["limits"]
        let reservations = service["deploy"]?["resources"]?["reservations"]
        let pairs = [
            ("cpus", service["cpus"], "limits.cpus", limits?["cpus"]),
            ("mem_limit", service["mem_limit"], "limits.memory", limits?["memory"]),
            ("mem_reservation", service["mem_reservation"], "reservations.memory", reservations?["memory"]),
            ("pids_limit", service["pids_limit"], "limits.pids", limits?["pids"]),
        ]
        for (short, own, long, other) in pairs {
            guard let own, let other, let left = own.text, let right = other.text, left != right else {
                continue
            }
            findings.error(
                "SC2259", "`\(short)` of `\(name)` is \(left) and `deploy.resources.\(long)` is \(right)",
                at: own.location, hint: "keep one", notes: ["the other one is at \(other.location)"])
        }
    }

    private func checkMounts() {
        var targets: [String: SourceLocation] = [:]
        let volumes = (service["volumes"]?.list ?? []).compactMap { $0["target"] }
        for target in (service["tmpfs"]?.list ?? []) + volumes {
            guard let text = target.string else { continue }
            let path = text.hasPrefix("/") ? AbsolutePath.normalized(String(text.prefix { $0 != ":" })) : text
            if let other = targets[path] {
                findings.error(
                    "SC2260", "two mounts of `\(name)` have the target \(path)", at: target.location, hint: "keep one",
                    notes: ["the other one is at \(other)"])
            }
            targets[path] = target.location
        }
        for volume in service["volumes"]?.list ?? [] where volume["type"]?.string == "bind" {
            guard volume["source"]?.string ?? "" == "" else { continue }
            findings.error(
                "SC2261", "a bind mount of `\(name)` has no source", at: volume.location,
                hint: "name the file or folder of the host by `source:`")
        }
    }

    private func checkWatch() {
        for rule in service["develop"]?["watch"]?.list ?? [] {
            let action = rule["action"]?.string ?? ""
            guard rule["target"]?.string ?? "" == "", action != "rebuild", action != "restart" else { continue }
            findings.error(
                "SC2262", "a `\(action)` of `\(name)` has no target", at: rule.location,
                hint: "name the folder in the container by `target:`")
        }
    }
}
