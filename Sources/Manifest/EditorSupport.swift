import JSONText
import Linux

/// What sourcekit-lsp needs to complete and check a stack: a compilation database with all files of the folder.
///
/// A `Package.swift` would need a published package, and the flags of `.sourcekit-lsp/config.json` reach one file at a
/// time, so that a stack of several files would show errors that are none.
package enum EditorSupport {
    /// The database's file in the folder.
    ///
    /// It names this machine's paths and is not for version control.
    package static let fileName = "compile_commands.json"

    /// The database for a folder with these sources.
    package static func compileCommands(
        directory: String, sources: [String], installation: ManifestInstallation
    ) -> String {
        let flags = [
            "swiftc", "-module-name", "Manifest", "-parse-as-library", "-swift-version", "6", "-I",
            installation.modules,
        ]
        let arguments = JSONValue.array((flags + sources).map { .string($0) })
        let entries = sources.map { source -> JSONValue in
            ["directory": .string(directory), "file": .string(source), "arguments": arguments]
        }
        return JSONValue.array(entries).serialized(.pretty) + "\n"
    }

    /// Brings the database of a folder up to date, in folders made by `stackctl init`: those whose `.gitignore` names it.
    ///
    /// It is a convenience: a folder that cannot be written stays as it is.
    static func refresh(_ folder: StackFolder, installation: ManifestInstallation) {
        let ignored = (try? Files.readText(folder.absolutePath + "/.gitignore", limit: 1 << 20)) ?? ""
        guard ignored.split(separator: "\n").contains(Substring(fileName)) else { return }
        let path = "\(folder.absolutePath)/\(fileName)"
        let text = compileCommands(
            directory: folder.absolutePath, sources: folder.sources.map(\.relativePath), installation: installation)
        if (try? Files.readText(path, limit: 8 << 20)) == text { return }
        try? Files.writeAtomically(path, Array(text.utf8), fsync: false)
    }
}
