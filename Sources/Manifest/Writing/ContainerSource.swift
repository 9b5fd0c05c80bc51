import Diagnostics
import JSONText
import StackModel

/// The elements of a container's block.
struct ContainerSource {
    let scope: SourceScope
    let group: SourceGroup
    var attributes: SourceAttributes
    /// Elements, each of one line or more.
    var lines: [String] = []

    init(_ group: SourceGroup, _ scope: SourceScope) {
        self.scope = scope
        self.group = group
        attributes = SourceAttributes(
            group.attributes, path: group.address.description, keepsEmpty: ["command", "entrypoint"])
    }

    /// `let web = Container("web", image: site) { … }`.
    mutating func declaration() throws(Diagnostic) -> String {
        var call = SourceCall("Container")
        call.add(SourceText.literal(group.address.name))
        guard let image = attributes.take("image") else { throw attributes.failure("image", "is missing") }
        call.add("image", try scope.image(image, "\(group.address).image"))
        if let count = group.count { call.add(group.isNumbered ? "numbered" : "replicas", String(count)) }
        try writeShared()
        try writeIdentity()
        try writeNetworks()
        try writeDependencies()
        try writeProcess()
        try writeStorage()
        try writeOperation()
        try writeLimits()
        try writeSecurity()
        try writeLabels()
        try attributes.finish()
        return call.text(block: lines, parameter: group.isNumbered ? "number" : nil)
    }

    // MARK: Elements

    mutating func write(_ name: String, _ expression: String?) {
        if let expression { lines.append("\(name)(\(expression))") }
    }

    /// Writes an element without arguments where a flag is set; what is false is as without it.
    mutating func write(_ name: String, flag key: String) throws(Diagnostic) {
        if try attributes.flag(key) == true { lines.append("\(name)()") }
    }

    /// Writes an element with a word for each argument.
    mutating func write(_ name: String, words key: String) throws(Diagnostic) {
        let words = try attributes.words(key)
        guard !words.isEmpty else { return }
        var call = SourceCall(name)
        for word in words { call.add(SourceText.literal(word)) }
        lines.append(call.text)
    }

    /// Writes an element for each member of an object of texts.
    mutating func write(_ name: String, entries key: String) throws(Diagnostic) {
        for (member, value) in try attributes.pairs(key) {
            guard let text = value.stringValue else { throw attributes.failure("\(key).\(member)", "is no text") }
            lines.append("\(name)(\(SourceText.literal(member)), \(SourceText.literal(text)))")
        }
    }

    mutating func write(_ call: SourceCall) { if !call.isWithoutArguments { lines.append(call.text) } }

    // MARK: Who and what

    private mutating func writeShared() throws(Diagnostic) {
        guard let shared = scope.shared, let call = shared.call(taking: &attributes) else { return }
        lines.append(call)
    }

    private mutating func writeIdentity() throws(Diagnostic) {
        write("Named", try attributes.text("name"))
        write("Hostname", try attributes.text("hostname"))
        write("Domainname", try attributes.text("domainname"))
        write("PlatformChoice", try attributes.text("platform"))
        if let policy = try attributes.plain("pull") {
            guard ["missing", "always", "never", "build"].contains(policy) else {
                throw attributes.failure("pull", "is \"\(policy)\", which is none of missing, always, never, build")
            }
            lines.append("Pull(.\(policy))")
        }
        write("Running", try attributes.truth("running"))
        if group.protect { lines.append("Protect()") }
    }

    private mutating func writeDependencies() throws(Diagnostic) {
        var implied = Set<StackDependency>()
        for reference in StackReference.references(in: .object(group.attributes)) {
            implied.insert(
                StackDependency(
                    address: reference.address, until: reference.address.kind == .container ? .started : .created))
        }
        // The replicas of one container are waited for together.
        var order: [(name: String, until: DependencyCondition, isOwn: Bool)] = []
        for edge in group.dependencies where !implied.contains(edge) {
            guard edge.address.kind == .container else {
                throw Diagnostic(
                    code: "SC1282", summary: "\(group.address) waits for \(edge.address), which it does not use")
            }
            let isOwn = edge.address.index == SourceGroup.ownIndex
            let isKnown = order.contains { $0 == (edge.address.name, edge.until, isOwn) }
            if !isKnown { order.append((edge.address.name, edge.until, isOwn)) }
        }
        for (name, until, isOwn) in order {
            let address = ResourceAddress(kind: .container, name: name)
            guard let variable = scope.names[address], let other = scope.groups[address] else {
                throw Diagnostic(
                    code: "SC1282", summary: "\(group.address) waits for \(address), which is not declared")
            }
            let waited = group.dependencies.filter { $0.address.name == name && $0.address.kind == .container }
            guard
                isOwn || other.count == nil || waited.contains(where: { $0.address.index == nil })
                    || waited.count == other.count
            else {
                throw Diagnostic(code: "SC1282", summary: "\(group.address) waits for some replicas of \(address) only")
            }
            lines.append("DependsOn(\(variable)\(isOwn ? "[number]" : "")\(readiness(until, other)))")
        }
    }

    private func readiness(_ until: DependencyCondition, _ other: SourceGroup) -> String {
        switch until {
        case .created, .started: return ""
        case .completed: return ", until: .completed"
        case .healthy:
            let isOwn = other.attributes["healthcheck"].map { $0 != .object(JSONObject()) } ?? false
            return ", until: \(isOwn ? ".healthy" : ".imageHealthy")"
        }
    }

    private mutating func writeProcess() throws(Diagnostic) {
        lines += try attributes.programs()
        for (name, value) in try attributes.pairs("env") {
            let text = try scope.text(value, "\(group.address).env.\(name)")
            var call = SourceCall("Env")
            call.add(SourceText.literal(name))
            call.add(text)
            lines.append(call.text)
        }
        try write("UnsetEnv", words: "unsetEnv")
        write("User", try attributes.text("user"))
        try write("Groups", words: "groups")
        write("Workdir", try attributes.text("workdir"))
        try write("Terminal", flag: "tty")
        try write("OpenInput", flag: "openStdin")
        if let isUsed = try attributes.flag("init") { lines.append(isUsed ? "Init()" : "Init(false)") }
        if try attributes.flag("oneShot") == true, !scope.completed.contains(group.address) {
            lines.append("OneShot()")
        }
    }

    private mutating func writeLabels() throws(Diagnostic) {
        try write("Label", entries: "labels")
        try write("Annotation", entries: "annotations")
    }
}
