import Engine
import JSONText
import Networking

/// A key of the configuration file: its name, its type, and what it sets.
package struct DaemonKey: Sendable {
    /// Why a value is refused, as the end of a sentence that begins with the key.
    package struct Refusal: Error {
        let reason: String
    }

    /// Its name, as in Docker's `daemon.json` where that has it.
    package let name: String
    /// What it is for, for the documentation.
    package let summary: String
    /// Whether a hang-up signal takes it over.
    package let isReloadable: Bool
    /// Whether it is taken, and changes nothing.
    package let isIdle: Bool
    let apply: @Sendable (JSONValue, inout DaemonSettings) throws(Refusal) -> Void

    private init(
        _ name: String, _ summary: String, reloads: Bool = false, idle: Bool = false,
        _ apply: @escaping @Sendable (JSONValue, inout DaemonSettings) throws(Refusal) -> Void
    ) {
        self.name = name
        self.summary = summary
        isReloadable = reloads
        isIdle = idle
        self.apply = apply
    }

    private static func text(_ value: JSONValue) throws(Refusal) -> String {
        guard let text = value.stringValue else { throw expected("a string", value) }
        guard !text.utf8.contains(0) else { throw Refusal(reason: "contains a NUL byte") }
        return text
    }

    private static func path(_ value: JSONValue) throws(Refusal) -> String {
        let path = try text(value)
        guard path.hasPrefix("/") else { throw Refusal(reason: "must be an absolute path, not `\(path)`") }
        return path
    }

    private static func flag(_ value: JSONValue) throws(Refusal) -> Bool {
        guard let flag = value.boolValue else { throw expected("true or false", value) }
        return flag
    }

    private static func integer(_ value: JSONValue, _ range: ClosedRange<Int64>) throws(Refusal) -> Int64 {
        guard let number = value.intValue else { throw expected("a whole number", value) }
        guard range.contains(number) else {
            throw Refusal(reason: "must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return number
    }

    private static func list(_ value: JSONValue) throws(Refusal) -> [String] {
        guard let values = value.arrayValue else { throw expected("a list of strings", value) }
        var texts: [String] = []
        for (index, value) in values.enumerated() {
            guard let text = value.stringValue else {
                throw Refusal(reason: "has \(value.kindDescription) at position \(index); strings are expected")
            }
            texts.append(text)
        }
        return texts
    }

    private static func map(_ value: JSONValue) throws(Refusal) -> [String: String] {
        guard let object = value.objectValue else { throw expected("an object of strings", value) }
        var result: [String: String] = [:]
        for (name, value) in object {
            guard let text = value.stringValue else {
                throw Refusal(reason: "has \(value.kindDescription) as `\(name)`; a string is expected")
            }
            result[name] = text
        }
        return result
    }

    /// `64m`, `1g` or a number of bytes.
    private static func size(_ value: JSONValue) throws(Refusal) -> Int64 {
        if let number = value.intValue, number > 0 { return number }
        guard let text = value.stringValue else { throw expected("a size such as \"64m\"", value) }
        guard let size = ByteText.bytes(text), size > 0 else {
            throw Refusal(reason: "must be a size such as \"64m\", not `\(text)`")
        }
        return size
    }

    private static func expected(_ what: String, _ value: JSONValue) -> Refusal {
        Refusal(reason: "must be \(what), not \(value.kindDescription)")
    }

    /// A key of Docker's that is taken and changes nothing.
    private static func idle(_ name: String, _ why: String) -> DaemonKey {
        DaemonKey(name, why, idle: true) { value, settings throws(Refusal) in
            // What asks for nothing needs no warning.
            if value != .bool(false), value != .null, value != .string("") { settings.idleKeys.append(name) }
        }
    }

    /// Every key, in the order of the documentation.
    package static let all: [DaemonKey] = serving + logging + containers + networks + registries + idleKeys

    private static let serving: [DaemonKey] = [
        DaemonKey("data-root", "directory of images, containers, volumes and the database") {
            value, settings throws(Refusal) in settings.dataRoot = try path(value)
        },
        DaemonKey("hosts", "where the API is served: unix:///PATH, tcp://ADDRESS[:PORT], fd://") {
            value, settings throws(Refusal) in settings.hosts = try list(value)
        },
        DaemonKey("group", "group that may use the unix sockets; default stackctl, else docker, where it exists") {
            value, settings throws(Refusal) in settings.group = try text(value)
        },
        DaemonKey("tls", "whether TCP speaks TLS") {
            value, settings throws(Refusal) in settings.usesTLS = try flag(value)
        },
        DaemonKey("tlsverify", "whether clients need a certificate of tlscacert") {
            value, settings throws(Refusal) in settings.verifiesClients = try flag(value)
        },
        DaemonKey("tlscacert", "file of the authority that signs clients' certificates (PEM)") {
            value, settings throws(Refusal) in settings.tlsAuthority = try path(value)
        },
        DaemonKey("tlscert", "file of the daemon's certificate (PEM)") {
            value, settings throws(Refusal) in settings.tlsCertificate = try path(value)
        },
        DaemonKey("tlskey", "file of its private key (PEM)") {
            value, settings throws(Refusal) in settings.tlsKey = try path(value)
        },
        DaemonKey("allow-insecure-tcp", "whether other hosts may connect without a verified certificate") {
            value, settings throws(Refusal) in settings.allowsInsecureTCP = try flag(value)
        },
        DaemonKey("metrics-addr", "where Prometheus reads /metrics: ADDRESS:PORT") {
            value, settings throws(Refusal) in settings.metricsAddress = try text(value)
        },
        DaemonKey("shutdown-timeout", "seconds that requests have to end when it stops; default 15", reloads: true) {
            value, settings throws(Refusal) in settings.shutdownSeconds = Int(try integer(value, 0...86_400))
        },
        DaemonKey("live-restore", "whether containers go on without the daemon; default true") {
            value, settings throws(Refusal) in settings.keepsContainers = try flag(value)
        },
        DaemonKey("labels", "labels of the daemon, in /info", reloads: true) { value, settings throws(Refusal) in
            let labels = try list(value)
            if let bad = labels.first(where: { !$0.contains("=") || $0.hasPrefix("=") }) {
                throw Refusal(reason: "must be a list of KEY=VALUE, not `\(bad)`")
            }
            settings.labels = labels
        },
    ]

    private static let logging: [DaemonKey] = [
        DaemonKey("log-level", "least level of the daemon's log: debug, info, warn, error", reloads: true) {
            value, settings throws(Refusal) in
            let name = try text(value)
            guard let level = DaemonLog.Level(named: name) else {
                throw Refusal(reason: "must be debug, info, warn or error, not `\(name)`")
            }
            if settings.given["debug"] != .bool(true) { settings.logLevel = level }
        },
        DaemonKey("log-format", "format of the daemon's log: text or json", reloads: true) {
            value, settings throws(Refusal) in
            let name = try text(value)
            guard let format = DaemonLog.Format(rawValue: name) else {
                throw Refusal(reason: "must be text or json, not `\(name)`")
            }
            settings.logFormat = format
        },
        DaemonKey("debug", "the same as log-level debug", reloads: true) { value, settings throws(Refusal) in
            if try flag(value) { settings.logLevel = .debug }
        },
    ]

    private static let containers: [DaemonKey] = [
        DaemonKey("log-driver", "the log driver of containers: json-file or local", reloads: true) {
            value, settings throws(Refusal) in
            let name = try text(value)
            guard ["json-file", "local"].contains(name) else {
                throw Refusal(reason: "must be json-file or local, which this engine has, not `\(name)`")
            }
        },
        DaemonKey("log-opts", "log options of containers that give none: max-size, max-file, …", reloads: true) {
            value, settings throws(Refusal) in settings.defaults.logOptions = try map(value)
        },
        DaemonKey("default-shm-size", "size of /dev/shm of containers that do not say; default 64m", reloads: true) {
            value, settings throws(Refusal) in settings.defaults.sharedMemoryBytes = try size(value)
        },
        DaemonKey("default-ulimits", "ulimits of containers that do not set them", reloads: true) {
            value, settings throws(Refusal) in settings.defaults.ulimits = try ulimits(value)
        },
        DaemonKey("dns", "name servers of containers that give none", reloads: true) {
            value, settings throws(Refusal) in settings.defaults.dnsServers = try list(value)
        },
        DaemonKey("dns-opts", "resolver options of containers that give none", reloads: true) {
            value, settings throws(Refusal) in settings.defaults.dnsOptions = try list(value)
        },
        DaemonKey("dns-search", "search domains of containers that give none", reloads: true) {
            value, settings throws(Refusal) in settings.defaults.dnsSearch = try list(value)
        },
        DaemonKey("init", "whether containers that do not say have an init process", reloads: true) {
            value, settings throws(Refusal) in settings.defaults.usesInit = try flag(value)
        },
    ]

    private static func ulimits(_ value: JSONValue) throws(Refusal) -> [ContainerDefaults.Ulimit] {
        guard let object = value.objectValue else { throw expected("an object", value) }
        var result: [ContainerDefaults.Ulimit] = []
        for (name, limit) in object {
            let hard = limit["Hard"]?.intValue
            let soft = limit["Soft"]?.intValue ?? hard
            guard let soft, let hard else {
                throw Refusal(reason: "needs {\"Name\", \"Soft\", \"Hard\"} for `\(name)`")
            }
            result.append(ContainerDefaults.Ulimit(name: name, soft: soft, hard: hard))
        }
        return result
    }

    private static let networks: [DaemonKey] = [
        DaemonKey("default-address-pools", "where automatic IPv4 subnets come from: a list of {\"base\", \"size\"}") {
            value, settings throws(Refusal) in settings.addressPools = try pools(value)
        },
        DaemonKey(
            "publish-interfaces",
            "interfaces of the host by which published ports are reached, where a network does not say; default every one"
        ) { value, settings throws(Refusal) in settings.publishInterfaces = try list(value) },
    ]

    private static func pools(_ value: JSONValue) throws(Refusal) -> [AddressPool.Range]? {
        guard let entries = value.arrayValue else { throw expected("a list of {\"base\", \"size\"}", value) }
        var found: [AddressPool.Range] = []
        for entry in entries {
            guard let base = entry["base"]?.stringValue.flatMap({ Subnet($0) }),
                let size = entry["size"]?.intValue.flatMap({ Int(exactly: $0) }),
                let range = AddressPool.Range(base: base, size: size)
            else {
                throw Refusal(
                    reason:
                        "needs an IPv4 subnet as `base` and, as `size`, a prefix length up to 16 bits longer and up to 30"
                )
            }
            found.append(range)
        }
        return found.isEmpty ? nil : found
    }

    private static let registries: [DaemonKey] = [
        DaemonKey("registry-mirrors", "mirrors of Docker Hub", reloads: true) {
            value, settings throws(Refusal) in settings.registryMirrors = try list(value)
        },
        DaemonKey("insecure-registries", "registries whose plain HTTP and certificates are taken", reloads: true) {
            value, settings throws(Refusal) in
            let names = try list(value)
            if let network = names.first(where: { $0.contains("/") }) {
                throw Refusal(reason: "names registries as HOST[:PORT], not networks as `\(network)`")
            }
            settings.insecureRegistries = names
        },
    ]

    private static let idleKeys: [DaemonKey] = [
        idle("bip", "networks are chosen by the engine; declare one with its own subnet"),
        idle("bridge", "the default network's bridge is the engine's own"),
        idle("icc", "set per network: com.docker.network.bridge.enable_icc"),
        idle("ip", "set per network: com.docker.network.bridge.host_binding_ipv4"),
        idle("ip-forward", "the engine turns forwarding on where it needs it"),
        idle("ip-masq", "set per network: com.docker.network.bridge.enable_ip_masquerade"),
        idle("iptables", "the engine has an nftables table of its own"),
        idle("ip6tables", "the engine has an nftables table of its own"),
        idle("ipv6", "set per network: --ipv6"),
        idle("fixed-cidr", "set per network: --ip-range"),
        idle("fixed-cidr-v6", "set per network: --ip-range"),
        idle("mtu", "set per network: com.docker.network.driver.mtu"),
        idle("userland-proxy", "ports are published by the kernel; there is no proxy"),
        idle("storage-driver", "layers are EROFS images under overlayfs"),
        idle("storage-opts", "layers are EROFS images under overlayfs"),
        idle("exec-opts", "the engine makes its cgroups itself"),
        idle("exec-root", "run-time files are in the data root"),
        idle("pidfile", "the data root is locked; <data-root>/run/daemon.lock has the number"),
        idle("containerd", "there is no containerd"),
        idle("default-runtime", "the engine is its own runtime"),
        idle("runtimes", "the engine is its own runtime"),
        idle("default-cgroupns-mode", "set per container: --cgroupns"),
        idle("default-ipc-mode", "set per container: --ipc"),
        idle("cgroup-parent", "set per container: --cgroup-parent"),
        idle("max-concurrent-downloads", "the engine chooses how many layers it fetches at once"),
        idle("max-concurrent-uploads", "the engine chooses how many layers it sends at once"),
        idle("max-download-attempts", "the engine tries again as long as that makes sense"),
        idle("experimental", "there is no such mode"),
        idle("features", "there are no such switches"),
        idle("builder", "building is configured elsewhere"),
        idle("selinux-enabled", "the engine sets no SELinux labels"),
        idle("no-new-privileges", "set unless a container says otherwise"),
        idle("oom-score-adjust", "set by the service's unit"),
        idle("raw-logs", "the log has no colours"),
    ]
}
