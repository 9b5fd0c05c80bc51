import Compose
import Diagnostics
import Linux
import Manifest
import StackModel
import Testing

@Suite("Compose projects as manifests", .timeLimit(.minutes(5)))
struct ComposeConversionTests {
    private static let corpus: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(2).joined(separator: "/") + "/ComposeTests/Corpus"
    }()

    @Test("each project of the corpus comes back as it was")
    func corpus() async throws {
        let names = try Files.list(Self.corpus).filter { $0.kind == .directory }.map(\.name).sorted()
        let folder = try TemporaryFolder()
        let loader = try testLoader(cache: folder.path + "/cache")
        var count = 0
        for name in names {
            let document: StackDocument
            do {
                document = try Self.document(name)
            } catch {
                // What cannot be run here cannot be converted either; the corpus says which those are.
                continue
            }
            try await roundTrip(document, folder, loader)
            count += 1
        }
        #expect(count >= 12)
    }

    private static func document(_ name: String) throws(DiagnosticList) -> StackDocument {
        var request = ComposeRequest(workingDirectory: "\(corpus)/\(name)")
        let lines = (try? Files.readText("\(corpus)/\(name)/request.txt"))?.split(separator: "\n") ?? []
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { continue }
            switch words[0] {
            case "file": request.files.append("\(corpus)/\(name)/\(words[1])")
            case "profile": request.profiles.append(words[1])
            case "name": request.projectName = words[1]
            default:
                let sides = words[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                request.environment[String(sides[0])] = sides.count == 2 ? String(sides[1]) : ""
            }
        }
        let project = try ComposeLoader(request, files: DiskFiles()).load()
        let sealed = project.valuesToSeal.mapValues { "sealed \($0.utf8.count)" }
        return try project.document(seal: sealed, files: DiskFiles())
    }
}

private struct DiskFiles: ComposeFiles {
    func read(_ path: String) throws(ComposeFileFailure) -> [UInt8]? {
        guard Files.exists(path) else { return nil }
        do {
            return try Files.readAll(path, limit: 1 << 20)
        } catch {
            throw ComposeFileFailure("\(error)")
        }
    }

    func exists(_ path: String) -> Bool { Files.exists(path) }
}
