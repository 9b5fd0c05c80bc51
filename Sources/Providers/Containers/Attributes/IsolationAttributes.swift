import Diagnostics
import Engine
import JSONText
import Runtime

/// How far a container is apart from the host, and what of the host it gets.
enum IsolationAttributes {
    static let all: [ContainerAttribute] = [
        .flag("privileged", \.isPrivileged, .recreate),
        .texts(
            "capAdd", \.addedCapabilities, .restart, isSet: true, expected: "capabilities such as NET_ADMIN", capability
        ),
        .texts(
            "capDrop", \.droppedCapabilities, .restart, isSet: true, expected: "capabilities such as NET_RAW",
            capability),
        securityOptions,
        .flag("readOnlyRoot", \.readOnlyRoot, .restart),
        .dictionary("sysctls", \.hostSettings.sysctls, .restart),
        .objects("devices", \.hostSettings.devices, .restart),
        .texts("deviceRules", \.hostSettings.deviceRules, .restart),
        .objects("deviceRequests", \.hostSettings.deviceRequests, .restart),
        .mode("pidMode", \.hostSettings.pidMode, ["host"], joins: true),
        .mode("ipcMode", \.hostSettings.ipcMode, ["none", "private", "shareable", "host"], joins: true),
        .mode("utsMode", \.hostSettings.utsMode, ["host"]),
        .mode("usernsMode", \.hostSettings.userNamespace, ["host"]),
        .mode("cgroupMode", \.hostSettings.cgroupNamespace, ["private", "host"]),
        .text("cgroupParent", \.hostSettings.cgroupParent, .recreate),
        .text("runtime", \.hostSettings.runtime, .recreate),
        .dictionary("annotations", \.hostSettings.annotations, .noted),
        ContainerAttribute(
            "oomScoreAdj", .restart,
            read: { reader, _ in reader.integer("oomScoreAdj", in: -1000...1000) },
            write: { $1.hostSettings.outOfMemoryScore = Int32(clamping: $0?.intValue ?? 0) },
            see: { sight, _ in .int(Int64(sight.specification.hostSettings.outOfMemoryScore)) }),
    ]

    /// `net_admin` is `CAP_NET_ADMIN`.
    @Sendable private static func capability(_ text: String) -> String? {
        let name = text.uppercased()
        if name == "ALL" || name == "CAP_ALL" { return "ALL" }
        guard Capability(named: name) != nil else { return nil }
        return name.hasPrefix("CAP_") ? name : "CAP_\(name)"
    }

    /// What the engine adds for a container that does not say is not seen where it was not asked for.
    private static let securityOptions = ContainerAttribute(
        "securityOptions", .recreate,
        read: { reader, _ in reader.texts("securityOptions") },
        write: { $1.securityOptions = $0?.arrayValue?.compactMap(\.stringValue) ?? [] },
        see: { sight, asked in
            let wanted = asked?.arrayValue?.compactMap(\.stringValue) ?? []
            let added: Set = ["no-new-privileges", "label=disable"]
            let found = sight.specification.securityOptions.filter { !added.contains($0) || wanted.contains($0) }
            return found.isEmpty ? nil : .strings(found)
        })
}

extension HostSettings.Device: AttributeElement {
    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        let path: (String) -> String? = { $0.hasPrefix("/") ? $0 : nil }
        reader.text("source", path, expected: "an absolute path")
        reader.text("target", path, expected: "an absolute path")
        if let source = reader["source"] { reader.fill("target", source) }
        reader.text("access")
        reader.fill("access", "rwm")
        reader.require("source", "a device of the host")
        return try reader.finished(known: ["source", "target", "access"])
    }

    init?(attributes: JSONValue) {
        guard let source = attributes["source"]?.stringValue else { return nil }
        self.init(
            hostPath: source, containerPath: attributes["target"]?.stringValue ?? source,
            access: attributes["access"]?.stringValue ?? "rwm")
    }

    var attributes: JSONObject {
        ["source": .string(hostPath), "target": .string(containerPath), "access": .string(access)]
    }
}

extension HostSettings.DeviceRequest: AttributeElement {
    static func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.text("driver")
        reader.integer("count", in: -1...1_000_000)
        reader.strings("ids")
        reader.lists("capabilities")
        reader.dictionary("options")
        for key in ["driver", "ids", "capabilities", "options"] {
            if [.string(""), .array([]), .object(JSONObject())].contains(reader[key]) { reader[key] = nil }
        }
        reader.fill("count", 0)
        return try reader.finished(known: ["driver", "count", "ids", "capabilities", "options"])
    }

    init?(attributes: JSONValue) {
        guard let object = attributes.objectValue else { return nil }
        self.init(
            driver: object["driver"]?.stringValue ?? "", count: object["count"]?.intValue ?? 0,
            ids: object.list("ids") ?? [],
            capabilities: (object["capabilities"]?.arrayValue ?? []).map {
                ($0.arrayValue ?? []).compactMap(\.stringValue)
            }, options: object.strings("options"))
    }

    var attributes: JSONObject {
        var object = JSONObject()
        if !driver.isEmpty { object["driver"] = .string(driver) }
        object["count"] = .int(count)
        if !ids.isEmpty { object["ids"] = .strings(ids) }
        if !capabilities.isEmpty { object["capabilities"] = .array(capabilities.map { .strings($0) }) }
        if !options.isEmpty { object["options"] = .object(.strings(options)) }
        return object
    }
}
