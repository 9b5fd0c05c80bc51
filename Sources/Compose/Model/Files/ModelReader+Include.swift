import Diagnostics

/// One entry of `include`.
private struct Inclusion {
    /// The files, absolute, the later over the earlier ones.
    var paths: [String]
    /// Where its relative paths start from.
    var directory: String
    /// Its own `.env` files, absolute; nil takes the one of its directory.
    var environmentFiles: [String]?
    var location: SourceLocation
}

extension ModelReader {
    /// A tree with what it includes; names that both have are errors.
    func including(_ tree: ComposeMap, file: String, in scope: ModelScope) throws(DiagnosticList) -> ComposeMap {
        guard let list = tree["include"]?.list else { return tree }
        var result = tree
        var errors = ErrorCollection()
        result.remove("include")
        for element in list {
            guard let inclusion = inclusion(element, in: scope) else { continue }
            guard !isCircular(inclusion, file: file, in: scope) else { continue }
            errors.collect { () throws(DiagnosticList) in
                let model = try model(of: inclusion, from: file, in: scope)
                result = adding(model, to: result, from: inclusion)
            }
        }
        try errors.check()
        return result
    }

    private func inclusion(_ node: ComposeNode, in scope: ModelScope) -> Inclusion? {
        let named = node.string == nil ? node["path"] : node
        guard let named else { return nil }
        let resolution = resolution(from: scope.directory, in: scope)
        var paths: [String] = []
        for path in named.list ?? [named] {
            guard let text = path.text else { continue }
            guard !refusesRemote(text, at: path.location, attribute: "include") else { return nil }
            paths.append(resolution.path(text))
        }
        guard let first = paths.first else { return nil }
        let directory = node["project_directory"]?.text.map(resolution.path)
        let environmentFiles = node["env_file"].map { ($0.list ?? [$0]).compactMap(\.text).map(resolution.path) }
        return Inclusion(
            paths: paths, directory: directory ?? AbsolutePath.folder(of: first), environmentFiles: environmentFiles,
            location: named.location)
    }

    private func isCircular(_ inclusion: Inclusion, file: String, in scope: ModelScope) -> Bool {
        let chain = scope.includedFrom + [file]
        guard let path = inclusion.paths.first(where: chain.contains), let start = chain.firstIndex(of: path) else {
            return false
        }
        let names = (chain[start...] + [path]).map(shown).joined(separator: " includes ")
        findings.error(
            "SC2230", "files include each other in a circle: \(names)", at: inclusion.location,
            hint: "take one `include` out")
        return true
    }

    private func model(
        of inclusion: Inclusion, from file: String, in scope: ModelScope
    ) throws(DiagnosticList) -> ComposeMap {
        let environmentFiles = inclusion.environmentFiles.map { $0.joined(separator: "\n") } ?? "-"
        let key =
            "\(scope.identity)\n\(inclusion.directory)\n\(environmentFiles)\n"
            + inclusion.paths.joined(separator: "\n")
        if let known = includes[key] { return known }
        guard includes.count < includeLimit, scope.includedFrom.count < includeDepth else {
            let summary =
                includes.count < includeLimit
                ? "files include each other more than \(includeDepth) deep"
                : "more than \(includeLimit) files are included"
            throw DiagnosticList(Diagnostic(code: "SC2231", summary: summary, location: inclusion.location))
        }
        includes[key] = ComposeMap()
        var inner = ModelScope(directory: inclusion.directory, environment: scope.environment)
        inner.includedFrom = scope.includedFrom + [file]
        inner.environment = try environment(of: inclusion, over: scope.environment)
        inner.identity = inner.environment == scope.environment ? scope.identity : includes.count
        for path in inclusion.paths where request.texts[path] == nil && !files.exists(path) {
            throw missing(path, at: inclusion.location)
        }
        let model = ServiceDefaults().project(try model(of: inclusion.paths, in: inner))
        let resolved = resolution(from: inclusion.directory, in: inner).project(
            Self.withVariables(model, of: inner.environment))
        includes[key] = resolved
        return resolved
    }

    /// Variables without a value get the one that the inclusion's own environment has.
    private static func withVariables(_ model: ComposeMap, of environment: [String: String]) -> ComposeMap {
        guard let services = model["services"], let members = services.map else { return model }
        var result = model
        result["services"] = services.with(
            .map(
                members.mapValues { entry in
                    guard var service = entry.value.map, let variables = service["environment"],
                        let values = variables.map
                    else { return entry.value }
                    service["environment"] = variables.with(
                        .map(
                            values.mapValues { variable in
                                guard variable.value.isNull, let value = environment[variable.key] else {
                                    return variable.value
                                }
                                return variable.value.with(.string(value))
                            }))
                    return entry.value.with(.map(service))
                }))
        return result
    }

    /// The environment inside: what is known outside counts more than what its own files say.
    private func environment(
        of inclusion: Inclusion, over outer: [String: String]
    ) throws(DiagnosticList) -> [String: String] {
        let own = AbsolutePath.joined(inclusion.directory, ".env")
        let paths = inclusion.environmentFiles ?? (files.exists(own) ? [own] : [])
        return try environment(from: paths, under: outer, requiresAll: true, at: inclusion.location)
    }

    private func adding(_ model: ComposeMap, to tree: ComposeMap, from inclusion: Inclusion) -> ComposeMap {
        var result = tree
        for section in ["services", "networks", "volumes", "secrets", "configs", "models"] {
            guard let added = model[section], let members = added.map else { continue }
            var present = tree[section]?.map ?? ComposeMap()
            for entry in members.entries {
                guard let other = present.entry(entry.key) else {
                    present.set(entry)
                    continue
                }
                guard !other.value.isEquivalent(to: entry.value) else { continue }
                reportConflict(section, entry, other, inclusion)
            }
            result[section] = ComposeNode(.map(present), at: tree[section]?.location ?? added.location)
        }
        return result
    }

    private func reportConflict(
        _ section: String, _ entry: ComposeMap.Entry, _ other: ComposeMap.Entry, _ inclusion: Inclusion
    ) {
        findings.error(
            "SC2232", "`\(section).\(entry.key)` is declared here and in what is included", at: other.location,
            detail: "Nothing is merged with what is included.",
            hint: "give one another name, or change the included one in compose.override.yaml",
            notes: ["the other one is at \(entry.location)", "it is included at \(inclusion.location)"])
    }
}
