import Diagnostics
import Linux
import Manifest

/// The files that belong to an installation, found beside the running program.
enum ToolFiles {
    /// What manifests are compiled against and run with.
    ///
    /// - Throws: a `DiagnosticList` that names what is missing.
    static func manifestInstallation() throws -> ManifestInstallation {
        try ManifestInstallation.find(executableDirectory: parent(of: try CurrentProcess.executablePath()))
    }

    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// The path of `stack-init`: beside the program, or in `../lib/stackctl` of an installed tree.
    ///
    /// - Throws: a `Diagnostic` that says where it was looked for.
    static func initBinary(beside executable: String) throws(Diagnostic) -> String {
        let folder = parent(of: executable)
        let candidates = [folder + "/stack-init", parent(of: folder) + "/lib/stackctl/stack-init"]
        for candidate in candidates where Files.exists(candidate) { return candidate }
        throw Diagnostic(
            code: "SC0118", summary: "stack-init, which starts containers, is not beside stackctl",
            detail: "looked for " + candidates.joined(separator: " and "),
            hint: "build it with `make build`, or install the whole tree with `make install`")
    }
}
