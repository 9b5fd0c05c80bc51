import JSONText
import Linux
import OCI

/// How a container was asked for: Docker's `Config`, `HostConfig` and `NetworkingConfig` as one typed value.
package struct ContainerSpecification: Sendable, Hashable {
    // MARK: Config

    /// The image as named by whoever asked.
    package var image = ""
    /// Host name; empty for the short id.
    package var hostname = ""
    /// Domain name.
    package var domainname = ""
    /// `user[:group]`; empty for root.
    package var user = ""
    /// `NAME=value`.
    package var env: [String] = []
    /// Arguments of the entrypoint, or the program.
    package var command: [String]?
    /// The program.
    package var entrypoint: [String]?
    /// Where the program starts; empty for `/`.
    package var workingDirectory = ""
    /// Labels.
    package var labels: [String: String] = [:]
    /// Whether the client that made it wanted to attach to its stdin; nothing else follows from it.
    package var attachesInput = false
    /// The same for stdout.
    package var attachesOutput = true
    /// The same for stderr.
    package var attachesError = true
    /// The shell of instructions in shell form, such as a health check's.
    package var shell: [String]?
    /// Whether the program gets a terminal.
    package var tty = false
    /// Whether stdin is kept open.
    package var openStdin = false
    /// Whether stdin ends with the first client.
    package var stdinOnce = false
    /// Ports the program listens on.
    package var exposedPorts: [ContainerPort] = []
    /// Paths with anonymous volumes.
    package var volumes: [String] = []
    /// How to tell whether it is well.
    package var healthcheck: Healthcheck?
    /// The signal that asks it to end; SIGTERM where absent.
    package var stopSignal: String?
    /// Seconds between that and SIGKILL; 10 where absent.
    package var stopTimeout: Int?

    // MARK: HostConfig

    /// What is mounted.
    package var mounts: [MountSpecification] = []
    /// Containers whose mounts it takes over: `name[:ro|rw]`.
    package var volumesFrom: [String] = []
    /// The driver of volumes that are made for it; empty for the only one there is.
    package var volumeDriver = ""
    /// Published ports.
    package var ports: [PortBinding] = []
    /// Whether every exposed port is published on a port of the engine's choice.
    package var publishesAllPorts = false
    /// When it is started again.
    package var restart = RestartSettings()
    /// Whether it is removed when it ends.
    package var autoRemove = false
    /// `default`, `bridge`, `none`, `host`, a network's name, or `container:` and the id of one whose network it shares.
    package var networkMode = "default"
    /// Limits.
    package var limits = CgroupLimits()
    /// Whether the root is read-only.
    package var readOnlyRoot = false
    /// Whether the supervisor's own init reaps orphans.
    package var usesInit = false
    /// Capabilities beyond the default ones.
    package var addedCapabilities: [String] = []
    /// Default capabilities it must not have.
    package var droppedCapabilities: [String] = []
    /// Whether it has every right of the host.
    package var isPrivileged = false
    /// Bytes of `/dev/shm`.
    package var sharedMemoryBytes: Int64 = 64 << 20
    /// `name:address` lines for the hosts file.
    package var extraHosts: [String] = []
    /// Resolvers in place of the host's.
    package var dns: [String] = []
    /// Options of `resolv.conf` in place of the host's.
    package var dnsOptions: [String] = []
    /// Search domains in place of the host's; `.` for none.
    package var dnsSearch: [String] = []
    /// Containers it has names for, `name:alias`.
    package var links: [String] = []
    /// The hardware address in its first network.
    package var macAddress = ""
    /// Whether it is in no network whatever else is said.
    package var isNetworkDisabled = false
    /// `no-new-privileges` and others.
    package var securityOptions: [String] = []
    /// The log driver's options.
    package var logOptions: [String: String] = [:]
    /// What it shares with the host and gets of it.
    package var hostSettings = HostSettings()

    // MARK: Our own

    /// Files it gets in memory: secrets and configurations.
    package var files: [FileSpecification] = []

    // MARK: NetworkingConfig

    /// The networks it is in, the first with the default route.
    package var endpoints: [EndpointSettings] = []

    /// An empty specification.
    package init() {}

    /// What is executed: entrypoint, then command.
    package var arguments: [String] { (entrypoint ?? []) + (command ?? []) }

    /// The environment by name; a later entry wins.
    package var environment: [String: String] {
        var result: [String: String] = [:]
        for entry in env {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            result[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
        }
        return result
    }

    /// The names without a value: what the image and the engine say of them is taken away.
    package var unsetVariables: Set<String> { Set(env.filter { !$0.contains("=") }) }

    /// Every name that the environment speaks of.
    private var variableNames: Set<String> { Set(environment.keys).union(unsetVariables) }

    /// Those of the entries that the environment says nothing of.
    func untouched(_ entries: [String]) -> [String] {
        let given = variableNames
        return entries.filter { !given.contains(String($0.prefix { $0 != "=" })) }
    }

    /// Fills what was not given from the image, as Docker does at create.
    package mutating func merge(_ defaults: ExecutionParameters) {
        env = untouched(defaults.env) + env
        // An entrypoint of one's own drops the image's command with its entrypoint.
        if entrypoint == nil {
            entrypoint = defaults.entrypoint
            if command == nil || command?.isEmpty == true { command = defaults.command }
        } else if entrypoint == [""] || entrypoint?.isEmpty == true {
            entrypoint = nil
        }
        if user.isEmpty { user = defaults.user }
        if workingDirectory.isEmpty { workingDirectory = defaults.workingDirectory }
        labels.merge(defaults.labels) { mine, _ in mine }
        for port in defaults.exposedPorts.compactMap({ ContainerPort($0) }) where !exposedPorts.contains(port) {
            exposedPorts.append(port)
        }
        for path in defaults.volumes where !volumes.contains(path) { volumes.append(path) }
        if stopSignal == nil { stopSignal = defaults.stopSignal }
        if stopTimeout == nil { stopTimeout = defaults.stopTimeout }
        if shell == nil { shell = defaults.shell }
        mergeHealthcheck(defaults.healthcheck)
    }

    private mutating func mergeHealthcheck(_ image: Healthcheck?) {
        guard var mine = healthcheck else {
            healthcheck = image
            return
        }
        guard let image else { return }
        if mine.test.isEmpty { mine.test = image.test }
        if mine.interval == 0 { mine.interval = image.interval }
        if mine.timeout == 0 { mine.timeout = image.timeout }
        if mine.startPeriod == 0 { mine.startPeriod = image.startPeriod }
        if mine.startInterval == 0 { mine.startInterval = image.startInterval }
        if mine.retries == 0 { mine.retries = image.retries }
        healthcheck = mine
    }
}
