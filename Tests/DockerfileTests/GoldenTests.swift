import Dockerfile
import Linux
import Testing

/// Each `Golden/TOPIC.Dockerfile` means what `Golden/TOPIC.txt` says; `STACKCTL_UPDATE_GOLDEN=1` writes that anew.
@Suite("Dockerfiles by topic")
struct GoldenTests {
    private static let folder: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast().joined(separator: "/") + "/Golden"
    }()

    private static let topics: [String] = {
        let names = ((try? Files.list(folder)) ?? []).map(\.name)
        return names.filter { $0.hasSuffix(".Dockerfile") }.map { String($0.dropLast(11)) }.sorted()
    }()

    @Test("mean what is written down", arguments: topics)
    func golden(topic: String) throws {
        let bytes = try Files.readAll("\(Self.folder)/\(topic).Dockerfile", limit: 1 << 20)
        let text = DockerfileDump(bytes).text + "\n"
        let path = "\(Self.folder)/\(topic).txt"
        if Environment.get("STACKCTL_UPDATE_GOLDEN") == "1" {
            try Files.writeAtomically(path, Array(text.utf8), mode: 0o644)
        }
        #expect(try Files.readText(path) == text, "differs from Golden/\(topic).txt")
    }
}
