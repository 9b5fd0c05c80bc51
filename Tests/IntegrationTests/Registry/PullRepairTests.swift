import Engine
import ImageStore
import JSONText
import Linux
import OCI
import Registry
import Testing

@Suite(
    "What a registry gives again", .enabled(if: RegistryLab.isPossible), .serialized, .timeLimit(.minutes(5)))
struct PullRepairTests {
    /// Runs a body with an engine and a registry that has the image of three layers.
    private func with(_ body: (EngineLab, HostEngine, ImageReference, RegistryLab, String) async throws -> Void)
        async throws
    {
        try await RegistryImages.withLayouts { files in
            try await RegistryLab.serving { registry in
                let lab = try await EngineLab()
                let name = "\(registry.authority)/team/app:1"
                try await RegistryImages.push(files + "/oci", to: name)
                try await body(lab, try await lab.engine, try ImageReference(name), registry, files)
                try await lab.takeDown()
            }
        }
    }

    @Test("what is damaged of an image comes again from the registry it was pulled from")
    func repaired() async throws {
        try await with { lab, engine, reference, _, files in
            let image = try await engine.pullImage(reference, access: PullTests.access).image
            let gzip = try RegistryImages.digest(files + "/base.tar.gz")
            let blobs = lab.root + "/blobs/sha256/"
            for name in [gzip.hex, image.id.hex, try #require(image.manifestDigest).hex] {
                let file = try Files.open(blobs + name, .readWrite)
                try file.pwriteAll([0x21], at: 20)
            }
            try Files.unlink("\(lab.root)/layers/\(image.layers[2].hex)/recipe")
            let found = try await engine.verifyImages(repairing: false)
            #expect(found["damaged"]?.arrayValue?.count == 4, "\(found)")
            let result = try await engine.verifyImages(repairing: true, access: PullTests.access)
            #expect(result["damaged"]?.arrayValue?.isEmpty == true, "\(result)")
            #expect(result["repaired"]?.arrayValue?.count == 4, "\(result)")
            let after = try await engine.verifyImages(repairing: true)
            #expect(after["damaged"]?.arrayValue?.isEmpty == true && after["repaired"]?.arrayValue?.isEmpty == true)
        }
    }

    @Test("a pull asks for no byte that is here already")
    func resumed() async throws {
        try await with { lab, engine, reference, registry, files in
            let gzip = try RegistryImages.digest(files + "/base.tar.gz")
            let bytes = try Files.readAll(files + "/base.tar.gz", limit: 1 << 24)
            try Files.makeDirectories(lab.root + "/blobs/partial")
            try Files.write(lab.root + "/blobs/partial/" + gzip.hex, Array(bytes.prefix(20_000)))
            // Whoever asked for the start would be given something else.
            let find = try await LayerFixture.tool("/usr/bin/find", registry.folder, "-path", "*\(gzip.hex)/data")
            let stored = try #require(find.split(separator: "\n").first.map(String.init))
            try Files.open(stored, .readWrite).pwriteAll([UInt8](repeating: 0x55, count: 10_000), at: 0)
            let image = try await engine.pullImage(reference, access: PullTests.access).image
            #expect(image.layers.count == 3)
            #expect(try await engine.images.verify().isEmpty)
            #expect(try Files.list(lab.root + "/blobs/partial").isEmpty)
        }
    }
}
