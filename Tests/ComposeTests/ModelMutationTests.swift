import Compose
import Diagnostics
import Linux
import Testing

@Suite("compose projects with something changed at random")
struct ModelMutationTests {
    /// A row of numbers that is the same each time.
    private struct Numbers {
        var state: UInt64

        mutating func next(below limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(max(limit, 1)))
        }
    }

    private static let texts: [String] = {
        let names = ((try? Files.list(CorpusFiles.folder)) ?? []).map(\.name).filter { $0 != "huge" }.sorted()
        return names.compactMap { try? Files.readText("\(CorpusFiles.folder)/\($0)/compose.yaml") }
    }()

    @Test("are loaded, or refused in words", arguments: 0..<8)
    func mutation(round: Int) {
        var numbers = Numbers(state: UInt64(round) &* 977 &+ 13)
        for _ in 0..<25 {
            let text = mutated(Self.texts[numbers.next(below: Self.texts.count)], &numbers)
            let other = Self.texts[numbers.next(below: Self.texts.count)]
            do {
                let project = try ModelLab.project(text, ["compose.override.yaml": mutated(other, &numbers)])
                #expect(!project.yaml().isEmpty)
                _ = project.json
                _ = project.startOrder
                for name in project.services.keys.prefix(2) { _ = try? project.selecting([name]) }
            } catch let list as DiagnosticList {
                #expect(list.hasErrors && list.diagnostics.allSatisfy { !$0.summary.isEmpty })
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    /// A text with some lines swapped, doubled, moved in or out, or replaced by those of another place.
    private func mutated(_ text: String, _ numbers: inout Numbers) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for _ in 0..<numbers.next(below: 4) where lines.count > 2 {
            let place = numbers.next(below: lines.count)
            let other = numbers.next(below: lines.count)
            switch numbers.next(below: 6) {
            case 0: lines.remove(at: place)
            case 1: lines.insert(lines[other], at: place)
            case 2: lines[place] = "  " + lines[place]
            case 3: lines[place] = String(lines[place].dropFirst(2))
            case 4: lines[place] = lines[place].split(separator: ":").first.map { "\($0):" } ?? ""
            default:
                let key = lines[place].split(separator: ":", maxSplits: 1).first ?? ""
                let value = lines[other].split(separator: ":", maxSplits: 1).last ?? ""
                lines[place] = "\(key):\(value)"
            }
        }
        return lines.joined(separator: "\n")
    }
}
