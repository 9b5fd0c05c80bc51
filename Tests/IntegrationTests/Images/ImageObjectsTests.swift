import Linux
import StateStore
import Testing

@testable import Providers

@Suite("Which image a build gave")
struct ImageObjectsTests {
    @Test("a build that is let go holds its image no longer, and is told again until it is forgotten")
    func letGo() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-objects-")
        defer { try? Files.removeTree(folder) }
        let objects = ImageObjects(database: try StateDatabase(path: folder + "/state.db"))
        try await objects.set("sha256:1", of: "build-1")
        try await objects.set("sha256:1", of: "build-2")
        #expect(try await objects.letGo("build-1") == "sha256:1")
        #expect(try await objects.isHeld("sha256:1"))
        #expect(try await objects.letGo("build-2") == "sha256:1")
        #expect(try await !objects.isHeld("sha256:1"))
        // As after a removal that was cut short.
        #expect(try await objects.letGo("build-2") == "sha256:1")
        #expect(try await objects.image(of: "build-2") == nil)
        try await objects.forget("build-2")
        #expect(try await objects.letGo("build-2") == nil)
        #expect(try await objects.letGo("build-1") == "sha256:1")
    }
}
