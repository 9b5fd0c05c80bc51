/// A pattern of paths by the rules of Go's `filepath.Match`, in which `**` also crosses directories unless that is not
/// wanted.
///
/// `*` is any characters but `/`, `?` one character but `/`, `[a-z]` and `[^a-z]` one of a set, a backslash takes the
/// meaning of the character after it; `**` is any number of directories. What COPY's wildcards, `--parents` and
/// `--exclude` mean.
///
/// Source: Go, `path/filepath`; moby/patternmatcher.
package struct GoPathPattern: Sendable, Hashable, CustomStringConvertible {
    /// The pattern as it was given.
    package let description: String
    private let program: PathProgram

    /// Reads a pattern; nil where it is malformed (`filepath.ErrBadPattern`).
    ///
    /// - Parameter crossesDirectories: whether `**` crosses `/`; in `filepath.Match` itself, by which names of images are
    ///   filtered, it is two stars.
    package init?(_ text: String, crossesDirectories: Bool = true) {
        guard let program = try? PathProgram(text.utf8, crossesDirectories: crossesDirectories) else { return nil }
        self.program = program
        description = text
    }

    /// Whether there is no wildcard in it: it matches one path only.
    package var isLiteral: Bool { program.isLiteral }

    /// Whether a path without a slash at its start matches, as a whole.
    package func matches(_ path: String) -> Bool { program.matches(path.utf8Span.span) }

    /// Whether a path matches, as a whole.
    package func matches(_ path: Span<UInt8>) -> Bool { program.matches(path) }

    /// Whether the path or a directory above it matches.
    package func matchesPathOrParent(_ path: Span<UInt8>) -> Bool { program.matches(path, .pathOrParent) }

    /// Whether something below the directory can match.
    package func mayMatchBelow(_ directory: Span<UInt8>) -> Bool { program.matches(directory, .below) }

    /// Whether a path of COPY is a pattern.
    package static func isPattern(_ path: String) -> Bool {
        var isEscaped = false
        for byte in path.utf8 {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch byte {
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["): return true
            case UInt8(ascii: "\\"): isEscaped = true
            default: break
            }
        }
        return false
    }
}
