import Diagnostics
import YAMLText

/// Reads one compose file: YAML, merge keys, variables, the schema.
package struct ComposeFileReader: Sendable {
    /// The most errors that are collected: nobody reads more.
    static let maximumErrors = 1000

    private let interpolation: Interpolation

    package init(interpolation: Interpolation) { self.interpolation = interpolation }

    /// The documents of a file, each a map whose values have the types the schema wants.
    ///
    /// They are to be merged in order like files of their own. An empty file has none. An attribute without a value is
    /// let through, since it changes nothing of other files; `ComposeSchema.problems` sees it where it is left.
    ///
    /// - Throws: everything that is wrong with it: a YAML error alone, else all errors of values and attributes.
    package func read(
        _ bytes: [UInt8], file: String
    ) throws(DiagnosticList) -> (documents: [ComposeNode], warnings: [Diagnostic]) {
        var (documents, numbers) = try ComposeTreeReader.documentsAndNumbers(bytes, file: file)
        let rewritten = RewrittenNumbers(numbers).warnings(documents)
        var replacement = TreeInterpolation(interpolation)
        if interpolation.replaces { for position in documents.indices { replacement.replace(&documents[position]) } }
        var schema = SchemaCheck(.file, allowsVariables: !interpolation.replaces, unreplaced: replacement.places)
        var version: ComposeMap.Entry?
        for position in documents.indices {
            schema.check(&documents[position], ComposeSchema.file)
            version = version ?? documents[position].map?.entry("version")
        }
        let errors = replacement.errors + schema.errors
        guard errors.isEmpty else {
            throw DiagnosticList(Array(DiagnosticList(errors).inOrderOfPlaces.prefix(Self.maximumErrors)))
        }
        return (
            documents, replacement.warnings + schema.warnings + rewritten + (version.map { [Self.obsolete($0)] } ?? [])
        )
    }

    private static func obsolete(_ version: ComposeMap.Entry) -> Diagnostic {
        Diagnostic(
            severity: .warning, code: "SC2029", summary: "the attribute `version` is obsolete and has no effect",
            hint: "remove the line", location: version.location)
    }
}

extension DiagnosticList {
    /// The diagnostics of one file in the order of their places.
    fileprivate var inOrderOfPlaces: [Diagnostic] {
        func place(_ diagnostic: Diagnostic) -> (Int, Int) {
            (diagnostic.location?.line ?? 0, diagnostic.location?.column ?? 0)
        }
        return diagnostics.enumerated().sorted { left, right in
            let (leftPlace, rightPlace) = (place(left.element), place(right.element))
            return leftPlace == rightPlace ? left.offset < right.offset : leftPlace < rightPlace
        }.map(\.element)
    }
}

/// What compose files may say.
package enum ComposeSchema {
    /// What is wrong with a model that is merged from all its files, in the order of the tree.
    ///
    /// Beyond what each file is checked for: what only the whole must have, and what excludes each other.
    package static func problems(in root: ComposeNode) -> [Diagnostic] {
        var root = root
        var check = SchemaCheck(.model, allowsVariables: true)
        check.check(&root, file)
        return check.errors
    }
}
