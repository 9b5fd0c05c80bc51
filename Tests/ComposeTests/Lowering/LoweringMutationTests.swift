import Compose
import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

/// Files of the corpus with some of their text changed.
private struct MutatedFiles: ComposeFiles {
    let files: CorpusFiles
    let seed: UInt64

    func read(_ path: String) throws(ComposeFileFailure) -> [UInt8]? {
        guard var bytes = try files.read(path), !bytes.isEmpty, bytes.count < 20_000 else { return nil }
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(limit, 1)
        }
        for _ in 0..<(1 + random(3)) {
            let start = random(bytes.count)
            let end = min(bytes.count, start + random(12))
            switch random(4) {
            case 0: bytes.removeSubrange(start..<end)
            case 1: bytes.insert(contentsOf: Self.words[random(Self.words.count)].utf8, at: start)
            case 2: bytes.replaceSubrange(start..<end, with: Self.words[random(Self.words.count)].utf8)
            default: bytes.insert(contentsOf: bytes[start..<end], at: random(bytes.count))
            }
        }
        return bytes
    }

    func exists(_ path: String) -> Bool { files.exists(path) }

    private static let words = [
        "null", "-1", "9223372036854775807", "\"\"", "[]", "{}", "service:", ":", "=", "-", "1e308", "\n", "  ", "true",
        "0", "*", "&", "${A}", "!reset", "65536", "0-", "::", "/", "x-stackctl: {numbered: false}\n", "scale: 3\n",
    ]
}

@Suite("compose files with mistakes in them")
struct LoweringMutationTests {
    private static let projects: [String] = {
        let names = ((try? Files.list(CorpusFiles.folder)) ?? []).map(\.name)
        return names.filter { !$0.contains(".") && $0 != "huge" }.sorted()
    }()

    @Test("are stacks that the daemon can read, or errors that say where", arguments: projects)
    func mutated(name: String) throws {
        for seed in 0..<40 as Range<UInt64> {
            var request = ComposeRequest(workingDirectory: "/project")
            request.projectName = "shop"
            request.profiles = ["*"]
            do throws(DiagnosticList) {
                let files = MutatedFiles(files: CorpusFiles(name: name), seed: seed)
                let document = try ComposeLoader(request, files: files).load().document(seal: nil, files: files)
                let read = try? StackDocument(json: JSONValue.parse(document.json.serialized()))
                #expect(read == document, "seed \(seed)")
                _ = ComposeExport.yaml(of: document)
            } catch {
                #expect(error.hasErrors, "seed \(seed)")
            }
        }
    }
}
