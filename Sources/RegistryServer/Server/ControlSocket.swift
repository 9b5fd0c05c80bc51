import Diagnostics
import HTTP
import JSONText
import Linux

/// The way for programs of the root's owner to ask a running server for something: `<root>/control.sock`.
final class ControlSocket: Sendable {
    private static let name = "control.sock"
    private let listener: SocketListener
    private let collector: GarbageCollector
    private let log: RegistryLog

    init(root: String, collector: GarbageCollector, log: RegistryLog) throws(Diagnostic) {
        let path = "\(root)/\(Self.name)"
        do throws(SystemError) {
            listener = try SocketListener.unix(path, mode: 0o600)
        } catch {
            throw Diagnostic(
                code: "SC4201", summary: "the registry's root \(root) cannot be used", detail: "\(error)",
                hint: "remove \(path), or give another directory: --root DIR")
        }
        self.collector = collector
        self.log = log
    }

    func run() async throws {
        let collector = self.collector
        let log = self.log
        let server = HTTPServer(listener: listener, failure: RegistryService.failure) { request, responder in
            guard request.method == "POST", request.target.path == "/gc" else { throw APIFailure.noSuchPage }
            let untagged = request.target.first("untagged") == "1"
            let report = try await BlockingExecutor.shared.run { try collector.collect(untagged: untagged) }
            log.note("garbage collection: \(report)")
            try await responder.respond(
                200, headers: ["Content-Type": "application/json"], body: report.json.serializedBytes())
        }
        try await server.run()
    }

    func close() { listener.close() }

    // MARK: The asking side

    /// Collects garbage in a root: through the server that has it, or here where none does.
    ///
    /// - Throws: `Diagnostic`.
    static func collect(root: String, untagged: Bool, grace: Duration) async throws -> CollectionReport {
        if let socket = try? await AsyncSocket.connect(unix: "\(root)/\(name)") {
            let client = HTTPClient { socket }
            let response = try await client.send("POST", "/gc" + (untagged ? "?untagged=1" : ""))
            let body = try await response.collect(limit: 1 << 20)
            guard response.status == 200, let value = try? JSONValue.parse(body), let report = CollectionReport(value)
            else {
                throw Diagnostic(
                    code: "SC4209", summary: "the registry server of \(root) did not collect its garbage",
                    detail: String(decoding: body, as: UTF8.self), hint: "its log says why")
            }
            return report
        }
        return try await BlockingExecutor.shared.run {
            guard Files.exists("\(root)/format") else {
                throw Diagnostic(
                    code: "SC4210", summary: "\(root) holds no registry",
                    hint: "give the directory a registry server keeps its images in: --root DIR")
            }
            let store = try RegistryStore(path: root, grace: grace)
            let collector = GarbageCollector(store: store, metrics: RegistryMetrics(), isForeign: { _ in false })
            _ = try UploadTable(store, limit: 0, expiry: .seconds(24 * 3600)).expire()
            return try collector.collect(untagged: untagged)
        }
    }
}

/// Garbage collection of a root from outside.
package enum RegistryCollection {
    /// Collects garbage: through the server that has the root, or here where none does.
    ///
    /// - Parameters:
    ///   - untagged: whether manifests that no tag leads to are garbage too.
    ///   - grace: how long what no manifest names is kept, where no server has an opinion.
    /// - Throws: `Diagnostic`.
    package static func run(root: String, untagged: Bool, grace: Duration) async throws -> CollectionReport {
        try await ControlSocket.collect(root: root, untagged: untagged, grace: grace)
    }
}
