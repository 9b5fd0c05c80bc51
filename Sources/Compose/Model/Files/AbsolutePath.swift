/// Paths of compose files as texts; nothing is asked of the host.
enum AbsolutePath {
    /// A path from a folder, without `.`, `..` and doubled separators; absolute paths stay.
    static func joined(_ folder: String, _ path: String) -> String {
        normalized(path.hasPrefix("/") ? path : folder + "/" + path)
    }

    /// Without `.`, `..` and doubled separators.
    static func normalized(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The folder a path is in.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// The last part of a path.
    static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? ""
    }

    /// A path as somebody in a folder names it: relative where it lies below.
    static func shown(_ path: String, from folder: String) -> String {
        let prefix = folder == "/" ? "/" : folder + "/"
        guard path.hasPrefix(prefix), path.utf8.count > prefix.utf8.count else { return path }
        return String(path.dropFirst(prefix.count))
    }
}
