import JSONText
import StackModel

/// What all containers of a compose project have in common, as a function of the manifest: the labels by which other
/// tools see them.
struct SharedSettings {
    private static let prefix = "com.docker.compose."
    /// The labels that tell one container from another, with the function's parameters.
    private static let own = [
        ("service", "service"), ("container-number", "number"), ("config-hash", "hash"), ("depends_on", "dependsOn"),
    ]

    let name: String
    private var constants: [(key: String, value: String)] = []
    private var securityOptions: [String]?
    private var keepsVolumes = false

    /// Nil where they have nothing in common, as outside of compose projects.
    init?(_ containers: [SourceGroup], _ names: inout SourceNames) {
        guard !containers.isEmpty,
            containers.allSatisfy({ group in
                Self.own.allSatisfy { group.attributes["labels"]?[Self.prefix + $0.0]?.stringValue != nil }
                    && Self.number(group.attributes) != nil
            })
        else { return nil }
        let first = containers[0].attributes
        for (key, value) in first["labels"]?.objectValue ?? JSONObject() {
            guard key.hasPrefix(Self.prefix), !Self.own.contains(where: { Self.prefix + $0.0 == key }),
                let text = value.stringValue,
                containers.allSatisfy({ $0.attributes["labels"]?[key] == value })
            else { continue }
            constants.append((key, text))
        }
        func isCommon(_ key: String) -> Bool { containers.allSatisfy { $0.attributes[key] == first[key] } }
        if isCommon("securityOptions") {
            let words = (first["securityOptions"]?.arrayValue ?? []).compactMap(\.stringValue)
            securityOptions = words.isEmpty ? nil : words
        }
        keepsVolumes = isCommon("anonymousVolumes") && first["anonymousVolumes"] == "keep"
        name = names.reserve("composed")
    }

    /// The container's number: digits, or the mark that stands for them.
    private static func number(_ attributes: JSONObject) -> String? {
        guard let text = attributes["labels"]?[prefix + "container-number"]?.stringValue else { return nil }
        if text.unicodeScalars.elementsEqual([SourceText.number]) { return "number" }
        return Int(text).map(String.init) == text ? text : nil
    }

    /// The call of the function, which the attributes then need not say.
    func call(taking attributes: inout SourceAttributes) -> String? {
        guard var labels = attributes.take("labels")?.objectValue else { return nil }
        defer { attributes.put("labels", .object(labels)) }
        guard let number = Self.number(["labels": .object(labels)]) else { return nil }
        func take(_ key: String) -> String {
            defer { labels[Self.prefix + key] = nil }
            return SourceText.literal(labels[Self.prefix + key]?.stringValue ?? "")
        }
        var call = SourceCall(name)
        call.add(take("service"))
        _ = take("container-number")
        call.add(number)
        call.add("hash", take("config-hash"))
        let dependsOn = take("depends_on")
        if dependsOn != "\"\"" { call.add("dependsOn", dependsOn) }
        for (key, _) in constants { labels[key] = nil }
        if securityOptions != nil { _ = attributes.take("securityOptions") }
        if keepsVolumes { _ = attributes.take("anonymousVolumes") }
        return call.text
    }

    /// The function.
    var declaration: String {
        var lines = constants.map { "Label(\(SourceText.literal($0.key)), \(SourceText.literal($0.value)))" }
        for (key, parameter) in Self.own {
            let value = parameter == "number" ? "\"\\(number)\"" : parameter
            lines.append("Label(\"\(Self.prefix)\(key)\", \(value))")
        }
        if let securityOptions {
            var call = SourceCall("SecurityOptions")
            for word in securityOptions { call.add(SourceText.literal(word)) }
            lines.append(call.text)
        }
        if keepsVolumes { lines.append("KeepAnonymousVolumes()") }
        return """
            @ContainerBuilder
            func \(name)(
                _ service: String, _ number: Int, hash: String, dependsOn: String = ""
            ) -> ContainerSettings {
            \(SourceText.indented(lines.joined(separator: "\n")))
            }
            """
    }
}
