import Linux
import StackModel
import Testing

@testable import Manifest

@Suite("Loading a manifest again", .serialized)
struct ManifestReuseTests {
    @Test("an edit is compiled, another input is evaluated, and the same again is neither")
    func reuse() async throws {
        let path = try Files.realPath(try Files.temporaryDirectory(prefix: "stackctl-reuse-test-"))
        defer { try? Files.removeTree(path) }
        let executable = try CurrentProcess.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        let loader = ManifestLoader(
            installation: try ManifestInstallation.find(executableDirectory: "/" + executable),
            cache: ManifestCache(directory: path + "/.cache"), limits: ManifestLimits(time: .seconds(120)))
        _ = try InitTemplate.write(folder: path + "/stack", installation: loader.installation)
        _ = try await loader.load(folder: path + "/stack")
        let text = try Files.readText(path + "/stack/Stack.swift")
        try Files.write(path + "/stack/Stack.swift", Array((text + "\n// edited\n").utf8))
        let edited = try await loader.load(folder: path + "/stack").timings
        #expect(edited.compile != nil && edited.evaluate != nil)
        let inputs = try ManifestInputs(flags: ["port=8081"])
        let evaluated = try await loader.load(folder: path + "/stack", inputs: inputs).timings
        #expect(evaluated.compile == nil && evaluated.evaluate != nil)
        let cached = try await loader.load(folder: path + "/stack").timings
        #expect(cached.compile == nil && cached.evaluate == nil)
    }
}
