import Linux

/// Paths in a tree of files: bytes, components joined by `/`, without one in front or at the end; empty for the root.
enum TreePath {
    private static let slash = UInt8(ascii: "/")
    private static let dot = [UInt8(ascii: ".")]
    private static let up = [UInt8(ascii: "."), UInt8(ascii: ".")]
    /// As many as BuildKit follows.
    private static let linkLimit = 255

    /// The components as they are, `.` and `..` included.
    static func components(_ path: [UInt8]) -> [[UInt8]] { path.split(separator: slash).map { Array($0) } }

    /// The path without `.` and `..`, which do not lead above the root; no link is looked at.
    static func clean(_ path: [UInt8]) -> [UInt8] {
        var result: [[UInt8]] = []
        for component in components(path) where component != dot {
            if component == up { _ = result.popLast() } else { result.append(component) }
        }
        return Array(result.joined(separator: [slash]))
    }

    static func clean(_ path: String) -> [UInt8] { clean(Array(path.utf8)) }

    static func join(_ directory: [UInt8], _ name: [UInt8]) -> [UInt8] {
        if directory.isEmpty { return name }
        return name.isEmpty ? directory : directory + [slash] + name
    }

    static func parent(_ path: [UInt8]) -> [UInt8] { path.lastIndex(of: slash).map { Array(path[..<$0]) } ?? [] }

    static func name(_ path: [UInt8]) -> [UInt8] { path.lastIndex(of: slash).map { Array(path[($0 + 1)...]) } ?? path }

    /// The path for people, from the root.
    static func shown(_ path: [UInt8]) -> String { "/" + String(decoding: path, as: UTF8.self) }

    /// Resolves links in a clean path as a process whose root this is would; what is not there is kept as it is.
    ///
    /// - Parameters:
    ///   - base: what absolute links and `..` do not lead out of; a directory without links.
    ///   - link: what the link at a path says; nil where there is none.
    /// - Throws: `ELOOP` after 255 links, and what `link` throws.
    static func resolve(
        _ path: [UInt8], in base: [UInt8] = [], followsLast: Bool = true, link: ([UInt8]) throws -> [UInt8]?
    ) throws -> [UInt8] {
        var rest = Array(components(path).reversed())
        var done: [[UInt8]] = []
        var links = 0
        while let next = rest.popLast() {
            if next == dot { continue }
            if next == up {
                _ = done.popLast()
                continue
            }
            let candidate = join(base, Array((done + [next]).joined(separator: [slash])))
            if !rest.isEmpty || followsLast, let target = try link(candidate) {
                links += 1
                guard links <= linkLimit else {
                    throw SystemError(call: "open", errno: .ELOOP, subject: shown(path))
                }
                if target.first == slash { done = [] }
                rest.append(contentsOf: components(target).reversed())
            } else {
                done.append(next)
            }
        }
        return join(base, Array(done.joined(separator: [slash])))
    }
}
