import Diagnostics

/// Reads what `env_file` and `label_file` name into a service.
struct ServiceFiles {
    let reader: ModelReader
    let scope: ModelScope

    /// The service with its variables and labels, and what was wrong with the files.
    func filled(_ written: ComposeMap) -> (ComposeMap, [Diagnostic]) {
        var service = written
        var problems: [Diagnostic] = []
        if let files = service.remove("env_file")?.value {
            let own = service["environment"]?.map ?? ComposeMap()
            let fromFiles = variables(of: files.list ?? [], own: own, &problems)
            service["environment"] = merged(own, over: fromFiles, at: files.location)
        }
        if let files = service.remove("label_file")?.value {
            let own = service["labels"]?.map ?? ComposeMap()
            let fromFiles = labels(of: files.list ?? [], &problems)
            service["labels"] = merged(own, over: fromFiles, at: files.location)
        }
        if service["environment"]?.map?.isEmpty == true { service["environment"] = nil }
        return (service, problems)
    }

    private func merged(_ own: ComposeMap, over base: ComposeMap, at location: SourceLocation) -> ComposeNode {
        var result = base
        for entry in own.entries { result.set(entry) }
        return ComposeNode(.map(result), at: location)
    }

    /// What the files say; a name alone that has no value takes away what an earlier file says, and no more.
    private func variables(
        of files: [ComposeNode], own: ComposeMap, _ problems: inout [Diagnostic]
    ) -> ComposeMap {
        var result = ComposeMap()
        for file in files {
            guard let path = file["path"]?.string else { continue }
            let location = file["path"]?.location ?? file.location
            do {
                let absolute = reader.resolution(from: scope.directory, in: scope).path(path)
                guard let bytes = try reader.bytes(of: absolute, at: location) else {
                    if file["required"]?.bool != false { problems.append(missing(path, "env_file", at: location)) }
                    continue
                }
                let format = file["format"]?.string
                let parsed = try reader.variables(in: bytes, of: path, format: format) { name in
                    scope.environment[name] ?? own[name]?.string ?? result[name]?.string
                }
                for entry in parsed.entries { result.set(entry) }
            } catch {
                problems += error.diagnostics
            }
        }
        return result.mapValues { $0.value.isNull ? nil : $0.value }
    }

    private func labels(of files: [ComposeNode], _ problems: inout [Diagnostic]) -> ComposeMap {
        var result = ComposeMap()
        for file in files {
            guard let path = file.string else { continue }
            do {
                let absolute = reader.resolution(from: scope.directory, in: scope).path(path)
                guard let bytes = try reader.bytes(of: absolute, at: file.location) else {
                    problems.append(missing(path, "label_file", at: file.location))
                    continue
                }
                let parsed = try reader.variables(in: bytes, of: path, format: nil) { result[$0]?.string }
                for entry in parsed.entries { result.set(entry) }
            } catch {
                problems += error.diagnostics
            }
        }
        return result
    }

    private func missing(_ path: String, _ attribute: String, at location: SourceLocation) -> Diagnostic {
        Diagnostic(
            code: "SC2236", summary: "the file \(reader.shown(path)) of `\(attribute)` is not there",
            hint: attribute == "env_file" ? "make it, or write `required: false` beside its path" : "make it",
            location: location)
    }
}
