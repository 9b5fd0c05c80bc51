import Diagnostics

/// Loads a compose project: every pass from text to canonical form.
package struct ComposeLoader: Sendable {
    package let request: ComposeRequest
    package let files: any ComposeFiles

    package init(_ request: ComposeRequest, files: any ComposeFiles) {
        self.request = request
        self.files = files
    }

    /// The project.
    ///
    /// - Throws: everything that is wrong with it, with file, line and column.
    package func load() throws(DiagnosticList) -> ComposeProject {
        let findings = Findings()
        let reader = ModelReader(request, files: files, findings: findings)
        let search = try ComposeFileSearch(request, files: files, reader: reader).result()
        let naming = ProjectNaming(request, reader: reader)
        var name = try naming.name(for: search)
        var scope = ModelScope(directory: search.directory, environment: search.environment)
        scope.environment["COMPOSE_PROJECT_NAME"] = name
        var model = try self.model(of: search.files, in: scope, reader)
        if let written = try naming.overlooked(in: model, search), written != name {
            name = written
            scope.environment["COMPOSE_PROJECT_NAME"] = name
            scope.identity = -1
            model = try self.model(of: search.files, in: scope, reader)
        }
        guard !model.isEmpty else {
            let shown = search.files.map(reader.shown).joined(separator: ", ")
            let place = search.files.first.map { SourceLocation(file: reader.shown($0), line: 1, column: 1) }
            throw DiagnosticList(
                Diagnostic(
                    code: "SC2219", summary: "\(shown) says nothing", hint: "write `services:` and what runs",
                    location: place))
        }
        let place = model.entries.first?.location ?? SourceLocation(file: search.files.first ?? "", line: 1)
        ComposeSchema.problems(in: ComposeNode(.map(model), at: place)).forEach(findings.add)

        var project = ComposeProject(name: name, directory: search.directory, files: search.files)
        project.environmentFiles = search.environmentFiles
        project.environment = scope.environment
        project.profiles = profiles(scope.environment)
        try ProjectNormalization(request, reader: reader, scope: scope).fill(&project, with: model)
        project.checksConsistency = request.checksConsistency
        if request.checksConsistency {
            ProjectConsistency(project, findings: findings).check(project.services.keys)
        }
        try findings.check()
        project.diagnostics = findings.diagnostics
        project.dropUnused(unless: request.keepsUnusedResources)
        return project
    }

    /// The merged files.
    ///
    /// - Throws: what keeps them from being read, and everything found until then.
    private func model(
        of files: [String], in scope: ModelScope, _ reader: ModelReader
    ) throws(DiagnosticList) -> ComposeMap {
        do {
            let model = try reader.model(of: files, in: scope)
            try reader.findings.check()
            return model
        } catch {
            error.diagnostics.forEach(reader.findings.add)
            throw DiagnosticList(reader.findings.diagnostics)
        }
    }

    /// `--profile`, or else COMPOSE_PROFILES.
    private func profiles(_ environment: [String: String]) -> [String] {
        guard request.profiles.isEmpty else { return request.profiles }
        return (environment["COMPOSE_PROFILES"] ?? "").split(separator: ",")
            .map { String($0.trimming { $0 == " " }) }.filter { !$0.isEmpty }
    }
}

extension Substring {
    /// Without characters of a kind at both ends.
    func trimming(_ isCut: (Character) -> Bool) -> Substring {
        var rest = drop(while: isCut)
        while let last = rest.last, isCut(last) { rest.removeLast() }
        return rest
    }
}
