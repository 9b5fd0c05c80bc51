import Linux
import Testing

/// Every seed and every input that was once a finding, and changed forms of them.
@Suite("parsers of input from outside")
struct ReplayTests {
    private static let corpus: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(2).joined(separator: "/") + "/Corpus"
    }()

    @Test("nothing breaks a property, nor the process", arguments: FuzzTarget.all.map(\.name))
    func replay(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let seeds = try Files.list("\(Self.corpus)/\(name)").sorted { $0.name < $1.name }
        try #require(!seeds.isEmpty, "Corpus/\(name) has no seeds")
        for seed in seeds {
            let bytes = try Files.readAll("\(Self.corpus)/\(name)/\(seed.name)", limit: 1 << 20)
            try run(target, bytes, "\(name)/\(seed.name)")
            var numbers = FixedNumbers(seed: "\(name)/\(seed.name)")
            for number in 0..<target.mutations {
                try run(target, Mutation.apply(to: bytes, with: &numbers), "\(name)/\(seed.name), change \(number)")
            }
        }
    }

    @Test("the corpus is small, and each folder of it belongs to a target")
    func corpusSize() throws {
        var size: Int64 = 0
        for folder in try Files.list(Self.corpus) {
            #expect(FuzzTarget.all.contains { $0.name == folder.name }, "\(folder.name)")
            for file in try Files.list("\(Self.corpus)/\(folder.name)") {
                size += try Files.status("\(Self.corpus)/\(folder.name)/\(file.name)").size
            }
        }
        #expect(size < 1 << 20, "the corpus has \(size) bytes")
    }

    private func run(_ target: FuzzTarget, _ bytes: [UInt8], _ name: String) throws {
        do {
            try target.run(bytes)
        } catch {
            Issue.record("\(name): \(error)")
        }
    }
}
