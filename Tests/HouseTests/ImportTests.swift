import Linux
import Testing

/// The module table of docs/architecture.md: what may import what.
@Suite("imports")
struct ImportTests {
    /// What each module may import besides the standard library.
    private static let allowed: [String: Set<String>] = [
        "CLinux": [], "CManifest": [], "CSQLite": [], "CZlib": [], "CCrypto": [], "CZstd": [], "CISAL": [],
        "CBzip2": [], "CLzma": [],
        "CNftables": [], "CCurl": [], "CTLS": [], "CCrypt": [], "CYAML": [],
        "JSONText": [],
        "Diagnostics": ["JSONText"],
        "YAMLText": ["CYAML"],
        "LaunchProgram": [],
        "Linux": ["CLinux", "Glibc"],
        "StackModel": ["Diagnostics", "JSONText"],
        "StackInit": ["CLinux"],
        "StackManifest": ["CLinux", "CManifest"],
        "StackDSL": ["StackModel", "Diagnostics", "JSONText"],
        "HTTP": ["Linux", "CTLS", "JSONText"],
        "OCI": ["Diagnostics", "JSONText"],
        "Archives": ["Linux", "CZlib", "CZstd", "CBzip2", "CLzma", "CISAL", "CCrypto"],
        "StateStore": ["CSQLite", "Linux", "StackModel", "Diagnostics", "JSONText"],
        "ImageStore": ["OCI", "Archives", "StateStore", "Linux", "Diagnostics", "JSONText"],
        "Registry": ["ImageStore", "OCI", "HTTP", "Archives", "Linux", "CCurl", "Diagnostics", "JSONText"],
        "RegistryServer": [
            "Registry", "OCI", "HTTP", "Archives", "Linux", "CCrypt", "Diagnostics", "JSONText",
        ],
        "Runtime": ["OCI", "Linux", "LaunchProgram", "Diagnostics", "JSONText"],
        "Networking": ["Linux", "StateStore", "CNftables", "Diagnostics", "JSONText"],
        "Manifest": ["StackModel", "Runtime", "Archives", "Linux", "Diagnostics", "JSONText"],
        "Apply": ["StackModel", "StateStore", "Linux", "Diagnostics", "JSONText"],
        "Dockerfile": ["StackModel", "Diagnostics", "JSONText"],
        "Compose": ["YAMLText", "StackModel", "Diagnostics", "JSONText"],
        "Builder": [
            "Dockerfile", "ImageStore", "Registry", "Runtime", "LaunchProgram", "HTTP", "StateStore", "OCI", "Archives",
            "Linux", "Diagnostics", "JSONText",
        ],
        "Engine": [
            "Builder", "Dockerfile", "ImageStore", "Registry", "Runtime", "Networking", "StateStore", "OCI",
            "LaunchProgram", "Archives",
            "Linux", "Diagnostics", "JSONText",
        ],
        "Providers": [
            "Apply", "Engine", "Builder", "Dockerfile", "StackModel", "StateStore", "OCI", "ImageStore", "Registry",
            "Networking", "Runtime", "Archives", "LaunchProgram", "Linux", "Diagnostics", "JSONText",
        ],
        "EngineAPI": [
            "HTTP", "Engine", "Builder", "Dockerfile", "Archives", "Apply", "StackModel", "StateStore", "ImageStore",
            "Registry", "Networking", "Runtime",
            "OCI", "LaunchProgram", "Linux", "Diagnostics", "JSONText",
        ],
        "stackctl": [
            "Manifest", "Compose", "YAMLText", "EngineAPI", "Providers", "Engine", "Builder", "Dockerfile", "Apply",
            "StackModel", "Registry", "RegistryServer", "HTTP",
            "OCI", "Archives",
            "LaunchProgram", "Linux", "Diagnostics", "JSONText",
        ],
    ]

    /// Parts of the standard library's distribution that any module may use.
    private static let standard: Set<String> = ["Swift", "Synchronization", "_Concurrency"]

    @Test("a module imports only what the module table allows")
    func table() throws {
        for module in try Project.modules() {
            let allowed = try #require(ImportTests.allowed[module], "\(module) is not in the module table")
            for file in try Project.files("Sources/\(module)", ".swift") {
                let foreign = Set(file.imports).subtracting(allowed).subtracting(ImportTests.standard)
                #expect(foreign.isEmpty, "\(file.path) imports \(foreign.sorted().joined(separator: ", "))")
            }
        }
    }

    @Test("only Linux imports Glibc")
    func glibc() throws {
        for file in try Project.files("Sources", ".swift") where !file.path.hasPrefix("Sources/Linux/") {
            #expect(!file.imports.contains("Glibc"), "\(file.path) imports Glibc")
        }
    }

    @Test("nothing in Sources imports Foundation or Dispatch")
    func foundation() throws {
        for file in try Project.files("Sources", ".swift") {
            let banned = Set(file.imports).intersection(["Foundation", "FoundationEssentials", "Dispatch"])
            #expect(banned.isEmpty, "\(file.path) imports \(banned.sorted().joined(separator: ", "))")
        }
    }

    @Test("the package has no dependencies")
    func dependencies() throws {
        let manifest = try Files.readText("\(Project.root)/Package.swift")
        #expect(manifest.contains("dependencies: [],"))
        #expect(!manifest.contains(".package("))
    }

    @Test("the launch program's files in StackInit are those of LaunchProgram")
    func sharedLaunchProgram() throws {
        #expect(try Files.readLink("\(Project.root)/Sources/StackInit/LaunchProgram") == "../LaunchProgram")
    }

    @Test("every module of the table in docs/architecture.md exists, and each module is in it")
    func documentedModules() throws {
        let text = try Files.readText("\(Project.root)/docs/architecture.md")
        for module in try Project.modules() {
            #expect(text.contains("`\(module)`"), "docs/architecture.md does not name \(module)")
        }
    }
}
