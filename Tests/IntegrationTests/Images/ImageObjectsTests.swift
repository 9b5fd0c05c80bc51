import ImageStore
import JSONText
import Linux
import OCI
import StackModel
import StateStore
import Testing

@testable import Engine
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

    @Test("a build that was cut short between its image and its record is taken back, another's image is not")
    func cutShort() async throws {
        let lab = try await EngineLab()
        let engine = try await lab.engine
        let provider = ImageProvider(engine: engine)
        let objects = ImageObjects(database: engine.database)
        let address = ResourceAddress(kind: .image, name: "shop/site")
        func importSite() async throws -> String {
            var changes = ConfigurationChanges()
            changes.command = ["sleep", "\(Clock.monotonic())"]
            return try await engine.images.importDirectory(
                path: lab.root + "/rootfs", reference: try ImageReference("shop/site").withDefaultTag, changes: changes,
                progress: nil
            ).id.description
        }
        func takeBack(_ object: String) async throws {
            try await provider.delete(
                stack: "shop", address: address, objectID: object, attributes: [:], isReplaced: false,
                progress: { _ in })
            #expect(try await objects.begun(object) == nil)
        }
        try await objects.begin("build-1", before: nil)
        _ = try await importSite()
        try await takeBack("build-1")
        #expect(try await engine.images.resolve("shop/site") == nil)

        // Killed before it had made anything: the name is still the earlier image's.
        let before = try await importSite()
        try await objects.begin("build-2", before: before)
        try await takeBack("build-2")
        #expect(try await engine.images.resolve("shop/site")?.id.description == before)
        try await lab.docker("rmi", "shop/site")
        try await lab.takeDown()
    }
}
