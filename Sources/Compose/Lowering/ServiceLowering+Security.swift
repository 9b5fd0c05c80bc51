import Diagnostics
import JSONText
import StackModel

/// What a container may do, and what it shares with the host and with others.
extension ServiceLowering {
    mutating func lowerSecurity() {
        setFlag("privileged", "privileged")
        setFlag("readOnlyRoot", "read_only")
        setTexts("capAdd", "cap_add")
        setTexts("capDrop", "cap_drop")
        setTexts("groups", "group_add")
        var options = service.texts("security_opt") ?? []
        for (offset, option) in options.enumerated() {
            if let profile = seccompProfile(option) { options[offset] = profile }
            if option == "systempaths=unconfined" {
                service.refuse(
                    "security_opt", "SC2426", "has systempaths=unconfined, which only privileged containers can have",
                    hint: "use privileged: true, or mount what is needed")
            }
        }
        // Stacks deny new privileges unless told otherwise; Docker's containers do not.
        if !options.contains(where: { $0.hasPrefix("no-new-privileges") }) { options.append("no-new-privileges=false") }
        set("securityOptions", .strings(options), "security_opt")
    }

    /// The option with the profile itself in place of its file; nil where it names none.
    private func seccompProfile(_ option: String) -> String? {
        guard option.hasPrefix("seccomp=") || option.hasPrefix("seccomp:") else { return nil }
        let path = String(option.dropFirst("seccomp=".count))
        guard !["", "unconfined", "builtin"].contains(path), !path.hasPrefix("{") else { return nil }
        let absolute = path.hasPrefix("/") ? path : "\(context.project.directory)/\(path)"
        var reason = "there is no such file"
        do throws(ComposeFileFailure) {
            if let bytes = try context.files?.read(absolute) {
                if let profile = try? JSONValue.parse(bytes) { return "seccomp=\(profile.serialized())" }
                reason = "it is no JSON"
            }
        } catch {
            reason = error.reason
        }
        service.refuse(
            "security_opt", "SC2424", "names the seccomp profile \(path), which cannot be read", detail: reason)
        return nil
    }

    mutating func lowerNamespaces() {
        for (attribute, key) in [("pidMode", "pid"), ("ipcMode", "ipc"), ("networkMode", "network_mode")] {
            guard let mode = service.given(key) else { continue }
            set(attribute, shared(mode, key), key)
        }
        // Only memory that may be shared can be joined.
        if context.memoryOwners.contains(name) {
            switch draft.attributes["ipcMode"] {
            case nil, "private": draft.set("ipcMode", "shareable", at: nil)
            default: break
            }
        }
        if draft.attributes["networkMode"] == "default" { set("networkMode", "bridge", "network_mode") }
        setText("utsMode", "uts")
        setText("usernsMode", "userns_mode")
        setText("cgroupMode", "cgroup")
        setText("cgroupParent", "cgroup_parent")
        setText("runtime", "runtime")
    }

    /// `service:db` as the container that is meant.
    private func shared(_ mode: String, _ key: String) -> JSONValue? {
        guard mode.hasPrefix("service:") else { return .string(mode) }
        return containerText(of: String(mode.dropFirst("service:".count)), key, before: "container:")
    }

    /// A text with the first container of a service in it.
    func containerText(of other: String, _ key: String, before: String = "", after: String = "") -> JSONValue? {
        guard context.project.services[other] != nil else {
            if context.options.ignoresDependencies {
                return .string(before + context.hostName(other, 1) + after)
            }
            service.refuse(key, "SC2423", "names the service \(other), which the project does not have")
            return nil
        }
        guard context.replicas[other] ?? 1 > 0 else {
            service.refuse(
                key, "SC2425", "needs a container of \(other), which has none", hint: "give \(other) one replica")
            return nil
        }
        let reference = StackReference(address: context.container(other, 1), attribute: "id").json
        return StackReference.text([.string(before), reference, .string(after)].filter { $0 != "" })
    }

    mutating func lowerDevices() {
        var devices: [(value: JSONValue, location: SourceLocation)] = []
        var requests: [(value: JSONValue, location: SourceLocation)] = []
        for device in service.readers("devices") {
            let source = device.given("source") ?? ""
            let target = device.given("target") ?? source
            let access = device.given("permissions") ?? "rwm"
            device.finish()
            if source == target, Self.isVendorName(source) {
                requests.append((["driver": "cdi", "ids": [.string(source)]], device.location))
            } else {
                devices.append(
                    (
                        ["source": .string(source), "target": .string(target), "access": .string(access)],
                        device.location
                    ))
            }
        }
        draft.set("devices", devices)
        setTexts("deviceRules", "device_cgroup_rules")
        if service.entry("gpus")?.value.string == "all" {
            requests.append((["count": -1, "capabilities": [["gpu"]]], service.location("gpus")))
        } else {
            for gpu in service.readers("gpus") { requests.append((request(gpu, adding: "gpu"), gpu.location)) }
        }
        let reserved = service.reader("deploy")?.reader("resources")?.reader("reservations")
        for device in reserved?.readers("devices") ?? [] { requests.append((request(device), device.location)) }
        draft.set("deviceRequests", requests)
    }

    private func request(_ device: MemberReader, adding capability: String? = nil) -> JSONValue {
        var request = JSONObject()
        request["driver"] = device.given("driver").map { .string($0) }
        let ids = device.texts("device_ids") ?? []
        if device.entry("count")?.value.string == "all" {
            request["count"] = -1
        } else if let count = device.integer("count") {
            request["count"] = .int(count)
        } else if ids.isEmpty {
            request["count"] = -1
        }
        if !ids.isEmpty { request["ids"] = .strings(ids) }
        var capabilities = device.texts("capabilities") ?? []
        if let capability, !capabilities.contains(capability) { capabilities.append(capability) }
        request["capabilities"] = [.strings(capabilities)]
        let options = device.textMap("options")
        if !options.isEmpty { request["options"] = .object(JSONObject(options.map { ($0.key, .string($0.value)) })) }
        device.finish()
        return .object(request)
    }

    /// `vendor.com/class=name`, as the Container Device Interface names devices.
    private static func isVendorName(_ text: String) -> Bool {
        let sides = text.split(separator: "=", omittingEmptySubsequences: false)
        let kind = sides[0].split(separator: "/", omittingEmptySubsequences: false)
        return sides.count == 2 && !sides[1].isEmpty && kind.count == 2 && kind.allSatisfy { !$0.isEmpty }
    }
}
