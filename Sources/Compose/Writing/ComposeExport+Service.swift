import Diagnostics
import JSONText
import StackModel

/// One service of a compose file, of the containers of one name.
struct ComposeServiceExport {
    let work: ComposeExportWork
    let name: String
    let resource: StackResource
    var rest: JSONObject
    var service = ComposeMap()
    var deploy = ComposeMap()
    private var place: SourceLocation { ComposeExportWork.nowhere }

    init(_ work: ComposeExportWork, _ name: String, _ resource: StackResource) {
        self.work = work
        self.name = name
        self.resource = resource
        rest = JSONObject(resource.attributes.map { ($0.key, $0.value) })
    }

    /// Attributes that are called otherwise and else the same.
    private static let renamed: [(attribute: String, key: String)] = [
        ("command", "command"), ("entrypoint", "entrypoint"), ("user", "user"), ("workdir", "working_dir"),
        ("hostname", "hostname"), ("domainname", "domainname"), ("tty", "tty"), ("openStdin", "stdin_open"),
        ("init", "init"), ("readOnlyRoot", "read_only"), ("privileged", "privileged"), ("stopSignal", "stop_signal"),
        ("annotations", "annotations"), ("capAdd", "cap_add"), ("capDrop", "cap_drop"), ("groups", "group_add"),
        ("utsMode", "uts"), ("usernsMode", "userns_mode"), ("cgroupMode", "cgroup"), ("cgroupParent", "cgroup_parent"),
        ("runtime", "runtime"), ("platform", "platform"), ("sysctls", "sysctls"), ("oomScoreAdj", "oom_score_adj"),
        ("dns", "dns"), ("dnsSearch", "dns_search"), ("dnsOptions", "dns_opt"), ("deviceRules", "device_cgroup_rules"),
        ("logging", "logging"), ("ulimits", "ulimits"), ("macAddress", "mac_address"),
        ("links", "external_links"), ("name", "container_name"),
    ]

    mutating func export() {
        for (attribute, key) in Self.renamed { service[key] = rest.take(attribute) }
        exportTexts()
        exportImage()
        exportLifetime()
        exportLimits()
        exportDevices()
        exportNetworks()
        exportPorts()
        exportMounts()
        exportFiles()
        exportUpdate()
        exportDependencies()
        exportSteps()
        if !deploy.isEmpty { service["deploy"] = ComposeNode(.map(deploy), at: place) }
        // What lowering says of every container.
        rest["anonymousVolumes"] = nil
        work.noteRest(rest, of: resource)
    }

    mutating func set(_ key: String, _ text: String?) { service[key] = text.map { .string($0, at: place) } }

    private mutating func exportTexts() {
        var variables = JSONObject()
        for (name, value) in rest["env"]?.objectValue ?? JSONObject() {
            variables[name] = .string(text(value, "env.\(name)"))
        }
        for (name, value) in unset(rest["unsetEnv"], of: resource, "unsetEnv") { variables[name] = value }
        rest["env"] = nil
        rest["unsetEnv"] = nil
        if !variables.isEmpty { service["environment"] = ComposeNode(json: .object(variables), at: place) }
        if let ports = rest["expose"]?.arrayValue?.compactMap(\.stringValue) {
            rest["expose"] = nil
            service["expose"] = .list(ports.map { $0.hasSuffix("/tcp") ? String($0.dropLast(4)) : $0 }, at: place)
        }
        service["labels"] = rest.take("labels").flatMap(ComposeExportWork.withoutComposeLabels)
        if let hosts = rest["extraHosts"]?.arrayValue {
            rest["extraHosts"] = nil
            let lines = hosts.compactMap(\.stringValue).map { line in
                line.firstIndex(of: ":").map { "\(line[..<$0])=\(line[line.index(after: $0)...])" } ?? line
            }
            service["extra_hosts"] = .list(lines, at: place)
        }
        var options = rest["securityOptions"]?.arrayValue?.compactMap(\.stringValue)
        rest["securityOptions"] = nil
        // Lowering adds this one by itself; without any a stack's containers get no new privileges.
        if options?.last == "no-new-privileges=false" { options?.removeLast() }
        let written = options ?? ["no-new-privileges"]
        if !written.isEmpty { service["security_opt"] = .list(written, at: place) }
        for (attribute, key) in [("networkMode", "network_mode"), ("pidMode", "pid"), ("ipcMode", "ipc")] {
            guard let mode = rest[attribute] else { continue }
            rest[attribute] = nil
            set(key, sharing(mode).map { "service:\($0)" } ?? text(mode, attribute))
        }
        if let others = rest["volumesFrom"]?.arrayValue {
            rest["volumesFrom"] = nil
            let texts = others.map { other -> String in
                guard let service = sharing(other) else { return "container:" + text(other, "volumesFrom") }
                return service + (other["$text"]?.arrayValue?.last?.stringValue ?? "")
            }
            service["volumes_from"] = .list(texts, at: place)
        }
    }

    /// Variables that are taken away, as those without a value, which a compose file takes from where it is used.
    func unset(_ names: JSONValue?, of resource: StackResource, _ path: String) -> [(String, JSONValue)] {
        (names?.arrayValue ?? []).compactMap(\.stringValue).map { name in
            work.note(
                "SC2467", "\(resource.address) is without \(name) only while no \(name) is set where the file is used",
                address: resource.address, at: resource.location(of: path))
            return (name, .null)
        }
    }

    /// The service of which a text names the first container.
    private func sharing(_ value: JSONValue) -> String? {
        let references = StackReference.references(in: value)
        guard references.count == 1, let address = references.first?.address, address.kind == .container else {
            return nil
        }
        return address.name
    }

    /// A text with every reference in it as far as it is known before the stack is there.
    func text(_ value: JSONValue, _ path: String) -> String {
        let known = StackReference.resolveKnown(value) { reference in
            let address = reference.address
            let numbered = address.index.map { "\(address.name)-\($0)" } ?? address.name
            switch (address.kind, reference.attribute) {
            case (.container, "host"): return .string(numbered)
            case (.container, "name"): return .string("\(work.document.name)-\(numbered)")
            case (.network, "name"), (.volume, "name"): return .string("\(work.document.name)_\(address.name)")
            default: return work.document.resource(address)?.attributes[reference.attribute]
            }
        }
        for reference in known.unresolved {
            work.note(
                "SC2462",
                "\(resource.address).\(path) needs \(reference.attribute) of \(reference.address), "
                    + "which a compose file cannot know",
                address: resource.address, at: resource.location(of: path))
        }
        if known.unresolved.isEmpty { return known.value.stringValue ?? known.value.serialized(.canonical) }
        let parts = known.value["$text"]?.arrayValue ?? []
        return parts.compactMap(\.stringValue).joined()
    }

    private mutating func exportLifetime() {
        if let seconds = rest["stopTimeout"]?.intValue, seconds >= 0 {
            rest["stopTimeout"] = nil
            set("stop_grace_period", "\(seconds)s")
        }
        if let policy = rest["restart"] {
            rest["restart"] = nil
            let count = policy["maximumRetryCount"]?.intValue.map { ":\($0)" } ?? ""
            set("restart", (policy["policy"]?.stringValue ?? "no") + count)
        }
        if let check = rest["healthcheck"]?.objectValue {
            rest["healthcheck"] = nil
            service["healthcheck"] = healthcheck(check)
        }
        if let hooks = rest["hooks"]?.objectValue {
            rest["hooks"] = nil
            for (attribute, key) in [("postStart", "post_start"), ("preStop", "pre_stop")] {
                guard let list = hooks[attribute]?.arrayValue else { continue }
                let nodes = list.map { hook -> ComposeNode in
                    var hook = hook.objectValue ?? JSONObject()
                    let variables = unset(hook["unsetEnv"], of: resource, "hooks.\(attribute)")
                    if !variables.isEmpty {
                        let env = hook["env"]?.objectValue ?? JSONObject()
                        hook["env"] = .object(JSONObject(env.map { ($0.key, $0.value) } + variables))
                    }
                    var node = ComposeMap()
                    for (attribute, key) in [
                        ("command", "command"), ("user", "user"), ("privileged", "privileged"),
                        ("workdir", "working_dir"), ("env", "environment"),
                    ] { node[key] = hook.take(attribute) }
                    return ComposeNode(.map(node), at: place)
                }
                service[key] = ComposeNode(.list(nodes), at: place)
            }
        }
        // What is asked for is that it runs.
        if rest["running"] == true { rest["running"] = nil }
    }

    private func healthcheck(_ check: JSONObject) -> ComposeNode {
        if check["test"] == ["NONE"] { return .map([("disable", ComposeNode(.bool(true), at: place))], at: place) }
        var check = check
        var node = ComposeMap()
        node["test"] = check.take("test")
        for (attribute, key) in [
            ("interval", "interval"), ("timeout", "timeout"), ("startPeriod", "start_period"),
            ("startInterval", "start_interval"),
        ] { node[key] = check[attribute]?.intValue.map { .string(ComposeDuration.text(nanoseconds: $0), at: place) } }
        node["retries"] = check.take("retries")
        return ComposeNode(.map(node), at: place)
    }

    private mutating func exportUpdate() {
        guard let update = rest["update"]?.objectValue else { return }
        rest["update"] = nil
        var node = ComposeMap()
        func word(_ attribute: String, _ words: [String: String]) -> ComposeNode? {
            update[attribute]?.stringValue.flatMap { words[$0] }.map { .string($0, at: place) }
        }
        node["order"] = word("order", ["startFirst": "start-first", "stopFirst": "stop-first"])
        node["failure_action"] = word(
            "onFailure", ["rollBack": "rollback", "pause": "pause", "continue": "continue"])
        let health = UpdateMonitor.time(toBeHealthyBy: resource.attributes["healthcheck"])
        for (key, time) in [
            ("monitor", update["healthyWithin"]?.intValue.map { max($0 - health, 0) }),
            ("delay", update["delay"]?.intValue),
        ] { node[key] = time.map { .string(ComposeDuration.text(nanoseconds: $0), at: place) } }
        node["parallelism"] = update["parallelism"].map { ComposeNode(json: $0, at: place) }
        deploy["update_config"] = ComposeNode(.map(node), at: place)
    }

    private mutating func exportDependencies() {
        var conditions: [(name: String, until: DependencyCondition)] = []
        for dependency in resource.dependencies where dependency.address.kind == .container {
            let other = dependency.address.name
            guard !work.steps(of: name).contains(other), !conditions.contains(where: { $0.name == other }) else {
                continue
            }
            conditions.append((other, dependency.until))
        }
        let words: [DependencyCondition: String] = [
            .created: "service_started", .started: "service_started", .healthy: "service_healthy",
            .completed: "service_completed_successfully",
        ]
        let restarted = restartedDependencies
        let nodes = conditions.map { condition -> (String, ComposeNode) in
            var node = ComposeMap()
            node["condition"] = .string(words[condition.until] ?? "service_started", at: place)
            node["required"] = ComposeNode(.bool(true), at: place)
            if restarted.contains(condition.name) { node["restart"] = ComposeNode(.bool(true), at: place) }
            return (condition.name, ComposeNode(.map(node), at: place))
        }
        if !nodes.isEmpty { service["depends_on"] = .map(nodes, at: place) }
        exportOneShot()
    }

    /// What a container is started again with, which only its label tells.
    private var restartedDependencies: Set<String> {
        let label = resource.attributes["labels"]?[ComposeLabels.dependsOn]?.stringValue ?? ""
        return Set(
            label.split(separator: ",").compactMap { entry in
                let parts = entry.split(separator: ":")
                return parts.count == 3 && parts[2] == "true" ? String(parts[0]) : nil
            })
    }

    private mutating func exportOneShot() {
        let isAwaited = work.document.resources.contains { other in
            other.dependencies.contains { $0.address.name == name && $0.until == .completed }
        }
        var own: [(String, ComposeNode)] = []
        if let isOneShot = rest["oneShot"]?.boolValue {
            rest["oneShot"] = nil
            if isOneShot != isAwaited { own.append(("one-shot", ComposeNode(.bool(isOneShot), at: place))) }
        }
        if resource.address.index == nil { own.append(("numbered", ComposeNode(.bool(false), at: place))) }
        if resource.protect { own.append(("protect", ComposeNode(.bool(true), at: place))) }
        if !own.isEmpty { service["x-stackctl"] = .map(own, at: place) }
    }
}

extension ComposeExportWork {
    func exportService(_ name: String) {
        let resources = containers(of: name)
        guard let first = resources.first else { return }
        var export = ComposeServiceExport(self, name, first)
        export.export()
        if resources.count > 1 {
            export.service["scale"] = ComposeNode(.int(Int64(resources.count)), at: Self.nowhere)
        }
        for other in resources.dropFirst() where Self.bare(other) != Self.bare(first) {
            note(
                "SC2464", "\(other.address) differs from \(first.address): the containers of a service are alike",
                address: other.address, at: other.location)
        }
        project.services[name] = ComposeNode(.map(export.service), at: Self.nowhere)
    }

    /// What containers of a service have in common.
    private static func bare(_ resource: StackResource) -> JSONObject {
        var attributes = resource.attributes
        var labels = attributes["labels"]?.objectValue ?? JSONObject()
        labels[ComposeLabels.containerNumber] = nil
        attributes["labels"] = .object(labels)
        return attributes
    }
}
