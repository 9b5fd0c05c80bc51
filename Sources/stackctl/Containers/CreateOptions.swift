/// The options of `run` and `create`, in the groups that help shows.
enum CreateOptions {
    // MARK: The container

    static let name = OptionDeclaration.value("name", nil, .text("NAME"), "Its name (default: two words)")
    static let interactive = OptionDeclaration.flag("interactive", "i", "Keep its standard input open")
    static let tty = OptionDeclaration.flag("tty", "t", "Give it a terminal")
    static let remove = OptionDeclaration.flag("rm", nil, "Remove it and its anonymous volumes when it ends")
    static let attach = OptionDeclaration.list(
        "attach", "a", .text("STREAM"), "Attach to stdin, stdout or stderr only")
    static let platform = OptionDeclaration.value(
        "platform", nil, .text("OS/ARCH"), "Platform of the image, where it has several (default: this host's)")
    static let pull = OptionDeclaration.value(
        "pull", nil, .text("WHEN"), "Pull the image: always, missing (default) or never")
    static let quiet = OptionDeclaration.flag("quiet", "q", "Do not show how the pull goes")
    static let restart = OptionDeclaration.value(
        "restart", nil, .text("POLICY"), "When to start it again: no, on-failure[:N], always, unless-stopped")
    static let idFile = OptionDeclaration.value("cidfile", nil, .path("FILE"), "Write its identifier to a new file")
    static let label = OptionDeclaration.list("label", "l", .text("NAME=VALUE"), "Put a label on it")
    static let labelFile = OptionDeclaration.list("label-file", nil, .path("FILE"), "Read labels from a file")
    static let annotation = OptionDeclaration.list(
        "annotation", nil, .text("NAME=VALUE"), "Pass an annotation to the OCI runtime")
    static let runtime = OptionDeclaration.value("runtime", nil, .text("NAME"), "Use this OCI runtime")
    static let apiSocket = OptionDeclaration.flag(
        "use-api-socket", nil, "Give it the daemon's socket, and with it the host")

    static let container = [
        name, interactive, tty, remove, attach, platform, pull, quiet, restart, idFile, label, labelFile, annotation,
        runtime, apiSocket,
    ]

    // MARK: The program

    static let environment = OptionDeclaration.list(
        "env", "e", .text("NAME=VALUE"), "Set a variable; NAME alone takes it over from here")
    static let environmentFile = OptionDeclaration.list(
        "env-file", nil, .path("FILE"), "Read variables from lines of NAME=VALUE; it is no shell")
    static let entrypoint = OptionDeclaration.value(
        "entrypoint", nil, .text("PROGRAM"), "Run this instead of the image's entrypoint")
    static let workingDirectory = OptionDeclaration.value("workdir", "w", .text("DIR"), "Working directory")
    static let user = OptionDeclaration.value("user", "u", .text("USER[:GROUP]"), "Run as this user, by name or number")
    static let groups = OptionDeclaration.list("group-add", nil, .text("GROUP"), "Further group of the user")
    static let initProcess = OptionDeclaration.flag(
        "init", nil, "Run an init that passes on signals and reaps processes")
    static let stopSignal = OptionDeclaration.value(
        "stop-signal", nil, .text("SIGNAL"), "Signal that `stop` sends first")
    static let stopTimeout = OptionDeclaration.value(
        "stop-timeout", nil, .text("SECONDS"), "Seconds until `stop` sends SIGKILL")

    static let program = [
        environment, environmentFile, entrypoint, workingDirectory, user, groups, initProcess, stopSignal, stopTimeout,
    ]

    // MARK: Files

    static let volume = OptionDeclaration.list(
        "volume", "v", .text("[SRC:]DIR[:OPTIONS]"), "Mount a volume, or a path of the host: /path or ./path")
    static let mount = OptionDeclaration.list(
        "mount", nil, .text("KEY=VALUE,…"), "Mount by words: type=bind|volume|tmpfs|image, source, target, readonly")
    static let tmpfs = OptionDeclaration.list("tmpfs", nil, .text("DIR[:OPTIONS]"), "Mount a file system in memory")
    static let volumesFrom = OptionDeclaration.list(
        "volumes-from", nil, .text("CONTAINER[:ro]"), "Mount what is mounted in another container"
    ).offering(.containers)
    static let volumeDriver = OptionDeclaration.value(
        "volume-driver", nil, .text("NAME"), "Driver of the volumes of --volume")
    static let readOnly = OptionDeclaration.flag("read-only", nil, "Make its root file system read-only")
    static let storage = OptionDeclaration.list("storage-opt", nil, .text("NAME=VALUE"), "Option of the layer storage")
    static let shmSize = OptionDeclaration.value("shm-size", nil, .text("SIZE"), "Size of /dev/shm (default: 64m)")

    static let files = [volume, mount, tmpfs, volumesFrom, volumeDriver, readOnly, storage, shmSize]

    // MARK: Networks

    static let publish = OptionDeclaration.list(
        "publish", "p", .text("[IP:][PORT:]PORT[/PROTO]"), "Publish a port or a range on the host")
    static let publishAll = OptionDeclaration.flag(
        "publish-all", "P", "Publish every port that is exposed on ports of the daemon's choice")
    static let expose = OptionDeclaration.list("expose", nil, .text("PORT[/PROTO]"), "Expose a port or a range")
    static let network = OptionDeclaration.list(
        "network", nil, .text("NETWORK"), "Network, host, none, container:NAME, or name=…,alias=…,ip=…"
    ).named(also: "net").offering(.networks)
    static let networkAlias = OptionDeclaration.list(
        "network-alias", nil, .text("NAME"), "Further name of it on the network"
    ).named(also: "net-alias")
    static let ip = OptionDeclaration.value("ip", nil, .text("IP"), "IPv4 address on the network")
    static let ip6 = OptionDeclaration.value("ip6", nil, .text("IP"), "IPv6 address on the network")
    static let linkLocal = OptionDeclaration.list("link-local-ip", nil, .text("IP"), "Link-local address")
    static let hardwareAddress = OptionDeclaration.value(
        "mac-address", nil, .text("MAC"), "Hardware address, such as 92:d0:c6:0a:29:33")
    static let link = OptionDeclaration.list(
        "link", nil, .text("CONTAINER[:ALIAS]"), "Link to another container"
    ).offering(.containers)
    static let hostname = OptionDeclaration.value("hostname", "h", .text("NAME"), "Its host name")
    static let domainName = OptionDeclaration.value("domainname", nil, .text("NAME"), "Its NIS domain name")
    static let addHost = OptionDeclaration.list(
        "add-host", nil, .text("NAME:IP"), "Line of /etc/hosts; the IP host-gateway is the host's")
    static let dns = OptionDeclaration.list("dns", nil, .text("IP"), "DNS server")
    static let dnsSearch = OptionDeclaration.list("dns-search", nil, .text("DOMAIN"), "DNS search domain")
    static let dnsOption = OptionDeclaration.list("dns-option", nil, .text("OPTION"), "Option of the resolver")
        .named(also: "dns-opt")

    static let networks = [
        publish, publishAll, expose, network, networkAlias, ip, ip6, linkLocal, hardwareAddress, link, hostname,
        domainName, addHost, dns, dnsSearch, dnsOption,
    ]

    // MARK: Limits

    static let memory = OptionDeclaration.value("memory", "m", .text("SIZE"), "Memory at most, such as 512m")
    static let memoryReservation = OptionDeclaration.value(
        "memory-reservation", nil, .text("SIZE"), "Memory it is left where the host runs short")
    static let memorySwap = OptionDeclaration.value(
        "memory-swap", nil, .text("SIZE"), "Memory and swap at most; -1 is as much swap as there is")
    static let swappiness = OptionDeclaration.value(
        "memory-swappiness", nil, .text("N"), "How soon memory is swapped, 0 to 100 (cgroup v1)")
    static let outOfMemoryScore = OptionDeclaration.value(
        "oom-score-adj", nil, .text("N"), "How soon the kernel kills it when memory runs out, -1000 to 1000")
    static let noOutOfMemoryKill = OptionDeclaration.flag(
        "oom-kill-disable", nil, "Do not kill it when its memory runs out (cgroup v1)")
    static let cpus = OptionDeclaration.value("cpus", nil, .text("N"), "CPUs at most, such as 1.5")
    static let cpuShares = OptionDeclaration.value(
        "cpu-shares", "c", .text("N"), "Weight beside others (default: 1024)")
    static let cpuPeriod = OptionDeclaration.value("cpu-period", nil, .text("MICROSECONDS"), "CFS period")
    static let cpuQuota = OptionDeclaration.value("cpu-quota", nil, .text("MICROSECONDS"), "CFS quota in a period")
    static let cpuRealtimePeriod = OptionDeclaration.value(
        "cpu-rt-period", nil, .text("MICROSECONDS"), "Real-time period (cgroup v1)")
    static let cpuRealtimeRuntime = OptionDeclaration.value(
        "cpu-rt-runtime", nil, .text("MICROSECONDS"), "Real-time in a period (cgroup v1)")
    static let cpuSet = OptionDeclaration.value("cpuset-cpus", nil, .text("LIST"), "CPUs it may use, such as 0-3,7")
    static let memorySet = OptionDeclaration.value("cpuset-mems", nil, .text("LIST"), "Memory nodes it may use")
    static let pids = OptionDeclaration.value("pids-limit", nil, .text("N"), "Processes at most; -1 is no limit")
    static let ulimit = OptionDeclaration.list("ulimit", nil, .text("NAME=SOFT[:HARD]"), "Limit of each process")
    static let blockWeight = OptionDeclaration.value(
        "blkio-weight", nil, .text("N"), "Weight of block I/O, 10 to 1000; 0 is the host's default")
    static let blockWeightDevice = OptionDeclaration.list(
        "blkio-weight-device", nil, .text("DEVICE:N"), "Weight of block I/O on a device")
    static let readBytes = OptionDeclaration.list(
        "device-read-bps", nil, .text("DEVICE:SIZE"), "Bytes read from a device in a second at most")
    static let writeBytes = OptionDeclaration.list(
        "device-write-bps", nil, .text("DEVICE:SIZE"), "Bytes written to a device in a second at most")
    static let readOperations = OptionDeclaration.list(
        "device-read-iops", nil, .text("DEVICE:N"), "Reads from a device in a second at most")
    static let writeOperations = OptionDeclaration.list(
        "device-write-iops", nil, .text("DEVICE:N"), "Writes to a device in a second at most")
    static let cgroupParent = OptionDeclaration.value("cgroup-parent", nil, .text("CGROUP"), "Parent of its cgroup")

    static let limits = [
        memory, memoryReservation, memorySwap, swappiness, outOfMemoryScore, noOutOfMemoryKill, cpus, cpuShares,
        cpuPeriod, cpuQuota, cpuRealtimePeriod, cpuRealtimeRuntime, cpuSet, memorySet, pids, ulimit, blockWeight,
        blockWeightDevice, readBytes, writeBytes, readOperations, writeOperations, cgroupParent,
    ]

    // MARK: Rights

    static let privileged = OptionDeclaration.flag("privileged", nil, "Give it everything the host has")
    static let capabilityAdd = OptionDeclaration.list("cap-add", nil, .text("CAP"), "Give a capability; ALL gives all")
    static let capabilityDrop = OptionDeclaration.list(
        "cap-drop", nil, .text("CAP"), "Take a capability; ALL takes all")
    static let security = OptionDeclaration.list(
        "security-opt", nil, .text("OPTION"), "no-new-privileges, seccomp=FILE|unconfined, apparmor=…, label=…")
    static let device = OptionDeclaration.list(
        "device", nil, .text("HOST[:DIR][:rwm]"), "Give it a device of the host, or a CDI device")
    static let deviceRule = OptionDeclaration.list(
        "device-cgroup-rule", nil, .text("RULE"), "Allow devices, such as 'c 42:* rmw'")
    static let gpus = OptionDeclaration.list("gpus", nil, .text("GPUS"), "Give it GPUs: all, a number, or key=value")
    static let userNamespace = OptionDeclaration.value("userns", nil, .text("MODE"), "User namespace: host or private")
    static let pid = OptionDeclaration.value(
        "pid", nil, .text("MODE"), "PID namespace: private, host or container:NAME")
    static let ipc = OptionDeclaration.value(
        "ipc", nil, .text("MODE"), "IPC namespace: private, shareable, none, host or container:NAME")
    static let uts = OptionDeclaration.value("uts", nil, .text("MODE"), "UTS namespace: host, or one of its own")
    static let cgroupNamespace = OptionDeclaration.value(
        "cgroupns", nil, .text("MODE"), "Cgroup namespace: private or host")
    static let sysctl = OptionDeclaration.list("sysctl", nil, .text("NAME=VALUE"), "Kernel parameter of its namespaces")

    static let rights = [
        privileged, capabilityAdd, capabilityDrop, security, device, deviceRule, gpus, userNamespace, pid, ipc, uts,
        cgroupNamespace, sysctl,
    ]

    // MARK: Health and logs

    static let healthCommand = OptionDeclaration.value(
        "health-cmd", nil, .text("COMMAND"), "Shell command that checks it")
    static let healthInterval = OptionDeclaration.value(
        "health-interval", nil, .text("TIME"), "Time between checks (default: 30s)")
    static let healthTimeout = OptionDeclaration.value(
        "health-timeout", nil, .text("TIME"), "Time that a check may take (default: 30s)")
    static let healthRetries = OptionDeclaration.value(
        "health-retries", nil, .text("N"), "Failures in a row that make it unhealthy (default: 3)")
    static let healthStartPeriod = OptionDeclaration.value(
        "health-start-period", nil, .text("TIME"), "Time after the start in which failures do not count")
    static let healthStartInterval = OptionDeclaration.value(
        "health-start-interval", nil, .text("TIME"), "Time between checks in the start period (default: 5s)")
    static let noHealthCheck = OptionDeclaration.flag("no-healthcheck", nil, "Switch off the image's check")
    static let logDriver = OptionDeclaration.value("log-driver", nil, .text("NAME"), "Where its output is kept")
    static let logOption = OptionDeclaration.list("log-opt", nil, .text("NAME=VALUE"), "Option of the log driver")

    static let health = [
        healthCommand, healthInterval, healthTimeout, healthRetries, healthStartPeriod, healthStartInterval,
        noHealthCheck, logDriver, logOption,
    ]

    // MARK: Only of `run`

    static let detach = OptionDeclaration.flag("detach", "d", "Leave it in the background and print its identifier")
    static let detachKeys = OptionDeclaration.value(
        "detach-keys", nil, .text("KEYS"), "Keys that leave it running (default: ctrl-p,ctrl-q)")
    static let signalProxy = OptionDeclaration.flag(
        "sig-proxy", nil, "Pass signals on to it, as without it; --sig-proxy=false does not")

    /// The groups of help.
    static func groups(first: [OptionDeclaration]) -> [OptionGroup] {
        [
            OptionGroup("Options", first + container), OptionGroup("Program options", program),
            OptionGroup("File options", files), OptionGroup("Network options", networks),
            OptionGroup("Limits", limits), OptionGroup("Rights and namespaces", rights),
            OptionGroup("Health and logs", health),
        ]
    }
}
