import Builder
import Engine
import ImageStore
import Linux
import OCI
import Testing

@Suite("Caches that are given on", .serialized, .timeLimit(.minutes(15)))
struct CacheTransferTests {
    private static let dockerfile = """
        FROM busybox AS build
        RUN head -c 16 /dev/urandom | md5sum > /random
        FROM busybox
        COPY --from=build /random /random
        RUN cp /random /copy

        """

    private func location(_ type: String, _ parameters: [String: String]) -> BuildRequest.CacheLocation {
        BuildRequest.CacheLocation(type: type, parameters: parameters)
    }

    private func text(_ name: String, of lab: EngineLab) async throws -> String {
        try await lab.docker("run", "--rm", name, "cat", "/copy").out
    }

    /// The base image of one lab, for others: what is imported twice has other times.
    private func saveBase(of lab: EngineLab, _ folder: String) async throws {
        try await lab.docker("save", "-o", folder + "/base.tar", "busybox")
    }

    private func other(_ folder: String) async throws -> OutputLab {
        let lab = try await OutputLab()
        try await lab.lab.docker("load", "-i", folder + "/base.tar")
        return lab
    }

    @Test("another host finds every step in a registry, and fetches layers only of those it uses")
    func registry() async throws {
        try await ServerLab.with { server in
            let reference = "\(server.authority)/shop/cache:main"
            let maker = try await OutputLab()
            try await maker.build(
                maker.request(Self.dockerfile, tags: ["site"]) {
                    $0.cacheTargets = [location("registry", ["ref": reference, "mode": "max"])]
                })
            let made = try await text("site", of: maker.lab)
            try await saveBase(of: maker.lab, server.folder)
            try await maker.lab.takeDown()

            let other = try await self.other(server.folder)
            let result = try await other.build(
                other.request(Self.dockerfile, tags: ["site"]) {
                    $0.cacheSources = [location("registry", ["ref": reference])]
                })
            #expect(try await text("site", of: other.lab) == made, "the step was run anew")
            #expect(result.cachedSteps >= 3, "\(result)")
            try await other.lab.takeDown()

            let without = try await self.other(server.folder)
            try await without.build(
                without.request(Self.dockerfile, tags: ["site"]) {
                    $0.cacheSources = [location("registry", ["ref": "\(server.authority)/shop/nothing:1"])]
                })
            #expect(try await text("site", of: without.lab) != made)
            try await without.lab.takeDown()
        }
    }

    @Test("a directory has a cache by its tag, and is refused where it is none")
    func directory() async throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-cache-")
        defer { try? Files.removeTree(folder) }
        let maker = try await OutputLab()
        try await maker.build(
            maker.request(Self.dockerfile, tags: ["site"]) {
                $0.cacheTargets = [location("local", ["dest": folder + "/c", "mode": "max"])]
            })
        let made = try await text("site", of: maker.lab)
        try await saveBase(of: maker.lab, folder)
        try await maker.lab.takeDown()
        #expect(try Files.list(folder + "/c").map(\.name).sorted() == ["blobs", "index.json", "oci-layout"])

        let other = try await self.other(folder)
        try await other.build(
            other.request(Self.dockerfile, tags: ["site"]) {
                $0.cacheSources = [location("local", ["src": folder + "/c"])]
            })
        #expect(try await text("site", of: other.lab) == made)
        try await other.lab.takeDown()
    }

    @Test("an image that was pushed is a cache of the steps it is made of")
    func inline() async throws {
        try await ServerLab.with { server in
            let reference = "\(server.authority)/shop/site:1"
            let dockerfile = "FROM busybox\nRUN head -c 16 /dev/urandom | md5sum > /copy\n"
            let maker = try await OutputLab()
            try await maker.build(
                maker.request(dockerfile, tags: [reference]) {
                    $0.cacheTargets = [location("inline", [:])]
                    $0.pushes = true
                })
            let made = try await text(reference, of: maker.lab)
            try await saveBase(of: maker.lab, server.folder)
            try await maker.lab.takeDown()
            let other = try await self.other(server.folder)
            try await other.build(
                other.request(dockerfile, tags: ["site"]) {
                    $0.cacheSources = [location("registry", ["ref": reference])]
                })
            #expect(try await text("site", of: other.lab) == made)
            try await other.lab.takeDown()
        }
    }
}
