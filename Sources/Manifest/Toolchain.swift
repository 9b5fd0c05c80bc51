import Diagnostics
import JSONText
import Linux

/// The Swift compiler that manifests are compiled with.
package struct Toolchain: Sendable, Hashable {
    /// The compiler as found.
    package var compiler: String
    /// The compiler's file after following links.
    package var realPath: String

    /// The runtime libraries that compiled manifests load.
    package var runtimeLibraries: String { parent(of: parent(of: realPath)) + "/lib/swift/linux" }

    /// Looks for `swiftc` in the directories of a `PATH`, then where toolchains are usually installed.
    ///
    /// - Throws: `DiagnosticList` when there is none.
    package static func find(
        path: String?, extra: [String] = usualDirectories
    ) async throws(DiagnosticList) -> Toolchain {
        let directories = (path ?? "").split(separator: ":").map(String.init) + extra
        for directory in directories where directory.hasPrefix("/") {
            let candidate = directory + "/swiftc"
            guard let real = try? Files.realPath(candidate), let status = try? Files.status(real),
                status.kind == .regular, status.mode & 0o111 != 0
            else { continue }
            let toolchain = Toolchain(compiler: candidate, realPath: real)
            if Files.exists(toolchain.runtimeLibraries) { return toolchain }
            // A launcher, such as swiftly's, stands where the compiler would.
            if let behind = await launched(candidate) { return behind }
        }
        throw DiagnosticList(
            Diagnostic(
                code: "SC1211", summary: "no Swift compiler is found",
                detail: "A manifest is a Swift program; swiftc was looked for in PATH and in "
                    + "\(extra.joined(separator: ", ")).",
                hint: "install a Swift 6.3 toolchain from swift.org and put its usr/bin in PATH",
                notes: ["a saved plan needs no compiler: stackctl plan --out FILE elsewhere, stackctl apply FILE here"])
        )
    }

    /// The compiler that a launcher starts, by its own word.
    private static func launched(_ launcher: String) async -> Toolchain? {
        let request = SpawnRequest(launcher, ["-print-target-info"])
        guard let result = try? await Spawn.run(request, timeout: .seconds(60)), result.status.isSuccess,
            let answer = try? JSONValue.parse(result.standardOutput),
            let resources = answer["paths"]?["runtimeResourcePath"]?.stringValue,
            let real = try? Files.realPath(parent(of: parent(of: resources)) + "/bin/swiftc")
        else { return nil }
        let toolchain = Toolchain(compiler: real, realPath: real)
        return Files.exists(toolchain.runtimeLibraries) ? toolchain : nil
    }

    /// Where toolchains are usually installed.
    package static let usualDirectories = [
        "/usr/bin", "/usr/local/bin", "/opt/swift/usr/bin", "/usr/libexec/swift/bin", "/usr/local/swift/usr/bin",
    ]

    /// Changes whenever another compiler is installed.
    func identity() throws(SystemError) -> String { try fileIdentity(realPath) }
}
