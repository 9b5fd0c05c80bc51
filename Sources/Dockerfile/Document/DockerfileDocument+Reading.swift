import Diagnostics

extension DockerfileDocument {
    /// Reads a Dockerfile.
    ///
    /// - Parameters:
    ///   - bytes: the file.
    ///   - name: what the user calls it.
    /// - Throws: what makes no sense, each with its place and the lines there; at most ten.
    package init(reading bytes: [UInt8], name: String) throws(DiagnosticList) {
        let source: SourceText
        do throws(SourceFault) {
            source = try SourceText(bytes)
        } catch {
            throw DiagnosticList(error.diagnostic(name: name, lines: []))
        }
        var reader = DocumentReader(source, name: name)
        reader.read()
        if reader.faults.isEmpty, let fault = Self.foreignSyntax(reader.document) { throw DiagnosticList(fault) }
        guard reader.faults.isEmpty else {
            throw DiagnosticList(reader.faults.map { $0.diagnostic(name: name, lines: reader.document.lines) })
        }
        self = reader.document
    }

    /// A diagnostic where another front end is asked for than the one that is built in.
    private static func foreignSyntax(_ document: DockerfileDocument) -> Diagnostic? {
        guard let syntax = document.directives.syntax, !isBuiltIn(syntax) else { return nil }
        let line = document.lines.firstIndex { $0.lowercased().contains("syntax") }.map { $0 + 1 } ?? 1
        return SourceFault(
            "the front end \(syntax) cannot be run", line: line, column: 1,
            length: document.lines.indices.contains(line - 1) ? document.lines[line - 1].count : 1,
            hint: "only docker/dockerfile is built in; leave the syntax directive out, or give docker/dockerfile:1"
        ).diagnostic(name: document.name, lines: document.lines)
    }

    /// Whether a front end is the one whose language is built in: `docker/dockerfile` and its upstream, any version.
    package static func isBuiltIn(_ syntax: String) -> Bool {
        var name = syntax[...]
        if let at = name.firstIndex(of: "@") { name = name[..<at] }
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") { name = name[..<colon] }
        for host in ["docker.io/", "index.docker.io/", "registry-1.docker.io/"] where name.hasPrefix(host) {
            name = name.dropFirst(host.count)
            break
        }
        return name == "docker/dockerfile" || name == "docker/dockerfile-upstream"
    }
}
