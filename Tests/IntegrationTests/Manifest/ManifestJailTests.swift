import Diagnostics
import Linux
import StackModel
import Testing

@testable import Manifest

/// What a manifest may not do, and what its author reads then.
@Suite("A hostile manifest", .serialized)
struct ManifestJailTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var body: String
        var code: String
        /// Words of the summary.
        var says: String
        /// Wide where another limit has to be met first, however busy the machine is.
        var time = Duration.seconds(120)
        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "loops for ever", body: "while true { }", code: "SC1251", says: "took longer than 5.5 seconds",
            time: .milliseconds(5500)),
        Case(
            name: "sleeps for ever", body: "while true { sleep(1) }", code: "SC1251", says: "took longer",
            time: .milliseconds(5500)),
        Case(
            name: "allocates without end", body: "var a: [UInt8] = [1]; while true { a += a }", code: "SC1252",
            says: "more than 256 MiB of memory"),
        Case(
            name: "allocates in small pieces",
            body:
                "var a = [UnsafeMutableRawPointer?](); while true { a.append(malloc(65536)) ; memset(a.last!!, 1, 65536) }",
            code: "SC1252", says: "more than 256 MiB of memory"),
        Case(
            name: "wants everything at once", body: "let a = Array(repeating: 1, count: 1 << 40); print(a.count)",
            code: "SC1252", says: "memory"),
        Case(
            name: "reads /etc/shadow", body: "_ = open(\"/etc/shadow\", O_RDONLY)", code: "SC1250",
            says: "the manifest opened /etc/shadow; a manifest may read nothing but its inputs"),
        Case(name: "opens a socket", body: "_ = socket(2, 1, 0)", code: "SC1250", says: "opened a socket"),
        Case(
            name: "writes a file", body: "_ = fopen(\"/var/tmp/stackctl-evil\", \"w\")", code: "SC1250",
            says: "opened /var/tmp/stackctl-evil"),
        Case(name: "crashes", body: "let a = [1]; print(a[Int(\"5\")!])", code: "SC1253", says: "crashed with SIGILL"),
        Case(
            name: "recurses without end", body: "func f(_ a: Int) -> Int { a == -1 ? 1 : f(a + 1) + 1 }; print(f(1))",
            code: "SC1253", says: "crashed with SIGSEGV"),
        Case(
            name: "forks without end",
            body:
                "typealias F = @convention(c) () -> Int32; let f = unsafeBitCast(dlsym(nil, \"fork\"), to: F.self); while true { _ = f() }",
            code: "SC1250", says: "started a process"),
        Case(name: "kills others", body: "kill(1, 9)", code: "SC1250", says: "reached for another process"),
        Case(
            name: "starts a thread", body: "var t = pthread_t(); pthread_create(&t, nil, { _ in nil }, nil)",
            code: "SC1250", says: "sandbox"),
        Case(name: "runs a program", body: "execv(\"/bin/true\", [nil])", code: "SC1250", says: "execve"),
        Case(name: "exits early", body: "exit(0)", code: "SC1256", says: "ended before it gave its stack"),
    ]

    @Test("gets a clear error and harms nothing", arguments: cases)
    func hostile(example: Case) async throws {
        let folder = try TestFolder()
        try folder.write(example.body)
        let loader = try folder.loader(limits: ManifestLimits(memoryBytes: 256 << 20, time: example.time))
        do {
            _ = try await loader.load(folder: folder.path)
            Issue.record("the manifest was accepted")
        } catch {
            let found = error.diagnostics.filter { $0.severity == .error }
            #expect(found.map(\.code) == [example.code])
            #expect(found.first?.summary.contains(example.says) == true, "\(found.first?.summary ?? "")")
        }
        #expect(!Files.exists("/var/tmp/stackctl-evil"))
        #expect(try Files.list(folder.path + "/.cache").allSatisfy { !$0.name.hasPrefix("build-") })
    }

    @Test("without the program that makes jails the filter still holds, and a warning says what is missing")
    func withoutJail() async throws {
        let folder = try TestFolder()
        try folder.write("print(1)")
        var loader = try folder.loader(limits: ManifestLimits(time: .seconds(120)))
        loader.initBinary = "/nonexistent/stack-init"
        let loaded = try await loader.load(folder: folder.path)
        #expect(loaded.warnings.map(\.code) == ["SC1257"])
        try folder.write("_ = open(\"/etc/shadow\", O_RDONLY)")
        do {
            _ = try await loader.load(folder: folder.path)
            Issue.record("the manifest was accepted")
        } catch {
            #expect(error.diagnostics.map(\.code).contains("SC1250"))
        }
    }

    @Test("what a plugin does while it is loaded is confined too", arguments: ["", "/nonexistent/stack-init"])
    func constructor(initBinary: String) async throws {
        let folder = try TestFolder()
        try folder.write(
            "print(1)",
            beside: """

                @section(".init_array") @used
                let early: @convention(c) () -> Void = { _ = open("/var/tmp/stackctl-evil", O_WRONLY | O_CREAT, 0o600) }
                """)
        var loader = try folder.loader(limits: ManifestLimits(time: .seconds(120)))
        if !initBinary.isEmpty { loader.initBinary = initBinary }
        do {
            _ = try await loader.load(folder: folder.path)
            Issue.record("the manifest was accepted")
        } catch {
            #expect(error.diagnostics.map(\.code).contains("SC1250"), "\(error)")
        }
        #expect(!Files.exists("/var/tmp/stackctl-evil"))
    }

    @Test("what the Swift runtime prints about a crash is attached, with the author's line")
    func crashLine() async throws {
        let folder = try TestFolder()
        try folder.write("let text: String? = Int(\"x\").map { \"\\($0)\" }; print(text!)")
        let loader = try folder.loader(limits: ManifestLimits(time: .seconds(120)))
        do {
            _ = try await loader.load(folder: folder.path)
            Issue.record("the manifest was accepted")
        } catch {
            let crash = error.diagnostics.first { $0.code == "SC1253" }
            #expect(crash?.location == SourceLocation(file: folder.path + "/Stack.swift", line: 5))
            #expect(crash?.notes.first?.contains("Unexpectedly found nil") == true, "\(crash?.notes ?? [])")
        }
    }

    @Test("an honest manifest may compute, print, use random numbers, clocks and patterns, and sees no environment")
    func honest() async throws {
        let folder = try TestFolder()
        try folder.write(
            """
            print(getenv("HOME") == nil, [3, 1, 2].sorted(), "a1".contains(/[0-9]/), ContinuousClock.now <= .now)
            let bytes = (0..<8_000_000).map { UInt8($0 & 255) }
            print(Set(1...10_000).count, [1, 2].shuffled().count, String(describing: Self.self), bytes.count)
            fputs("to stderr\\n", fdopen(2, "w"))
            """)
        let loaded = try await folder.loader(limits: ManifestLimits(time: .seconds(120))).load(folder: folder.path)
        // Root can always make the jail; a plain user only where the host lets users have namespaces.
        if CurrentProcess.uid == 0 { #expect(loaded.warnings.filter { $0.code == "SC1257" } == []) }
        #expect(loaded.output == "true [1, 2, 3] true true\n10000 2 Example 8000000\nto stderr\n")
    }
}

/// A stack folder with its own cache, gone after the test.
private struct TestFolder: ~Copyable {
    let path: String

    init() throws { path = try Files.realPath(try Files.temporaryDirectory(prefix: "stackctl-jail-test-")) }

    deinit { try? Files.removeTree(path) }

    func write(_ body: String, beside: String = "") throws {
        let text = """
            import StackDSL
            import Glibc\(beside)
            @main struct Example: Stack {
                var resources: Resources {
                    \(body)
                    return Resources { Volume("x") }
                }
            }
            """
        try Files.write(path + "/Stack.swift", Array(text.utf8))
    }

    func loader(limits: ManifestLimits) throws -> ManifestLoader {
        let directory = try CurrentProcess.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        return ManifestLoader(
            installation: try ManifestInstallation.find(executableDirectory: "/" + directory),
            cache: ManifestCache(directory: path + "/.cache"), limits: limits)
    }
}
