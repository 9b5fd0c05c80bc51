import Diagnostics

/// What files of one part of a project share: the project itself, or something included.
struct ModelScope: Sendable {
    /// Where relative paths start from.
    var directory: String
    /// The environment of interpolation.
    var environment: [String: String]
    /// Tells scopes with different environments apart.
    var identity = 0
    /// The files whose `include` led here, the outermost first.
    var includedFrom: [String] = []
}

/// Reads files to one tree in long notation: `include`, `extends`, and one file over the other.
final class ModelReader {
    let request: ComposeRequest
    let files: any ComposeFiles
    let findings: Findings
    let notation: LongNotation
    let merge: ComposeMerge

    /// Parsed files: one that is extended a hundred times is read once.
    private var documents: [String: [ComposeNode]] = [:]
    /// The first of what is wrong with files, which stands for the rest once that has been told.
    private var failures: [String: DiagnosticList] = [:]
    /// Included models by what they are made of.
    var includes: [String: ComposeMap] = [:]
    /// How many different ones there may be.
    let includeLimit = 500
    /// How deep they may lie in each other.
    let includeDepth = 50
    /// Services that extend others, resolved, by file and name.
    var extended: [String: ComposeNode] = [:]
    /// The services of circles that are reported.
    var circles: Set<String> = []
    /// How many services one may extend, one through the other.
    let extendsLimit = 100

    init(_ request: ComposeRequest, files: any ComposeFiles, findings: Findings) {
        self.request = request
        self.files = files
        self.findings = findings
        notation = LongNotation(findings: findings, isLenient: !request.interpolates)
        merge = ComposeMerge(findings: findings)
    }

    /// The files merged, the later over the earlier ones, with what they include; paths are as written, but for those
    /// of what comes from elsewhere.
    func model(of paths: [String], in scope: ModelScope) throws(DiagnosticList) -> ComposeMap {
        try check(paths, in: scope)
        var model = ComposeMap()
        var errors = ErrorCollection()
        for path in paths {
            for document in try documents(of: path, at: nil, in: scope) {
                guard let written = document.map else { continue }
                errors.collect { () throws(DiagnosticList) in
                    var tree = notation.file(written)
                    tree = try including(tree, file: path, in: scope)
                    tree = try extending(tree, file: path, in: scope)
                    let merged = merge.merged(model, tree, by: .project)
                    model = merge.settled(ComposeNode(.map(merged), at: document.location), by: .project).map ?? merged
                }
            }
        }
        try errors.check()
        return model
    }

    /// Makes sure that all files can be read.
    ///
    /// - Throws: what is wrong with any of them, not only with the first.
    private func check(_ paths: [String], in scope: ModelScope) throws(DiagnosticList) {
        guard paths.count > 1 else { return }
        var errors = ErrorCollection()
        for path in paths {
            errors.collect { () throws(DiagnosticList) in _ = try documents(of: path, at: nil, in: scope) }
        }
        try errors.check()
    }

    /// The documents of a file, interpolated and checked against the schema.
    ///
    /// - Parameter location: where it is named, for when it is not there.
    func documents(
        of path: String, at location: SourceLocation?, in scope: ModelScope
    ) throws(DiagnosticList) -> [ComposeNode] {
        let key = "\(scope.identity) \(path)"
        if let known = documents[key] { return known }
        if let known = failures[key] { throw known }
        guard let bytes = try bytes(of: path, at: location) else {
            throw missing(path, at: location)
        }
        let interpolation = Interpolation(environment: scope.environment, replaces: request.interpolates)
        let read: (documents: [ComposeNode], warnings: [Diagnostic])
        do {
            read = try ComposeFileReader(interpolation: interpolation).read(bytes, file: shown(path))
        } catch {
            failures[key] = DiagnosticList(Array(error.diagnostics.prefix(1)))
            throw error
        }
        for warning in read.warnings { findings.add(warning) }
        documents[key] = read.documents
        return read.documents
    }

    /// What is said where a file is named that is not there.
    func missing(_ path: String, at location: SourceLocation?) -> DiagnosticList {
        DiagnosticList(
            Diagnostic(
                code: "SC2210", summary: "there is no file \(shown(path))", hint: "make it, or correct the path",
                location: location))
    }

    /// The bytes of a file; nil where there is none.
    func bytes(of path: String, at location: SourceLocation?) throws(DiagnosticList) -> [UInt8]? {
        if let text = request.texts[path] { return text }
        do {
            return try files.read(path)
        } catch {
            throw DiagnosticList(
                Diagnostic(code: "SC2211", summary: "\(shown(path)) \(error.reason)", location: location))
        }
    }

    /// A path as the user would name it.
    func shown(_ path: String) -> String {
        path == "-" ? "standard input" : AbsolutePath.shown(path, from: request.workingDirectory)
    }

    /// Whether a path of `include` or `extends` is none of this host; that is reported.
    func refusesRemote(_ path: String, at location: SourceLocation, attribute: String) -> Bool {
        let isRemote =
            path.contains("://") || path.hasPrefix("git@") || path.hasPrefix("oci:") || path.hasPrefix("github.com/")
        guard isRemote else { return false }
        findings.error(
            "SC2212", "`\(attribute)` of `\(path)` is not supported: only files of this host are read", at: location,
            hint: "fetch it first, and name the local file")
        return true
    }
}
