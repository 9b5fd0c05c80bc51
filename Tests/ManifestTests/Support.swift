import Diagnostics
import Linux
import Manifest
import StackModel

/// A folder that is gone after the test.
struct TemporaryFolder: ~Copyable {
    let path: String

    init() throws { path = try Files.realPath(try Files.temporaryDirectory(prefix: "stackctl-manifest-test-")) }

    deinit { try? Files.removeTree(path) }

    func write(_ name: String, _ text: String) throws {
        if let slash = name.lastIndex(of: "/") { try Files.makeDirectories("\(path)/\(name[..<slash])") }
        try Files.write("\(path)/\(name)", Array(text.utf8))
    }
}

/// A loader of the parts beside the test binary, with a cache of its own.
func testLoader(cache: String, limits: ManifestLimits = ManifestLimits()) throws -> ManifestLoader {
    let directory = try CurrentProcess.executablePath().split(separator: "/").dropLast().joined(separator: "/")
    return ManifestLoader(
        installation: try ManifestInstallation.find(executableDirectory: "/" + directory),
        cache: ManifestCache(directory: cache), limits: limits)
}

/// The errors that loading a folder gives.
func errors(_ loader: ManifestLoader, _ folder: String, _ inputs: ManifestInputs = ManifestInputs()) async
    -> [Diagnostic]
{
    do {
        _ = try await loader.load(folder: folder, inputs: inputs)
        return []
    } catch {
        return error.diagnostics
    }
}

func errors(_ body: () throws(DiagnosticList) -> Void) -> [Diagnostic] {
    do {
        try body()
        return []
    } catch {
        return error.diagnostics
    }
}

/// A manifest with a body before its list.
func manifest(_ body: String = "", list: String = "Volume(\"x\")", imports: String = "") -> String {
    """
    import StackDSL
    \(imports)
    @main struct Example: Stack {
        var resources: Resources {
            \(body)
            return Resources { \(list) }
        }
    }
    """
}
