import Diagnostics
import JSONText
import StackModel

extension ContainerSource {
    mutating func writeSecurity() throws(Diagnostic) {
        try write("Privileged", flag: "privileged")
        var capabilities = SourceCall("Capabilities")
        capabilities.add("add", try attributes.list("capAdd"))
        capabilities.add("drop", try attributes.list("capDrop"))
        write(capabilities)
        try write("SecurityOptions", words: "securityOptions")
        try writeNamespaces()
        try write("Sysctl", entries: "sysctls")
        write("CgroupParent", try attributes.text("cgroupParent"))
        write("Runtime", try attributes.text("runtime"))
        try writeDevices()
    }

    private mutating func writeNamespaces() throws(Diagnostic) {
        let plain = ["host", "private"]
        let modes = [
            ("pid", "pidMode", plain), ("ipc", "ipcMode", plain + ["shareable", "none"]), ("uts", "utsMode", plain),
            ("user", "usernsMode", ["host"]), ("cgroup", "cgroupMode", plain),
        ]
        var call = SourceCall("Namespaces")
        for (label, key, words) in modes {
            guard let mode = attributes.take(key) else { continue }
            call.add(label, try namespace(mode, key, words))
        }
        write(call)
    }

    private mutating func writeDevices() throws(Diagnostic) {
        for var device in try attributes.groups("devices") {
            guard let source = try device.plain("source") else { throw device.failure("source", "is missing") }
            var call = SourceCall("Device")
            call.add(SourceText.literal(source))
            let target = try device.plain("target")
            if let target, target != source { call.add("at", SourceText.literal(target)) }
            call.add("access", try device.text("access"))
            try device.finish()
            lines.append(call.text)
        }
        for rule in try attributes.words("deviceRules") { lines.append("DeviceRule(\(SourceText.literal(rule)))") }
        for var request in try attributes.groups("deviceRequests") {
            var call = SourceCall("DeviceRequest")
            call.add("driver", try request.text("driver"))
            call.add("count", try request.integer("count"))
            call.add("ids", try request.list("ids"))
            var capabilities: [String] = []
            for value in try request.values("capabilities") {
                let words = (value.arrayValue ?? []).compactMap(\.stringValue)
                if !words.isEmpty { capabilities.append(SourceText.list(words.map { SourceText.literal($0) })) }
            }
            if !capabilities.isEmpty { call.add("capabilities", SourceText.list(capabilities)) }
            call.add("options", try request.dictionary("options"))
            try request.finish()
            lines.append(call.text)
        }
    }
}
