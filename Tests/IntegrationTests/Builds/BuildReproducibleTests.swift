import Builder
import ImageStore
import Linux
import OCI
import Testing

@Suite("Builds that give the same again", .timeLimit(.minutes(15)))
struct BuildReproducibleTests {
    private static let dockerfile = """
        FROM base AS made
        RUN date > /dev/null; mkdir -p /out/a /out/b; echo x > /out/a/x; ln -s x /out/a/y; touch /out/b/z
        FROM base
        WORKDIR /srv/deep
        COPY . .
        COPY --from=made /out /out
        RUN echo made > made
        CMD ["sh"]
        """

    /// Builds in a store of its own.
    private func digests(_ epoch: Timestamp? = nil) async throws -> [String] {
        var digests: [String] = []
        try await BuildLab.run { lab in
            try lab.write(["b": "2\n", "a": "1\n", "d/c": "3\n"])
            try lab.touch("d", BuildLab.written)
            let base = try ImageReference("base:latest")
            // What is imported has the time of the import: the base is one that both stores make alike.
            let busybox = try await lab.build("FROM scratch\nCOPY --from=busybox / /\n") { request in
                request.tags = [base]
                request.sourceDateEpoch = Timestamp(seconds: 1_500_000_000)
            }
            let result = try await lab.build(Self.dockerfile) { $0.sourceDateEpoch = epoch }
            let image = try await lab.image(result)
            #expect(image.config.created == (epoch ?? BuildLab.written).rfc3339.prefix(19) + "Z")
            digests = [busybox, result].map { "\($0.manifestDigest.map(\.description) ?? "")" }
            digests += image.layers.map(\.description)
        }
        return digests
    }

    @Test("the same inputs give the same digests in two stores at two times")
    func twoStores() async throws {
        let first = try await digests()
        let second = try await digests()
        #expect(first == second)
        let dated = try await digests(Timestamp(seconds: 1_650_000_000))
        let again = try await digests(Timestamp(seconds: 1_650_000_000))
        #expect(dated.last != first.last && dated == again)
    }
}
