import Diagnostics
import JSONText
import Linux
import Testing

@testable import Manifest

@Suite("The folder of a stack")
struct StackFolderTests {
    @Test("a missing folder says how to make one")
    func missing() {
        let found = errors { () throws(DiagnosticList) in _ = try StackFolder.read("/nonexistent/shop") }
        #expect(found.map(\.code) == ["SC1220"])
        #expect(found.first?.summary == "there is no folder /nonexistent/shop")
    }

    @Test("a file in place of the folder names its folder")
    func file() throws {
        let folder = try TemporaryFolder()
        try folder.write("Stack.swift", manifest())
        let path = folder.path
        let found = errors { () throws(DiagnosticList) in _ = try StackFolder.read(path + "/Stack.swift") }
        #expect(found.first?.hint == "name its folder: \(path)")
    }

    @Test("an empty folder, no @main, two of them, and main.swift are each named")
    func entries() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let read = { errors { () throws(DiagnosticList) in _ = try StackFolder.read(path) } }
        #expect(read().map(\.code) == ["SC1221"])
        try folder.write(
            "Stack.swift",
            "import StackDSL\n// @main\nlet text = \"@main\"\n/* @main /* @main */ */\n@mainActor struct X {}\n")
        #expect(read().map(\.code) == ["SC1224"])
        try folder.write("Stack.swift", "\n@main struct A {}\n")
        #expect(read().isEmpty)
        try folder.write("parts/Other.swift", "/* \n */ @main\nstruct B {}")
        let two = read()
        #expect(two.map(\.code) == ["SC1225"])
        #expect(two.first?.location == SourceLocation(file: path + "/Stack.swift", line: 2))
        #expect(two.first?.notes == ["another one is at \(path)/parts/Other.swift:2"])
        try folder.write("main.swift", "")
        #expect(read().map(\.code) == ["SC1223"])
    }

    @Test("subfolders belong to the stack; dot folders, linked folders and Package.swift do not")
    func collection() throws {
        let folder = try TemporaryFolder()
        try folder.write("Stack.swift", "@main struct A {}")
        try folder.write("parts/Web.swift", "")
        try folder.write("parts/notes.txt", "")
        try folder.write(".build/X.swift", "@main")
        try folder.write("Package.swift", "@main")
        try Files.symlink("..", at: folder.path + "/parts/loop")
        let read = try StackFolder.read(folder.path + "//")
        #expect(read.sources.map(\.relativePath) == ["Stack.swift", "parts/Web.swift"])
        #expect(read.path == folder.path)
    }
}

@Suite("Inputs of a manifest")
struct ManifestInputTests {
    @Test("a flag wins over a file, a file over the environment")
    func precedence() throws {
        let folder = try TemporaryFolder()
        try folder.write("vars.json", #"{"b": 2, "c": true}"#)
        try folder.write("vars.env", "# comment\n\n c = x \nd=\"quoted = yes\"\n")
        let inputs = try ManifestInputs(
            flags: ["a=1=2", "d=flag"], files: [folder.path + "/vars.json", folder.path + "/vars.env"],
            environment: ["STACKCTL_VAR_b": "env", "STACKCTL_VAR_e": "env", "PATH": "/bin", "STACKCTL_VAR_": "x"])
        #expect(inputs.values.mapValues(\.value) == ["a": "1=2", "b": 2, "c": "x", "d": "flag", "e": "env"])
        #expect(inputs.values["e"]?.mustBeDeclared == false)
        #expect(inputs.values["a"]?.source == "--var a")
    }

    @Test("all mistakes of flags and files are reported")
    func mistakes() throws {
        let folder = try TemporaryFolder()
        try folder.write("bad.json", "{\n\"a\" 1}")
        try folder.write("bad.env", "A=1\nnothing\n")
        let path = folder.path
        let found = errors { () throws(DiagnosticList) in
            _ = try ManifestInputs(flags: ["x", "=1"], files: [path + "/bad.json", path + "/bad.env", path + "/gone"])
        }
        #expect(found.map(\.code) == ["SC1242", "SC1243", "SC1241", "SC1240", "SC1240"])
        #expect(found.first?.location?.line == 2)
    }
}

@Suite("Reading the compiler's output")
struct CompilerOutputTests {
    @Test("messages keep their words, places and lines of source")
    func messages() {
        let found = compilerDiagnostics(
            """
            Stack.swift:5:26: error: cannot find 'x' in scope
                    x
                    ^
            Stack.swift:7:1: warning: never used
            Stack.swift:1:2: note: declared here
            \tlet y
            error: fatalError
            """)
        #expect(found.map(\.severity) == [.error, .warning, .error])
        #expect(found[0].location == SourceLocation(file: "Stack.swift", line: 5, column: 26))
        #expect(found[0].detail == "          x\n          ^")
        #expect(found[1].notes == ["Stack.swift:1:2: declared here\n      let y"])
        #expect(found[2].location == nil)
    }

    @Test("output of another form is kept whole")
    func other() {
        let found = compilerDiagnostics("ld.lld: something\nsecond\n")
        #expect(found.map(\.code) == ["SC1202"])
        #expect(found.first?.detail == "  ld.lld: something\n  second")
        #expect(compilerDiagnostics("").isEmpty)
    }
}

@Suite("Finding the parts")
struct InstallationTests {
    @Test("a missing compiler and missing parts are named")
    func missing() async {
        let compiler = await #expect(throws: DiagnosticList.self) {
            _ = try await Toolchain.find(path: "/nonexistent", extra: [])
        }
        #expect(compiler?.diagnostics.map(\.code) == ["SC1211"])
        let parts = errors { () throws(DiagnosticList) in
            _ = try ManifestInstallation.find(executableDirectory: "/nonexistent/bin")
        }
        #expect(parts.map(\.code) == ["SC1210"])
        #expect(parts.first?.detail?.contains("stack-manifest") == true)
    }

    @Test("both layouts are found")
    func layouts() throws {
        let folder = try TemporaryFolder()
        let modules = ["StackDSL", "StackModel", "Diagnostics", "JSONText"]
        try folder.write("bin/stack-manifest", "")
        for module in modules { try folder.write("bin/Modules/\(module).swiftmodule", "") }
        try folder.write("bin/libStackDSL.so", "")
        let build = try ManifestInstallation.find(executableDirectory: folder.path + "/bin")
        #expect(build.modules == folder.path + "/bin/Modules")
        for module in modules { try folder.write("lib/stackctl/\(module).swiftmodule", "") }
        try folder.write("lib/stackctl/libStackDSL.so", "")
        try folder.write("lib/stackctl/stack-manifest", "")
        let installed = try ManifestInstallation.find(executableDirectory: folder.path + "/bin")
        #expect(installed.modules == folder.path + "/lib/stackctl")
    }
}
