import Diagnostics
import Engine
import JSONText
import Linux
import OCI

/// When a container runs, how one can tell, and what is kept of it.
enum LifecycleAttributes {
    static let all: [ContainerAttribute] = [
        ContainerAttribute(
            "name", .live,
            read: { reader, _ in
                reader.text(
                    "name", { ObjectName.isValid($0) && $0.utf8.count > 1 ? $0 : nil },
                    expected: "a name of letters, digits and _ . -, at least two")
            },
            write: { _, _ in },
            see: { sight, _ in .string(sight.facts.name) }),
        .dictionary("labels", \.labels, .live),
        healthcheck,
        restart,
        ContainerAttribute(
            "stopSignal", .live,
            read: { reader, _ in
                reader.text("stopSignal", ContainerAttributes.signal, expected: "a signal such as SIGTERM")
            },
            write: { $1.stopSignal = $0?.stringValue },
            see: { sight, _ in
                sight.specification.stopSignal.map { .string(ContainerAttributes.signal($0) ?? $0) }
            }),
        ContainerAttribute(
            "stopTimeout", .live,
            read: { reader, _ in reader.integer("stopTimeout", in: -1...31_536_000) },
            write: { $1.stopTimeout = $0?.intValue.map { Int($0) } },
            see: { sight, _ in sight.specification.stopTimeout.map { .int(Int64($0)) } }),
        logging,
        .wish("oneShot") { reader, _ in reader.flag("oneShot") },
        .wish("running") { reader, _ in reader.flag("running") },
        .wish("pull") { reader, _ in
            reader.text(
                "pull", { ["missing", "always", "never", "build"].contains($0) ? $0 : nil },
                expected: "missing, always, never or build")
        },
        .wish("platform", .recreate) { reader, _ in
            reader.text("platform", { Platform($0)?.description }, expected: "a platform such as linux/amd64")
        },
        .wish("anonymousVolumes") { reader, _ in
            reader.text("anonymousVolumes", { $0 == "keep" ? $0 : nil }, expected: "keep")
        },
        .wish("hooks") { reader, _ in
            reader.object("hooks") { (hooks) throws(DiagnosticList) in try Self.hooks(hooks) }
        },
        .wish("update") { reader, _ in
            reader.object("update") { (update) throws(DiagnosticList) in try Self.update(update) }
        },
    ]

    private static let healthcheck = ContainerAttribute(
        "healthcheck", .live,
        read: { reader, _ in
            reader.object("healthcheck") { (check) throws(DiagnosticList) in
                var reader = AttributeReader(check)
                let numbers = ["interval", "timeout", "startPeriod", "startInterval"]
                reader.strings("test")
                for key in numbers { reader.integer(key, in: 0...Int64.max) }
                reader.integer("retries", in: 0...100_000)
                return try reader.finished(known: ["test", "retries"] + numbers)
            }
        },
        write: { value, specification in
            specification.healthcheck = value.map { check in
                func number(_ key: String) -> Int64 { check[key]?.intValue ?? 0 }
                return Healthcheck(
                    test: check["test"]?.arrayValue?.compactMap(\.stringValue) ?? [], interval: number("interval"),
                    timeout: number("timeout"), startPeriod: number("startPeriod"),
                    startInterval: number("startInterval"), retries: Int(number("retries")))
            }
        },
        see: { sight, asked in
            guard let check = sight.specification.healthcheck else { return nil }
            var object: JSONObject = ["test": .strings(check.test)]
            let numbers = [
                ("interval", check.interval), ("timeout", check.timeout), ("startPeriod", check.startPeriod),
                ("startInterval", check.startInterval), ("retries", Int64(check.retries)),
            ]
            for (key, value) in numbers where value > 0 || asked?[key] != nil { object[key] = .int(value) }
            return .object(object)
        })

    private static let restart = ContainerAttribute(
        "restart", .live,
        read: { reader, _ in
            reader.object("restart") { (policy) throws(DiagnosticList) in
                var reader = AttributeReader(policy)
                reader.text(
                    "policy", { RestartSettings.Name(rawValue: $0)?.rawValue },
                    expected: "no, always, on-failure or unless-stopped")
                reader.integer("maximumRetryCount", in: 0...1_000_000)
                reader.fill("policy", "no")
                if reader["maximumRetryCount"] == 0 { reader["maximumRetryCount"] = nil }
                return try reader.finished(known: ["policy", "maximumRetryCount"])
            }
        },
        write: { policy, specification in
            specification.restart = RestartSettings(
                policy?["policy"]?.stringValue.flatMap(RestartSettings.Name.init(rawValue:)) ?? .no,
                maximumRetryCount: Int(policy?["maximumRetryCount"]?.intValue ?? 0))
        },
        see: { sight, _ in
            let restart = sight.specification.restart
            var policy: JSONObject = ["policy": .string(restart.name.rawValue)]
            if restart.maximumRetryCount > 0 { policy["maximumRetryCount"] = .int(Int64(restart.maximumRetryCount)) }
            return .object(policy)
        })

    private static let logging = ContainerAttribute(
        "logging", .restart,
        read: { reader, _ in
            reader.object("logging") { (log) throws(DiagnosticList) in
                var reader = AttributeReader(log)
                reader.text("driver")
                if reader["driver"] == "" { reader["driver"] = nil }
                reader.fill("driver", "json-file")
                reader.dictionary("options")
                return try reader.finished(known: ["driver", "options"])
            }
        },
        write: { log, specification in
            specification.hostSettings.logDriver = log?["driver"]?.stringValue ?? HostSettings().logDriver
            specification.logOptions = log?.objectValue?.strings("options") ?? [:]
        },
        see: { sight, _ in
            [
                "driver": .string(sight.specification.hostSettings.logDriver),
                "options": .object(.strings(sight.specification.logOptions)),
            ]
        })

    private static func hooks(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        let keys = ["postStart", "preStop"]
        for key in keys {
            reader.objects(key) { (hook) throws(DiagnosticList) in
                var reader = AttributeReader(hook)
                reader.strings("command")
                reader.require("command", "a program to run")
                if reader["command"] == [] { reader.refuse("command must not be empty") }
                reader.text("user")
                reader.flag("privileged")
                reader.text("workdir", { $0.isEmpty || $0.hasPrefix("/") ? $0 : nil }, expected: "an absolute path")
                reader.dictionary("env")
                reader.names("unsetEnv")
                return try reader.finished(known: ["command", "user", "privileged", "workdir", "env", "unsetEnv"])
            }
        }
        return try reader.finished(known: keys)
    }

    private static func update(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        func word(_ key: String, _ words: [String]) {
            reader.text(key, { words.contains($0) ? $0 : nil }, expected: words.joined(separator: " or "))
        }
        word("order", ["startFirst", "stopFirst"])
        word("onFailure", ["rollBack", "pause", "continue"])
        reader.integer("healthyWithin", in: 0...Int64.max)
        reader.integer("delay", in: 0...Int64.max)
        reader.integer("parallelism", in: 0...100_000)
        return try reader.finished(known: ["order", "onFailure", "healthyWithin", "delay", "parallelism"])
    }
}
