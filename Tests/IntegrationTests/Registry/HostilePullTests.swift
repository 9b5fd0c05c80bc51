import Engine
import ImageStore
import Linux
import OCI
import Registry
import Synchronization
import Testing

/// Pulls from servers that are wrong or malicious: one clear sentence each, and the store as before.
@Suite("Pulling from a registry that misbehaves", .serialized, .timeLimit(.minutes(5)))
struct HostilePullTests {
    /// What a server has, by path, and what it does wrong instead.
    struct Shelf: Sendable {
        let files: String
        var manifest: String
        var wrong: [String: [ScriptedServer.Step]] = [:]

        /// Serves the manifest under any tag, and blobs by digest.
        func answer(_ request: ScriptedServer.Request) -> [ScriptedServer.Step] {
            let path = request.line.split(separator: " ").dropFirst().first.map(String.init) ?? ""
            if let wrong = wrong.first(where: { path.contains($0.key) })?.value {
                // A server that does not know HEAD leaves it to GET to say what is wrong.
                return request.line.hasPrefix("HEAD") ? [.answer(405)] : wrong
            }
            let isManifest = path.contains("/manifests/")
            let hex = path.split(separator: ":").last.map(String.init) ?? ""
            let name =
                isManifest && !path.contains("sha256:") ? files + "/" + manifest : files + "/oci/blobs/sha256/" + hex
            guard let bytes = try? Files.readAll(name, limit: 1 << 26) else { return [.answer(404)] }
            let type =
                manifest.hasPrefix("index") || manifest.hasPrefix("foreign")
                ? MediaType.ociIndex : MediaType.ociManifest
            let isIndex = isManifest && (try? ImageIndex(bytes: bytes)) != nil && type == MediaType.ociIndex
            let fields = isManifest ? ["Content-Type: \(isIndex ? MediaType.ociIndex : MediaType.ociManifest)"] : []
            let head = ["HTTP/1.1 200 X", "Content-Length: \(bytes.count)", "Connection: close"] + fields
            return [.text(head.joined(separator: "\r\n") + "\r\n\r\n")]
                + (request.line.hasPrefix("HEAD") ? [] : [.send(bytes)])
        }
    }

    /// Pulls from a shelf and gives the error; checks that the store has nothing more afterwards.
    private static func failure(
        _ lab: EngineLab, _ shelf: Shelf, reference suffix: String = ":1", platform: Platform? = nil,
        access: RegistryAccess = PullTests.access
    ) async throws -> EngineError {
        let server = try ScriptedServer { request, _ in shelf.answer(request) }
        let engine = try await lab.engine
        let before = try await engine.images.list()
        return try await server.whileServing {
            let error = try await PullTests.failure {
                _ = try await engine.pullImage(
                    try ImageReference("\(server.authority)/team/app\(suffix)"), platform: platform,
                    access: access)
            }
            #expect(try await engine.images.list() == before, "\(error)")
            #expect(!error.message.contains("\n") && error.diagnostics.count == 1, "\(error)")
            let incoming = lab.root + "/layers/.incoming"
            let halfMade = Files.exists(incoming) ? try Files.list(incoming) : []
            #expect(halfMade.isEmpty, "\(error)")
            return error
        }
    }

    @Test("what a registry says or does not say is told in one sentence")
    func answers() async throws {
        try await RegistryImages.withLayouts { files in
            let lab = try await EngineLab()
            func told(
                _ answer: [ScriptedServer.Step], access: RegistryAccess = PullTests.access
            ) async throws -> EngineError {
                try await Self.failure(
                    lab, Shelf(files: files, manifest: "amd.manifest", wrong: ["/manifests/": answer]), access: access)
            }
            let page = try await told([.answer(200, ["Content-Type: text/html"], "<html>sign in</html>")])
            #expect(page.message.contains("not JSON but text/html"), "\(page)")
            func list(_ code: String, _ text: String) -> String {
                #"{"errors":[{"code":"\#(code)","message":"\#(text)"}]}"#
            }
            let unknown = try await told([.answer(404, [], list("MANIFEST_UNKNOWN", "manifest unknown"))])
            #expect(unknown.kind == .notFound && unknown.message.hasSuffix("not found: manifest unknown"), "\(unknown)")
            let challenge = #"WWW-Authenticate: Basic realm="lab""#
            let stranger = try await told([.answer(401, [challenge], list("UNAUTHORIZED", "authentication required"))])
            #expect(stranger.kind == .notFound, "\(stranger)")
            #expect(stranger.message.contains("unauthorized: authentication required"), "\(stranger)")
            let denied = try await told([.answer(403, [], list("DENIED", "requested access is denied"))])
            #expect(denied.message.contains("pull access denied"), "\(denied)")
            #expect(denied.message.contains("requested access is denied"), "\(denied)")
            let busy = try await told([.answer(429, ["Retry-After: 0"], list("TOOMANYREQUESTS", "slow down"))])
            #expect(busy.kind == .limited && busy.message.contains("slow down"), "\(busy)")
            let silent = try await told([.wait(.seconds(900))], access: PullTests.impatient)
            #expect(silent.message.contains("cannot pull 127.0.0.1:"), "\(silent)")
            try await lab.takeDown()
        }
    }

    @Test("content that is not what was promised is refused")
    func content() async throws {
        try await RegistryImages.withLayouts { files in
            let lab = try await EngineLab()
            let layer = try Files.readAll(files + "/base.tar.gz", limit: 1 << 26)
            let digest = try SampleImage.digest(layer)
            func shelf(_ answer: [ScriptedServer.Step]) -> Shelf {
                Shelf(files: files, manifest: "amd.manifest", wrong: ["/blobs/\(digest)": answer])
            }
            var changed = layer
            changed[layer.count - 5] ^= 1
            let head = "HTTP/1.1 200 X\r\nContent-Length: \(layer.count)\r\nConnection: close\r\n\r\n"
            let damaged = try await Self.failure(lab, shelf([.text(head), .send(changed)]))
            #expect(damaged.message.contains("cannot pull"), "\(damaged)")
            let cut = try await Self.failure(lab, shelf([.text(head), .send(Array(layer.prefix(1000)))]))
            #expect(cut.message.contains("bytes remaining"), "\(cut)")
            let gone = try await Self.failure(lab, shelf([.answer(404)]))
            #expect(gone.message.contains(digest.description) && gone.message.contains("not found"), "\(gone)")

            let other = try Files.readAll(files + "/arm.manifest", limit: 1 << 20)
            let text = String(decoding: other, as: UTF8.self)
            let wanted = try RegistryImages.digest(files + "/amd.manifest")
            let swapped = try await Self.failure(
                lab,
                Shelf(
                    files: files, manifest: "amd.manifest",
                    wrong: ["/manifests/": [.answer(200, ["Content-Type: \(MediaType.ociManifest)"], text)]]),
                reference: "@\(wanted)")
            #expect(swapped.message.contains("digest is"), "\(swapped)")
            #expect(swapped.message.contains(wanted.description), "\(swapped)")
            let foreign = try await Self.failure(lab, Shelf(files: files, manifest: "foreign.document"))
            #expect(foreign.message.contains("there are images for linux/arm64/v8"), "\(foreign)")
            let asked = try await Self.failure(
                lab, Shelf(files: files, manifest: "index.document"), platform: Platform("windows/amd64"))
            #expect(asked.message.contains("linux/arm64/v8, linux/amd64"), "\(asked)")
            try await lab.takeDown()
        }
    }

    @Test("a pull that was cut goes on where it was, when it is asked for again")
    func resumed() async throws {
        try await RegistryImages.withLayouts { files in
            let lab = try await EngineLab()
            let engine = try await lab.engine
            let layer = try Files.readAll(files + "/base.tar.gz", limit: 1 << 26)
            let digest = try SampleImage.digest(layer)
            let isWell = Atomic(false)
            let shelf = Shelf(files: files, manifest: "amd.manifest")
            let server = try ScriptedServer { request, _ in
                guard request.line.contains("/blobs/\(digest)") else { return shelf.answer(request) }
                let start = request.field("Range").flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
                if !isWell.load(ordering: .relaxed) {
                    let head = "HTTP/1.1 200 X\r\nContent-Length: \(layer.count)\r\nConnection: close\r\n\r\n"
                    return start == nil ? [.text(head), .send(Array(layer.prefix(60_000)))] : [.answer(503)]
                }
                let range = start.map { "Content-Range: bytes \($0)-\(layer.count - 1)/\(layer.count)\r\n" } ?? ""
                let head =
                    "HTTP/1.1 \(start == nil ? 200 : 206) X\r\n\(range)Content-Length: \(layer.count - (start ?? 0))\r\n"
                return [.text(head + "Connection: close\r\n\r\n"), .send(Array(layer.dropFirst(start ?? 0)))]
            }
            try await server.whileServing {
                let name = try ImageReference("\(server.authority)/team/app:1")
                _ = try await PullTests.failure { _ = try await engine.pullImage(name, access: PullTests.access) }
                let asked = server.requests.count
                isWell.store(true, ordering: .relaxed)
                let pulled = try await engine.pullImage(name, access: PullTests.access)
                #expect(pulled.image.id == (try RegistryImages.digest(files + "/image.json")))
                let ranges = server.requests.dropFirst(asked).filter { $0.line.contains("/blobs/\(digest)") }
                    .compactMap { $0.field("Range") }
                #expect(ranges.count == 1 && ranges.first != "bytes=0-", "\(ranges)")
            }
            try await lab.takeDown()
        }
    }
}
