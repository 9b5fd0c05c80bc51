import Dockerfile

/// Patterns that paths in a tree match, or that leave them out: those of `.dockerignore`, `--exclude`, `--parents`.
struct PathRules: Sendable {
    private let rules: IgnoreRules

    /// Why a text is no pattern.
    struct Malformed: Error, Hashable { let pattern: String }

    init(_ patterns: [String]) throws(Malformed) { try self.init(IgnoreRules(patterns: patterns)) }

    /// The lines of a `.dockerignore`, comments among them.
    init(lines: [String]) throws(Malformed) {
        try self.init(lines.isEmpty ? IgnoreRules() : IgnoreRules(Array(lines.joined(separator: "\n").utf8)))
    }

    private init(_ rules: IgnoreRules) throws(Malformed) {
        self.rules = rules
        if let pattern = rules.malformed.first { throw Malformed(pattern: pattern) }
    }

    /// Whether a pattern fits the path or a directory above it, and no exception takes it back.
    func match(_ path: [UInt8]) -> Bool { !rules.isEmpty && rules.excludes(path.span) }

    /// Whether an exception may take back something below a directory.
    func mayTakeBack(below directory: [UInt8]) -> Bool {
        rules.hasExceptions && rules.mayContainIncluded(directory.span)
    }
}
