/// Paths as Go's `path` package treats them: with slashes, nothing looked up.
package enum GoPath {
    /// The shortest path that means the same: no `.`, no `..` after a name, no double slash; `.` for nothing.
    ///
    /// Source: Go, `path.Clean`.
    package static func clean(_ path: String) -> String {
        let isRooted = path.utf8.first == UInt8(ascii: "/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            guard part == ".." else {
                parts.append(part)
                continue
            }
            if let last = parts.last, last != ".." {
                parts.removeLast()
            } else if !isRooted {
                parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        if isRooted { return "/" + joined }
        return joined.isEmpty ? "." : joined
    }

    /// The last name of a path; `/` of the root, `.` of nothing.
    ///
    /// Source: Go, `path.Base`.
    package static func base(_ path: String) -> String {
        if path.isEmpty { return "." }
        return path.split(separator: "/").last.map(String.init) ?? "/"
    }

    /// Joins and cleans; empty parts do not count.
    package static func join(_ parts: String...) -> String {
        let wanted = parts.filter { !$0.isEmpty }
        return wanted.isEmpty ? "" : clean(wanted.joined(separator: "/"))
    }
}
