import JSONText

/// A device of the host inside the container.
public struct Device: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A device.
    ///
    /// - Parameters:
    ///   - source: the device of the host.
    ///   - target: its path in the container; the same one when nil.
    ///   - access: what the container may do: "r" reads, "w" writes, "m" makes device files; all of it when nil.
    public init(
        _ source: String, at target: String? = nil, access: String? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var device: JSONObject = ["source": .string(source), "target": .string(target ?? source)]
        if let access { device["access"] = .string(access) }
        var element = BlockElement("Device", fileID, line, changes: [.append(list: "devices", .object(device))])
        // A name of the Container Device Interface, such as "vendor.com/class=name", is no path.
        if !source.contains("=") {
            element.requireAbsolute(source, "the device")
            element.requireAbsolute(target ?? source, "the device's path")
        }
        if let access, access.isEmpty || !access.allSatisfy({ "rwm".contains($0) }) {
            element.problem("SC1109", "\"\(access)\" is no access to a device", hint: "use the letters of \"rwm\"")
        }
        self.element = element
    }
}

/// Lets the container use devices that it makes files of itself.
public struct DeviceRule: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A rule as the kernel writes it: "c 1:3 mr".
    public init(_ rule: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement("DeviceRule", fileID, line, changes: [.append(list: "deviceRules", .string(rule))])
        let words = rule.split(separator: " ")
        if words.count != 3 || !["a", "b", "c"].contains(words[0]) || !words[1].contains(":") {
            element.problem("SC1109", "\"\(rule)\" is no rule for devices", hint: "write \"c 1:3 mr\"")
        }
        self.element = element
    }
}

/// Devices that a driver of the host chooses, such as GPUs.
public struct DeviceRequest: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// Devices.
    ///
    /// - Parameters:
    ///   - driver: who chooses; the first that can when nil.
    ///   - count: how many; -1 for all.
    ///   - ids: those devices.
    ///   - capabilities: what they must be able to do: one of the lists, all of its words.
    ///   - options: for the driver.
    public init(
        driver: String? = nil, count: Int? = nil, ids: [String] = [], capabilities: [[String]] = [],
        options: [String: String] = [:], fileID: String = #fileID, line: Int = #line
    ) {
        element = .request("DeviceRequest", driver, count, ids, capabilities, options, fileID, line)
    }
}

/// GPUs of the host.
public struct GPUs: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// So many of them, or those with these ids; all when neither is written.
    public init(
        count: Int? = nil, ids: [String] = [], driver: String? = nil, capabilities: [String] = ["gpu"],
        options: [String: String] = [:], fileID: String = #fileID, line: Int = #line
    ) {
        let number = ids.isEmpty ? count ?? -1 : count
        element = .request("GPUs", driver, number, ids, [capabilities], options, fileID, line)
    }
}

extension BlockElement {
    fileprivate static func request(
        _ name: String, _ driver: String?, _ count: Int?, _ ids: [String], _ capabilities: [[String]],
        _ options: [String: String], _ fileID: String, _ line: Int
    ) -> BlockElement {
        var request = JSONObject()
        if let driver { request["driver"] = .string(driver) }
        if let count { request["count"] = .int(Int64(count)) }
        if !ids.isEmpty { request["ids"] = .array(ids.map { .string($0) }) }
        if !capabilities.isEmpty {
            request["capabilities"] = .array(capabilities.map { .array($0.map { .string($0) }) })
        }
        if !options.isEmpty { request["options"] = .object(sorted(options)) }
        var element = BlockElement(
            name, fileID, line, changes: [.append(list: "deviceRequests", .object(request))])
        if let count, count < -1 { element.problem("SC1106", "\(count) is no number of devices") }
        if count != nil, !ids.isEmpty {
            element.problem("SC1106", "\(name) has a number and ids", hint: "write count: or ids:")
        }
        if driver == nil, capabilities.allSatisfy(\.isEmpty) {
            element.problem("SC1109", "\(name) says nothing that devices can do")
        }
        return element
    }
}
