import Diagnostics

/// Which files make up a project, where it is, and what its variables are.
package struct ComposeFileSearch {
    /// What was found.
    struct Result {
        /// Absolute, the later ones override the earlier ones.
        var files: [String]
        /// Where relative paths start from.
        var directory: String
        /// The files of variables that are there.
        var environmentFiles: [String]
        /// The caller's environment over what those say.
        var environment: [String: String]
    }

    let request: ComposeRequest
    let files: any ComposeFiles
    let reader: ModelReader

    /// The files that make a folder a project; of several the first one counts.
    package static let names = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"]
    /// The files that go over such a one; of several the first one counts.
    package static let overrides = [
        "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
    ]

    init(_ request: ComposeRequest, files: any ComposeFiles, reader: ModelReader) {
        self.request = request
        self.files = files
        self.reader = reader
    }

    /// Looks.
    func result() throws(DiagnosticList) -> Result {
        let named = request.files.first { $0 != "-" }.map { AbsolutePath.folder(of: $0) }
        let start = request.projectDirectory ?? named ?? request.workingDirectory
        let (variables, environment) = try environment(of: start, under: request.environment)
        let found = try composeFiles(from: start, environment)
        let directory =
            request.projectDirectory
            ?? found.first.map { $0 == "-" ? request.workingDirectory : AbsolutePath.folder(of: $0) } ?? start
        var result = Result(files: found, directory: directory, environmentFiles: variables, environment: environment)
        if directory != start, !hasNamedFiles {
            // Where the user is goes before where the project is.
            let (more, whole) = try self.environment(of: directory, under: environment)
            result.environmentFiles += more
            result.environment = whole
        }
        return result
    }

    private var hasNamedFiles: Bool {
        request.environmentFiles != nil || request.environment["COMPOSE_ENV_FILES"]?.isEmpty == false
    }

    /// The files of variables for a folder, and the environment with them.
    private func environment(
        of folder: String, under outer: [String: String]
    ) throws(DiagnosticList) -> ([String], [String: String]) {
        var named = request.environmentFiles
        if named == nil, let list = request.environment["COMPOSE_ENV_FILES"], !list.isEmpty {
            named = list.split(separator: ",").map { AbsolutePath.joined(request.workingDirectory, String($0)) }
        }
        if let named {
            return (named, try reader.environment(from: named, under: outer, requiresAll: true, at: nil))
        }
        let usual = AbsolutePath.joined(folder, ".env")
        guard !isSet("COMPOSE_DISABLE_ENV_FILE"), files.exists(usual) else { return ([], outer) }
        do {
            _ = try files.read(usual)
        } catch {
            reader.findings.warning(
                "SC2218", "no variables are taken from \(reader.shown(usual)), which \(error.reason)", at: nil)
            return ([], outer)
        }
        return ([usual], try reader.environment(from: [usual], under: outer, requiresAll: true, at: nil))
    }

    private func isSet(_ variable: String) -> Bool {
        ["1", "true", "yes", "y", "t"].contains((request.environment[variable] ?? "").lowercased())
    }

    private func composeFiles(
        from start: String, _ environment: [String: String]
    ) throws(DiagnosticList) -> [String] {
        if !request.files.isEmpty { return request.files }
        if let list = environment["COMPOSE_FILE"], !list.isEmpty {
            let separator = environment["COMPOSE_PATH_SEPARATOR"].flatMap { $0.isEmpty ? nil : $0 } ?? ":"
            return list.split(separator: separator).map { $0 == "-" ? "-" : AbsolutePath.joined(start, String($0)) }
        }
        var folder = start
        while true {
            if let file = first(of: Self.names, in: folder) {
                return [file] + (first(of: Self.overrides, in: folder).map { [$0] } ?? [])
            }
            guard folder != "/" else { break }
            folder = AbsolutePath.folder(of: folder)
        }
        throw DiagnosticList(
            Diagnostic(
                code: "SC2213", summary: "there is no compose file in \(start) or above it",
                detail: "Looked for \(Self.names.joined(separator: ", ")).",
                hint: "go to the project's folder, or name the file with -f"))
    }

    private func first(of names: [String], in folder: String) -> String? {
        let there = names.map { AbsolutePath.joined(folder, $0) }.filter(files.exists)
        if there.count > 1, let used = there.first {
            let others = there.dropFirst().map(AbsolutePath.name).joined(separator: ", ")
            reader.findings.warning(
                "SC2214", "\(AbsolutePath.name(of: used)) is used, and not \(others) beside it", at: nil,
                hint: "delete what is not meant, or name one with -f")
        }
        return there.first
    }
}
