import ImageStore
import Linux
import OCI
import StateStore
import Testing

@Suite("How layers become directories", .serialized)
struct LayerBackingTests {
    private struct Refused: Error {}

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-backing-")
        defer { try? Files.removeTree(directory) }
        try body(directory)
        #expect(try Files.list(directory).isEmpty)
    }

    @Test(
        "the best way that works is taken",
        arguments: [
            ([LayerBacking.fileBacked, .loop], LayerBacking.fileBacked), ([.loop], .loop), ([], .directory),
        ] as [([LayerBacking], LayerBacking)])
    func chosen(working: [LayerBacking], expected: LayerBacking) throws {
        try withDirectory { directory in
            let found = LayerBacking.detect(in: directory) { backing, image in
                #expect(try Files.status(image).size > 0)
                guard working.contains(backing) else { throw Refused() }
            }
            #expect(found == expected)
        }
    }

    @Test("this kernel is asked")
    func asked() throws {
        try withDirectory { directory in
            let found = LayerBacking.detect(in: directory)
            #expect(found == .directory || Files.exists("/sys/fs/erofs"))
        }
    }

    @Test("each way shows the files, and is the one that was asked for", arguments: LayerBacking.allCases)
    func forced(backing: LayerBacking) async throws {
        try await LayerFixture.withDirectory("mkdir files; echo hi > files/hello") { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/files", reference: nil)
                let path = try #require(try await temporary.store.mountLayers(of: image).first)
                #expect(try Files.readText(path + "/hello") == "hi\n")
                let loops = try Mounts.table().filter { $0.target == path }.map(\.source)
                switch backing {
                case .fileBacked: #expect(loops.allSatisfy { !$0.hasPrefix("/dev/loop") } && loops.count == 1)
                case .loop: #expect(loops.allSatisfy { $0.hasPrefix("/dev/loop") } && loops.count == 1)
                case .directory: #expect(loops.isEmpty)
                }
            }
        }
    }

    @Test("a store of one kind is used by a daemon of another: what is there stays usable")
    func changed() async throws {
        try await LayerFixture.withDirectory("mkdir files; echo hi > files/hello") { directory in
            try await LayerFixture.withStore(backing: .directory) { temporary in
                let image = try await temporary.store.importDirectory(path: directory + "/files", reference: nil)
                for backing in LayerBacking.allCases {
                    let next = try temporary.reopened(backing: backing)
                    let path = try #require(try await next.store.mountLayers(of: image).first)
                    #expect(try Files.readText(path + "/hello") == "hi\n")
                    #expect(try await next.store.verify().isEmpty)
                }
            }
        }
    }
}
