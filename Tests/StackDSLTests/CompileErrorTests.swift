import Linux
import Testing

/// Wrong use must not compile, and the compiler's words must be ones a newcomer understands.
///
/// Each file of `CompileErrors` has `// expect: words` above the lines where the compiler must print them.
@Suite("Wrong use does not compile")
struct CompileErrorTests {
    static let folder = #filePath.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/CompileErrors"
    static let files = (try? Files.list(folder).map(\.name).filter { $0.hasSuffix(".swift") }) ?? []

    @Test("the mistakes to try are there")
    func present() { #expect(Self.files.count >= 10) }

    @Test("with the expected sentence on the expected line", arguments: files)
    func mistake(file: String) async throws {
        let path = "\(Self.folder)/\(file)"
        let expected = try Files.readText(path).split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .compactMap { offset, line in
                line.firstRange(of: "// expect: ").map { (line: offset + 2, words: String(line[$0.upperBound...])) }
            }
        #expect(!expected.isEmpty)
        let output = try await compile(path).split(separator: "\n").map(String.init)
        for (line, words) in expected {
            let found = output.contains { $0.hasPrefix("\(path):\(line):") && $0.contains(words) }
            #expect(found, "line \(line) of \(file): \(words)\n\(output.joined(separator: "\n"))")
        }
        let errors = output.filter { $0.contains(": error: ") }
        let isPlanned = { (text: String) in expected.contains { text.hasPrefix("\(path):\($0.line):") } }
        #expect(errors.filter { !isPlanned($0) } == [])
    }

    private func compile(_ path: String) async throws -> String {
        let directory = try CurrentProcess.executablePath().split(separator: "/").dropLast().reduce("") {
            "\($0)/\($1)"
        }
        var request = SpawnRequest(
            try compilerPath(),
            [
                "-swift-version", "6", "-parse-as-library", "-c", "-o", "/dev/null", "-diagnostic-style", "llvm", "-I",
                directory + "/Modules", path,
            ])
        request.workingDirectory = "/"
        return try await Spawn.run(request, timeout: .seconds(120)).errorText
    }
}

/// The compiler that runs the tests.
func compilerPath() throws -> String {
    let directories = (Environment.get("PATH") ?? "").split(separator: ":").map(String.init)
    let found = (directories + ["/usr/bin", "/opt/swift/usr/bin"]).map { $0 + "/swiftc" }.first { Files.exists($0) }
    return try #require(found)
}

@Suite("What manifests link")
struct LinkTests {
    @Test("libStackDSL.so needs no Foundation, Dispatch or ICU")
    func noFoundation() async throws {
        let directory = try CurrentProcess.executablePath().split(separator: "/").dropLast().reduce("") {
            "\($0)/\($1)"
        }
        let bytes = try Files.readAll(directory + "/libStackDSL.so", limit: 1 << 30)
        let names = String(decoding: bytes, as: UTF8.self)
        for library in ["libFoundation", "lib_Foundation", "libdispatch.so", "libBlocksRuntime.so"] {
            #expect(!names.contains(library), "\(library)")
        }
        #expect(names.contains("libswiftCore.so"))
    }
}
