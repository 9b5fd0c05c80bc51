import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@testable import Manifest

@Suite("Loading a manifest", .serialized)
struct LoadingTests {
    @Test("sources become a document with the user's places and absolute paths; the second time nothing is compiled")
    func load() async throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "stack/Stack.swift",
            """
            import StackDSL
            @main struct Shop: Stack {
                @Input var count = 1
                var resources: Resources {
                    print("hello from the manifest")
                    return Resources {
                        web(count)
                        Image("site", rootfs: "../root/./x")
                    }
                }
            }
            """)
        try folder.write(
            "stack/parts/Web.swift",
            """
            import StackDSL
            func web(_ count: Int) -> Container {
                Container("web", image: "nginx", replicas: count) {
                    Mount(bind: "conf", at: "/etc/app")
                }
            }
            """)
        let loader = try testLoader(cache: folder.path + "/cache")
        let stack = folder.path + "/stack"
        let first = try await loader.load(folder: stack)
        #expect(first.document.name == "shop")
        #expect(first.output == "hello from the manifest\n")
        #expect(first.timings.compile != nil)
        let web = first.document.resources.first { $0.address.name == "web" }
        #expect(web?.location == SourceLocation(file: stack + "/parts/Web.swift", line: 3))
        #expect(web?.attributes["mounts"]?.arrayValue?.first?["source"] == .string(stack + "/conf"))
        let image = first.document.resources.first { $0.address.kind == .image }
        #expect(image?.attributes["from"]?["rootfs"] == .string(folder.path + "/root/x"))

        let second = try await loader.load(folder: stack)
        #expect(second.document == first.document)
        #expect(second.output == first.output)
        #expect(second.timings.compile == nil)
        #expect(second.timings.evaluate == nil)

        let more = try await loader.load(folder: stack, inputs: ManifestInputs(flags: ["count=2"]))
        #expect(more.timings.compile == nil)
        #expect(more.timings.evaluate != nil)
        #expect(more.document.resources.count == 3)

        try folder.write("stack/parts/Web.swift", "import StackDSL\nfunc web(_ n: Int) -> Volume { Volume(\"v\") }")
        let edited = try await loader.load(folder: stack)
        #expect(edited.timings.compile != nil)
        #expect(edited.document.resources.map(\.address.name) == ["site", "v"])
    }

    @Test("errors of the compiler are the compiler's, with the user's path")
    func compileErrors() async throws {
        let folder = try TemporaryFolder()
        try folder.write("Stack.swift", manifest("let a = nothing\nlet b: Int = \"x\""))
        let found = await errors(try testLoader(cache: folder.path + "/.cache"), folder.path)
        #expect(
            found.map(\.summary) == [
                "cannot find 'nothing' in scope", "cannot convert value of type 'String' to specified type 'Int'",
            ])
        #expect(found.first?.location?.file == folder.path + "/Stack.swift")
        #expect(found.first?.location?.line == 5)
    }

    @Test("warnings of the compiler are shown every time")
    func compilerWarnings() async throws {
        let folder = try TemporaryFolder()
        try folder.write("Stack.swift", manifest("let unused = Volume(\"u\")"))
        let loader = try testLoader(cache: folder.path + "/.cache")
        for _ in 1...2 {
            let warnings = try await loader.load(folder: folder.path).warnings
            #expect(warnings.contains { $0.summary.contains("'unused' was never used") })
        }
    }

    @Test("mistakes found by evaluation carry the user's places, also inside their text")
    func evaluationErrors() async throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "Stack.swift", manifest(list: "Container(\"a\", image: \"x\")\nContainer(\"a\", image: \"y\")"))
        let found = await errors(try testLoader(cache: folder.path + "/.cache"), folder.path)
        #expect(found.map(\.code) == ["SC1101"])
        #expect(found.first?.location?.file == folder.path + "/Stack.swift")
        #expect(found.first?.detail == "The other one is at \(folder.path)/Stack.swift:6.")
    }

    @Test("wrong inputs are reported all at once")
    func inputErrors() async throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "Stack.swift",
            "import StackDSL\n@main struct A: Stack { @Input var n = 1; @Input(\"Must\") var must: String; var resources: Resources { Resources() } }"
        )
        let found = await errors(
            try testLoader(cache: folder.path + "/.cache"), folder.path, try ManifestInputs(flags: ["n=x", "mist=1"]))
        #expect(found.map(\.code).sorted() == ["SC1111", "SC1112", "SC1113"])
    }

    @Test("a damaged entry is replaced with a warning, whichever file it is")
    func damagedCache() async throws {
        let folder = try TemporaryFolder()
        try folder.write("Stack.swift", manifest())
        let loader = try testLoader(cache: folder.path + "/.cache")
        let original = try await loader.load(folder: folder.path).document
        for kind in ["documents", "programs"] {
            // The plugin before the entry that names it: a new compile may give it another name.
            let entries = try Files.list("\(loader.cache.directory)/\(kind)").filter { !$0.name.hasSuffix(".lock") }
            for entry in entries.sorted(by: { $0.name.hasSuffix(".so") && !$1.name.hasSuffix(".so") }) {
                let path = "\(loader.cache.directory)/\(kind)/\(entry.name)"
                var bytes = try Files.readAll(path)
                bytes[bytes.count / 2] ^= 0xFF
                try Files.write(path, bytes)
                let again = try await loader.load(folder: folder.path)
                #expect(again.document == original)
                #expect(again.warnings.map(\.code).contains("SC1230"), "\(entry.name)")
            }
        }
        #expect(!(try await loader.load(folder: folder.path)).warnings.contains { $0.code == "SC1230" })
    }

    @Test("two loads of one new manifest at once compile it once")
    func concurrent() async throws {
        let folder = try TemporaryFolder()
        try folder.write("Stack.swift", manifest())
        let path = folder.path
        let loader = try testLoader(cache: path + "/.cache")
        let compiled = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 1...3 { group.addTask { try await loader.load(folder: path).timings.compile != nil } }
            var count = 0
            for try await didCompile in group where didCompile { count += 1 }
            return count
        }
        #expect(compiled == 1)
        #expect(try Files.list(loader.cache.directory).map(\.name).sorted() == ["documents", "modules", "programs"])
    }

    @Test("a cache that others may write is refused")
    func untrustedCache() async throws {
        let folder = try TemporaryFolder()
        try folder.write("Stack.swift", manifest())
        try Files.makeDirectory(folder.path + "/shared", mode: 0o700)
        try Files.chmod(folder.path + "/shared", mode: 0o777)
        let found = await errors(try testLoader(cache: folder.path + "/shared"), folder.path)
        #expect(found.map(\.code) == ["SC1231"])
    }
}
