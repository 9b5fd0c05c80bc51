import Engine
import HTTP
import ImageStore
import JSONText
import Linux
import Networking

/// `/_ping`, `/version`, `/info`, `/events`, `/system/df` and the quiet stubs.
struct SystemRoutes: Sendable {
    let engine: HostEngine
    let settings: LiveSettings

    func add(to router: inout Router) {
        router.on("GET", "/_ping") { request in
            try await request.responder.respond(
                200,
                headers: [
                    "Content-Type": "text/plain; charset=utf-8", "Builder-Version": "1", "Swarm": "inactive",
                    "Cache-Control": "no-cache, no-store, must-revalidate", "Pragma": "no-cache",
                ], body: request.http.method == "HEAD" ? [] : Array("OK".utf8))
        }
        router.on("GET", "/version") { request in try await request.respond(.object(version())) }
        router.on("GET", "/info") { request in try await request.respond(.object(try await info())) }
        router.on("GET", "/events", events)
        router.on("GET", "/system/df") { request in
            try await request.respond(.object(try await engine.diskUsage()))
        }
    }

    private func version() -> JSONObject {
        let kernel = HostFacts.kernelRelease()
        let version = engine.configuration.version
        return [
            "Platform": ["Name": "stackctl"],
            "Components": [
                [
                    "Name": "Engine", "Version": .string(version),
                    "Details": [
                        "ApiVersion": .string("1.\(APIVersion.newest)"), "Arch": .string(HostFacts.architecture),
                        "Experimental": "false", "GitCommit": "", "GoVersion": "none", "KernelVersion": .string(kernel),
                        "MinAPIVersion": .string("1.\(APIVersion.oldest)"), "Os": "linux", "BuildTime": "",
                    ],
                ]
            ],
            "Version": .string(version), "ApiVersion": .string("1.\(APIVersion.newest)"),
            "MinAPIVersion": .string("1.\(APIVersion.oldest)"), "GitCommit": "", "GoVersion": "none", "Os": "linux",
            "Arch": .string(HostFacts.architecture), "KernelVersion": .string(kernel), "BuildTime": "",
        ]
    }

    private func info() async throws -> JSONObject {
        let phases = engine.containers.all.map(\.state.phase)
        let facts = await BlockingExecutor.shared.run { HostFacts.read() }
        let process = await BlockingExecutor.shared.run { ProcessFacts.read() }
        let told = settings.current
        let images = try await engine.images.list().count
        func count(_ test: (ContainerState.Phase) -> Bool) -> JSONValue { .int(Int64(phases.filter(test).count)) }
        var info = JSONObject()
        info["ID"] = .string(facts.machineID)
        info["Containers"] = .int(Int64(phases.count))
        info["ContainersRunning"] = count { $0 == .running || $0 == .restarting }
        info["ContainersPaused"] = count { $0 == .paused }
        info["ContainersStopped"] = count { $0 == .created || $0 == .exited || $0 == .dead }
        info["Images"] = .int(Int64(images))
        info["Driver"] = "overlay2"
        info["DriverStatus"] = [["Backing Filesystem", "erofs"]]
        info["Plugins"] = [
            "Volume": ["local"], "Network": ["bridge", "host", "null"], "Authorization": .null,
            "Log": ["json-file", "local"],
        ]
        let support = engine.cgroupSupport
        info["MemoryLimit"] = .bool(support.memory)
        info["SwapLimit"] = .bool(support.swap)
        info["CpuCfsPeriod"] = .bool(support.cpuQuota)
        info["CpuCfsQuota"] = .bool(support.cpuQuota)
        info["CPUShares"] = .bool(support.cpuShares)
        info["CPUSet"] = .bool(support.cpuSets)
        info["PidsLimit"] = .bool(support.pids)
        info["OomKillDisable"] = .bool(support.outOfMemoryControl)
        info["IPv4Forwarding"] = true
        info["Debug"] = .bool(told.logLevel == .debug)
        info["NFd"] = .int(Int64(process.openDescriptors))
        info["NGoroutines"] = 0
        info["SystemTime"] = .string(Clock.now().rfc3339)
        info["LoggingDriver"] = "json-file"
        info["CgroupDriver"] = "cgroupfs"
        info["CgroupVersion"] = .string(engine.isUnifiedCgroup ? "2" : "1")
        info["NEventsListener"] = .int(Int64(await engine.events.subscriberCount))
        info["KernelVersion"] = .string(facts.kernel)
        info["OperatingSystem"] = .string(facts.system)
        info["OSVersion"] = .string(facts.systemVersion)
        info["OSType"] = "linux"
        info["Architecture"] = .string(HostFacts.machine)
        info["IndexServerAddress"] = "https://index.docker.io/v1/"
        info["RegistryConfig"] = .object(Self.registries(told))
        info["NCPU"] = .int(Int64(facts.processors))
        info["MemTotal"] = .int(facts.memory)
        info["GenericResources"] = .null
        info["DockerRootDir"] = .string(engine.configuration.root)
        info["HttpProxy"] = ""
        info["HttpsProxy"] = ""
        info["NoProxy"] = ""
        info["Name"] = .string(facts.hostname)
        info["Labels"] = .strings(told.labels)
        info["ExperimentalBuild"] = false
        info["ServerVersion"] = .string(engine.configuration.version)
        info["Runtimes"] = ["stackctl": ["path": "stack-init"], "runc": ["path": "stack-init"]]
        info["DefaultRuntime"] = "stackctl"
        info["Swarm"] = [
            "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": false, "Error": "",
        ]
        info["LiveRestoreEnabled"] = .bool(told.keepsContainers)
        let pools = told.addressPools?.map { pool -> JSONValue in
            ["Base": .string("\(pool.base)"), "Size": .int(Int64(pool.size))]
        }
        info["DefaultAddressPools"] = pools.map { .array($0) } ?? .null
        info["CDISpecDirs"] = ["/etc/cdi", "/var/run/cdi"]
        info["Containerd"] = .null
        info["FirewallBackend"] = ["Driver": "nftables"]
        info["ContainerdCommit"] = ["ID": ""]
        info["RuncCommit"] = ["ID": ""]
        info["InitCommit"] = ["ID": .string(engine.configuration.version)]
        info["ProductLicense"] = ""
        info["Isolation"] = ""
        info["InitBinary"] = "stack-init"
        info["SecurityOptions"] = ["name=seccomp,profile=builtin", "name=cgroupns"]
        let warnings = warnings(told)
        info["Warnings"] = warnings.isEmpty ? .null : .strings(warnings)
        return info
    }

    private static func registries(_ settings: DaemonSettings) -> JSONObject {
        func index(_ name: String, _ mirrors: [String], isSecure: Bool) -> JSONValue {
            [
                "Name": .string(name), "Mirrors": .strings(mirrors), "Secure": .bool(isSecure),
                "Official": .bool(name == "docker.io"),
            ]
        }
        var indexes: JSONObject = ["docker.io": index("docker.io", settings.registryMirrors, isSecure: true)]
        for name in settings.insecureRegistries { indexes[name] = index(name, [], isSecure: false) }
        return [
            "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"], "IndexConfigs": .object(indexes),
            "Mirrors": .strings(settings.registryMirrors),
        ]
    }

    private func warnings(_ settings: DaemonSettings) -> [String] {
        var warnings = settings.idleKeys.map { "WARNING: the daemon's `\($0)` changes nothing here" }
        for text in settings.hosts {
            guard let host = try? DaemonHost(text, isSecure: settings.isSecure), case .tcp = host,
                !(settings.isSecure && settings.verifiesClients)
            else { continue }
            let what = settings.isSecure ? "without verifying clients" : "without encryption"
            warnings.append(
                "WARNING: API is accessible on \(host) \(what).\n         Access to the remote API is equivalent to root access on the host."
            )
        }
        return warnings
    }

    private func events(_ request: APIRequest) async throws {
        let since = try request.time("since")
        let until = try request.time("until")
        let filter = try request.filters(FilterSet.forEvents)
        let now = Clock.now()
        let subscription = try await engine.events.subscribe(
            since: since ?? (until.map { $0 <= now } == true ? Timestamp(seconds: 0) : nil), filter: filter)
        try await request.beginLines(endless: true)
        try await request.http.whileConnected {
            try await subscription.forEach(until: until) { event in try await request.line(.object(event.json)) }
        }
        try await request.responder.finish()
    }
}
