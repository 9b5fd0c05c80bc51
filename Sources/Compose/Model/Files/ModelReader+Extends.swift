import Diagnostics

/// Where services that are extended are looked up.
private struct ServiceSource {
    /// The file, absolute.
    var file: String
    /// Its services in long notation.
    var services: ComposeMap
    /// Where its relative paths start from; nil where they stay as they are, since it is the model's own.
    var pathBase: String?
    /// What `extends.file` is relative to.
    var directory: String
}

/// One step of a chain of services that extend each other.
private struct ExtendsStep {
    var file: String
    var service: String
    var location: SourceLocation
}

extension ModelReader {
    /// A tree whose services have what they extend.
    func extending(
        _ tree: ComposeMap, file: String, in scope: ModelScope
    ) throws(DiagnosticList) -> ComposeMap {
        guard let services = tree["services"]?.map else { return tree }
        guard services.entries.contains(where: { $0.value["extends"] != nil }) else { return tree }
        let source = ServiceSource(file: file, services: services, pathBase: nil, directory: scope.directory)
        var known: [String: ComposeNode] = [:]
        var result = ComposeMap()
        var errors = ErrorCollection()
        for entry in services.entries {
            errors.collect { () throws(DiagnosticList) in
                let service = try resolved(entry.key, of: source, chain: [], known: &known, in: scope)
                result.set(
                    ComposeMap.Entry(key: entry.key, value: service ?? entry.value, location: entry.location))
            }
        }
        try errors.check()
        var changed = tree
        changed["services"] = tree["services"]?.with(.map(result))
        return changed
    }

    private func resolved(
        _ name: String, of source: ServiceSource, chain: [ExtendsStep], known: inout [String: ComposeNode],
        in scope: ModelScope
    ) throws(DiagnosticList) -> ComposeNode? {
        if let service = known[name] { return service }
        guard let entry = source.services.entry(name) else { return nil }
        guard let extends = entry.value["extends"], extends.instruction != .reset, !extends.isNull,
            let wanted = extends["service"]?.text
        else { return rebased(entry.value, of: source) }
        let step = ExtendsStep(file: source.file, service: name, location: extends.location)
        if let start = chain.firstIndex(where: { $0.file == step.file && $0.service == step.service }) {
            reportCycle(Array(chain[start...]))
            return nil
        }
        guard chain.count < extendsLimit else {
            findings.error(
                "SC2222", "more than \(extendsLimit) services extend each other in a chain", at: extends.location)
            return nil
        }
        let base = try base(
            wanted, file: extends["file"], of: source, chain: chain + [step], known: &known, in: scope)
        guard let base else { return rebased(without(entry.value, "extends"), of: source) }
        let settled = merge.settled(base, by: .service)
        let own = without(rebased(entry.value, of: source), "extends")
        let service = merge.merged(settled, own, by: .service, name: name)
        known[name] = ComposeNode(service.value, at: entry.value.location, instruction: entry.value.instruction)
        return known[name]
    }

    /// The service that is extended, from the same file or another one.
    private func base(
        _ name: String, file: ComposeNode?, of source: ServiceSource, chain: [ExtendsStep],
        known: inout [String: ComposeNode], in scope: ModelScope
    ) throws(DiagnosticList) -> ComposeNode? {
        guard let file, let path = file.text else {
            guard source.services.entry(name) != nil else {
                reportMissing(name, among: source, at: chain.last?.location)
                return nil
            }
            return try resolved(name, of: source, chain: chain, known: &known, in: scope)
        }
        guard !refusesRemote(path, at: file.location, attribute: "extends") else { return nil }
        let absolute = resolution(from: source.directory, in: scope).path(path)
        let key = "\(scope.identity) \(absolute) \(name)"
        if let service = extended[key] { return service }
        let other = try self.source(absolute, named: file.location, in: scope)
        guard other.services.entry(name) != nil else {
            reportMissing(name, among: other, at: chain.last?.location)
            return nil
        }
        var knownThere: [String: ComposeNode] = [:]
        let service = try resolved(name, of: other, chain: chain, known: &knownThere, in: scope)
        extended[key] = service
        return service
    }

    private func source(
        _ path: String, named location: SourceLocation, in scope: ModelScope
    ) throws(DiagnosticList) -> ServiceSource {
        var services = ComposeMap()
        for document in try documents(of: path, at: location, in: scope) {
            guard let tree = document.map else { continue }
            let written = notation.file(tree)["services"]?.map ?? ComposeMap()
            services = merge.merged(services, written, by: .each(.service))
        }
        let folder = AbsolutePath.folder(of: path)
        return ServiceSource(file: path, services: services, pathBase: folder, directory: folder)
    }

    private func rebased(_ service: ComposeNode, of source: ServiceSource) -> ComposeNode {
        guard let base = source.pathBase else { return service }
        return PathResolution(base: base, home: request.environment["HOME"]).service(service)
    }

    /// Paths that start from a folder.
    func resolution(from base: String, in scope: ModelScope) -> PathResolution {
        PathResolution(base: base, home: request.environment["HOME"])
    }

    private func without(_ node: ComposeNode, _ key: String) -> ComposeNode {
        guard var map = node.map else { return node }
        map.remove(key)
        return node.with(.map(map))
    }

    private func reportMissing(_ name: String, among source: ServiceSource, at location: SourceLocation?) {
        findings.error(
            "SC2220", "there is no service `\(name)` to extend in \(shown(source.file))", at: location,
            hint: nearest(name, among: source.services.keys).map { "did you mean `\($0)`?" })
    }

    private func reportCycle(_ chain: [ExtendsStep]) {
        guard let first = chain.first else { return }
        let members = Set(chain.map { "\($0.file) \($0.service)" })
        guard circles.isDisjoint(with: members) else { return }
        circles.formUnion(members)
        let names = (chain + [first]).map { "`\($0.service)`" }.joined(separator: " extends ")
        findings.error(
            "SC2221", "services extend each other in a circle: \(names)", at: first.location,
            hint: "take one `extends` out",
            notes: chain.dropFirst().map { "`\($0.service)` extends at \($0.location)" })
    }
}
