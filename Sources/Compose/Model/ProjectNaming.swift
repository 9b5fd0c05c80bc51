import Diagnostics

/// Finds a project's name: what was asked for, what its files say, or its folder.
struct ProjectNaming {
    let request: ComposeRequest
    let reader: ModelReader

    init(_ request: ComposeRequest, reader: ModelReader) {
        self.request = request
        self.reader = reader
    }

    /// The name.
    ///
    /// It has to be known before the files are interpolated, since they may refer to COMPOSE_PROJECT_NAME.
    func name(for search: ComposeFileSearch.Result) throws(DiagnosticList) -> String {
        if let name = request.projectName, !name.isEmpty { return try valid(name, source: "--project-name") }
        if let name = search.environment["COMPOSE_PROJECT_NAME"], !name.isEmpty {
            return try valid(name, source: "COMPOSE_PROJECT_NAME")
        }
        if let name = try written(in: search) { return name }
        let name = ProjectName.normalized(AbsolutePath.name(of: search.directory))
        guard !name.isEmpty else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC2216", summary: "the folder \(search.directory) gives the project no name",
                    hint: "name it with -p, or by `name:` in the file"))
        }
        return name
    }

    /// The name that files have in another form than a line of its own, such as JSON; nil where one was asked for.
    func overlooked(in model: ComposeMap, _ search: ComposeFileSearch.Result) throws(DiagnosticList) -> String? {
        let isAsked = request.projectName?.isEmpty == false
        guard !isAsked, search.environment["COMPOSE_PROJECT_NAME"]?.isEmpty ?? true, request.interpolates,
            let node = model["name"], let text = node.text, !text.isEmpty
        else { return nil }
        return try valid(text, source: "`name`", at: node.location)
    }

    private func valid(
        _ name: String, source: String, at location: SourceLocation? = nil
    ) throws(DiagnosticList) -> String {
        guard !ProjectName.isValid(name) else { return name }
        let fit = ProjectName.normalized(name)
        throw DiagnosticList(
            Diagnostic(
                code: "SC2215", summary: "`\(name)` cannot be a project's name",
                detail: "\(source) has it. A name has lower case letters, digits, - and _, and begins with a letter or "
                    + "a digit.",
                hint: fit.isEmpty ? nil : "use `\(fit)`", location: location))
    }

    /// The last file's `name`, interpolated.
    private func written(in search: ComposeFileSearch.Result) throws(DiagnosticList) -> String? {
        var name: String?
        for path in search.files {
            guard let bytes = try reader.bytes(of: path, at: nil), let line = Self.nameLine(of: bytes) else { continue }
            let interpolation = Interpolation(environment: search.environment, replaces: request.interpolates)
            let alone = Self.padded(line.bytes, by: line.number)
            // What is wrong with the line is said when the whole file is read.
            guard let read = try? ComposeFileReader(interpolation: interpolation).read(alone, file: reader.shown(path))
            else { continue }
            guard let node = read.documents.first?["name"], let text = node.text, !text.isEmpty else { continue }
            let isValid = ProjectName.isValid(text) || !request.interpolates
            name = isValid ? text : try valid(text, source: "`name`", at: node.location)
        }
        return name
    }

    /// The line at the left margin that begins with `name:`.
    private static func nameLine(of bytes: [UInt8]) -> (bytes: ArraySlice<UInt8>, number: Int)? {
        var number = 0
        var found: (ArraySlice<UInt8>, Int)?
        let word = Array("name:".utf8)
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.starts(with: word) { found = (line, number) }
            number += 1
        }
        return found
    }

    /// The line at its place in the file, so that what is said about it names that.
    private static func padded(_ line: ArraySlice<UInt8>, by lines: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(ascii: "\n"), count: lines) + line + [UInt8(ascii: "\n")]
    }
}
