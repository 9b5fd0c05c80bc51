import Diagnostics

/// What is known of one side of a copy.
struct CopySide: Sendable, Equatable {
    /// The path as the user wrote it, cleaned of nothing.
    var path: String
    var exists = true
    var isDirectory = false

    /// Whether the path says that it is a directory: it ends in a slash, or in `/.`.
    var claimsDirectory: Bool { path.hasSuffix("/") || meansContents }

    /// Whether the path means what is in a directory, and not the directory: it ends in `/.`.
    var meansContents: Bool { path == "." || path.hasSuffix("/.") }

    /// The last name of the path; nil where it means the contents of a directory.
    var base: String? {
        guard !meansContents else { return nil }
        return LocalPath.clean(path).split(separator: "/").last.map(String.init)
    }

    /// The directory that the path is in.
    var parent: String {
        let clean = LocalPath.clean(path)
        if meansContents { return clean }
        let folder = clean.lastIndex(of: "/").map { String(clean[..<$0]) } ?? ""
        return folder.isEmpty ? "/" : folder
    }
}

/// Where the files of a copy go and what they are called there, by the rules of `docker cp` (which are those of
/// `cp -r`, with `/.` for the contents of a directory).
struct CopyPlan: Sendable, Equatable {
    /// The directory that the archive is unpacked in.
    let folder: String
    /// What the copied file or directory is called in it; nil puts the contents of a directory right into it.
    let name: String?

    /// - Parameter name: what the source is called, where that is not the last name of its path.
    /// - Throws: `Diagnostic` (SC0205) for what cannot be copied.
    init(from source: CopySide, to destination: CopySide, name given: String? = nil) throws(Diagnostic) {
        let name = given ?? source.base
        if destination.exists, destination.isDirectory {
            folder = LocalPath.clean(destination.path)
            self.name = name
            return
        }
        if destination.exists, source.isDirectory {
            throw Diagnostic(
                code: "SC0205", summary: "cannot copy directory",
                detail: "\(destination.path) is there, and is no directory", hint: "name a directory or a new path")
        }
        if !source.isDirectory, destination.claimsDirectory {
            throw Diagnostic(
                code: "SC0205", summary: "no such directory: \(destination.path)",
                hint: "make it first, or leave out the slash at the end for a file of that name")
        }
        // Rule of both: a new directory is called as the destination says, not as the source was.
        let target = CopySide(path: LocalPath.clean(destination.path))
        folder = target.parent
        self.name = target.base
    }
}
