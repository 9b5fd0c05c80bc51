import Diagnostics
import Linux

/// Where the parts are that manifests are compiled against and run with.
package struct ManifestInstallation: Sendable, Hashable {
    /// The directory of `StackDSL.swiftmodule`.
    package var modules: String
    /// The directory of `libStackDSL.so`.
    package var libraries: String
    /// The program that loads a compiled manifest.
    package var loader: String

    /// Parts at known places.
    package init(modules: String, libraries: String, loader: String) {
        self.modules = modules
        self.libraries = libraries
        self.loader = loader
    }

    /// Looks beside a running binary: `PREFIX/bin` with `PREFIX/lib/stackctl`, or SwiftPM's build directory.
    ///
    /// - Throws: `DiagnosticList` that names what is missing and where it was looked for.
    package static func find(executableDirectory directory: String) throws(DiagnosticList) -> ManifestInstallation {
        let installed = parent(of: directory) + "/lib/stackctl"
        let candidates = [
            ManifestInstallation(modules: installed, libraries: installed, loader: installed + "/stack-manifest"),
            ManifestInstallation(
                modules: directory + "/Modules", libraries: directory, loader: directory + "/stack-manifest"),
        ]
        for candidate in candidates where candidate.missing.isEmpty { return candidate }
        let nearest = candidates.min { $0.missing.count < $1.missing.count } ?? candidates[0]
        throw DiagnosticList(
            Diagnostic(
                code: "SC1210", summary: "the parts that manifests need are not installed beside stackctl",
                detail: "Missing: \(nearest.missing.joined(separator: ", ")).",
                hint: "run make install PREFIX=/usr/local, or make build in the checkout"))
    }

    /// The files that are not there.
    private var missing: [String] { files.filter { !Files.exists($0) } }

    var library: String { libraries + "/libStackDSL.so" }

    private var files: [String] {
        [loader, library]
            + ["StackDSL", "StackModel", "Diagnostics", "JSONText"].map { "\(modules)/\($0).swiftmodule" }
    }

    /// Changes whenever one of the files changes.
    func identity() throws(SystemError) -> String {
        var lines: [String] = []
        for file in files { lines.append(try fileIdentity(file)) }
        return lines.joined(separator: "\n")
    }
}

/// Path, size and time of change of a file: enough to notice a new version without reading it.
func fileIdentity(_ path: String) throws(SystemError) -> String {
    let status = try Files.status(path)
    return "\(path) \(status.size) \(status.modified.seconds).\(status.modified.nanoseconds) \(status.inode)"
}

/// The directory part of a path.
func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}
