import Linux
import StackModel
import Testing

@testable import Manifest

/// Prints what loading takes; the bars are measured by `make bench`, on a quiet machine.
@Suite("The speed of loading a manifest", .serialized)
struct ManifestSpeedTests {
    @Test("an edited manifest takes the compiler's time and little more, a cached one next to nothing")
    func speed() async throws {
        let path = try Files.realPath(try Files.temporaryDirectory(prefix: "stackctl-speed-test-"))
        defer { try? Files.removeTree(path) }
        let executable = try CurrentProcess.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        let loader = ManifestLoader(
            installation: try ManifestInstallation.find(executableDirectory: "/" + executable),
            cache: ManifestCache(directory: path + "/.cache"))
        _ = try InitTemplate.write(folder: path + "/stack", installation: loader.installation)
        _ = try await loader.load(folder: path + "/stack")
        let text = try Files.readText(path + "/stack/Stack.swift")
        try Files.write(path + "/stack/Stack.swift", Array((text + "\n// edited\n").utf8))
        let edited = try await loader.load(folder: path + "/stack").timings
        let evaluated = try await loader.load(
            folder: path + "/stack", inputs: try ManifestInputs(flags: ["port=8081"])
        ).timings
        let cached = try await loader.load(folder: path + "/stack").timings
        print("edited: \(edited), other input: \(evaluated), cached: \(cached.total)")
        #expect(cached.total < .milliseconds(200))
        #expect(cached.compile == nil && cached.evaluate == nil && evaluated.compile == nil)
    }
}
