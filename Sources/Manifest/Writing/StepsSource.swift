import Diagnostics
import JSONText
import StackModel

/// The stages of an image that is built step by step.
struct StepsSource {
    private let scope: SourceScope
    private let path: String
    /// Images of the stack, by the names that steps have for them.
    private let bases: [String: JSONValue]
    private var variables: [String: String] = [:]
    /// The steps of the image itself.
    private(set) var last: [String] = []

    init(_ group: SourceGroup, _ scope: SourceScope, bases: [(key: String, value: JSONValue)]) {
        self.scope = scope
        path = "\(group.address).from.stages"
        self.bases = Dictionary(bases.map { ($0.key, $0.value) }) { first, _ in first }
    }

    /// The stages with their variables; what has no name is the image itself.
    mutating func stages(
        _ stages: [JSONValue], _ names: inout SourceNames
    ) throws(Diagnostic) -> [(variable: String, value: String)] {
        var declarations: [(variable: String, value: String)] = []
        for (offset, stage) in stages.enumerated() {
            var lines: [String] = []
            for (number, step) in (stage["steps"]?.arrayValue ?? []).enumerated() {
                var step = SourceAttributes(
                    step.objectValue ?? JSONObject(), path: "\(path)[\(offset)].steps[\(number)]: ",
                    keepsEmpty: ["command", "entrypoint"])
                lines.append(try line(&step))
                try step.finish()
            }
            guard let name = stage["name"]?.stringValue else {
                last = lines
                continue
            }
            let plain = SourceNames.variable(name)
            let variable = names.reserve(plain.isEmpty ? "stage" : plain)
            variables[name] = variable
            var call = SourceCall("Stage")
            call.add(SourceText.literal(name))
            declarations.append((variable, call.text(block: lines)))
        }
        return declarations
    }

    private func stage(_ name: String, _ step: SourceAttributes) throws(Diagnostic) -> String {
        guard let variable = variables[name] else { throw step.failure("stage", "is \"\(name)\", which comes later") }
        return variable
    }

    private func line(_ step: inout SourceAttributes) throws(Diagnostic) -> String {
        if let base = step.take("from") { return try from(base, &step) }
        if let command = step.take("run") { return try run(command, &step) }
        for (key, name) in [("copy", "Copy"), ("add", "Add")] {
            if var transfer = try step.group(key) { return try self.transfer(name, &transfer) }
        }
        for (key, name) in [("env", "Env"), ("labels", "Label")] {
            if let (member, value) = try step.pairs(key).first {
                return "\(name)(\(SourceText.literal(member)), \(try scope.text(value, "\(path).\(key)")))"
            }
        }
        for (key, name) in [("command", "Command"), ("entrypoint", "Entrypoint")] where step.has(key) {
            let words = try step.words(key).map { SourceText.literal($0) }
            return "\(name)(\(words.isEmpty ? "[]" : words.joined(separator: ", ")))"
        }
        if let port = try step.plain("exposed") { return try ContainerSource.expose(port, step, "exposed") }
        if let signal = try step.text("stopSignal") { return "Stop(signal: \(signal))" }
        if var check = try step.group("healthcheck") {
            let text = try ContainerSource.healthcheck(&check)
            try check.finish()
            return text
        }
        for (key, name) in [("user", "User"), ("workdir", "Workdir"), ("volume", "VolumePath")] {
            if let text = try step.text(key) { return "\(name)(\(text))" }
        }
        try step.finish()
        throw step.failure("steps", "has a step that does nothing")
    }

    private func from(_ base: JSONValue, _ step: inout SourceAttributes) throws(Diagnostic) -> String {
        if let name = base["stage"]?.stringValue { return "From(\(try stage(name, step)))" }
        guard let name = base.stringValue else { throw step.failure("from", "is no image") }
        if let own = bases[name], own.stringValue == nil { return "From(\(try scope.image(own, "\(path).from")))" }
        var call = SourceCall("From")
        call.add(SourceText.literal(name))
        call.add("platform", try step.text("platform"))
        return call.text
    }

    private func run(_ command: JSONValue, _ step: inout SourceAttributes) throws(Diagnostic) -> String {
        var call = SourceCall("Run")
        if let line = command.stringValue {
            call.add(SourceText.literal(line))
        } else {
            let words = (command.arrayValue ?? []).compactMap(\.stringValue).map { SourceText.literal($0) }
            call.add("words", SourceText.list(words))
        }
        var mounts: [String] = []
        for var mount in try step.groups("mounts") { mounts.append(try self.mount(&mount)) }
        if !mounts.isEmpty { call.add("mounts", SourceText.list(mounts)) }
        if let network = try step.plain("network") {
            let words = ["default": ".standard", "none": "StepNetwork.none", "host": ".host"]
            guard let word = words[network] else { throw step.failure("network", "is \"\(network)\"") }
            call.add("network", word)
        }
        return call.text
    }

    private func mount(_ mount: inout SourceAttributes) throws(Diagnostic) -> String {
        let type = try mount.plain("type") ?? "bind"
        let target = try mount.text("target")
        var call: SourceCall
        switch type {
        case "cache":
            call = SourceCall(".cache")
            call.add(target ?? "\"\"")
            call.add("id", try mount.text("id"))
        case "secret":
            call = SourceCall(".secret")
            call.add(try mount.text("id") ?? "\"\"")
            call.add("at", target)
            _ = mount.take("required")
        case "tmpfs":
            call = SourceCall(".tmpfs")
            call.add(target ?? "\"\"")
        case "bind":
            if let name = try mount.plain("from") {
                call = SourceCall(".stage")
                call.add(try stage(name, mount))
            } else {
                call = SourceCall(".context")
            }
            call.add(try mount.text("source") ?? "\".\"")
            call.add("at", target)
        default: throw mount.failure("type", "is \"\(type)\"")
        }
        try mount.finish()
        return call.text
    }

    private func transfer(_ name: String, _ transfer: inout SourceAttributes) throws(Diagnostic) -> String {
        var call = SourceCall(name)
        call.add("text", try transfer.text("text"))
        for source in try transfer.words("sources") { call.add(SourceText.literal(source)) }
        if let origin = try transfer.plain("stage") { call.add("from", try stage(origin, transfer)) }
        call.add("fromImage", try transfer.text("image"))
        call.add("to", try transfer.text("to"))
        call.add("checksum", try transfer.text("checksum"))
        call.add("unpacks", try transfer.truth("unpack"))
        call.add("owner", try transfer.text("owner"))
        call.add("mode", try transfer.text("mode"))
        call.add("excluding", try transfer.list("excluding"))
        call.add("keepsParents", try transfer.truth("parents"))
        call.add("isLinked", try transfer.truth("link"))
        try transfer.finish()
        return call.text
    }
}
