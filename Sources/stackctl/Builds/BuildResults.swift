import Archives
import Diagnostics
import HTTP
import JSONText
import Linux
import OCI

/// Brings what a build made for its caller to where it goes.
struct BuildResults: Sendable {
    let daemon: DaemonClient

    /// Fetches the archives of a result, in the order they were asked for.
    func fetch(_ result: JSONValue, to destinations: [BuildDestination]) async throws {
        let outputs = result["outputs"]?.arrayValue ?? []
        for (output, destination) in zip(outputs, destinations.filter { $0.archive != nil }) {
            let target = Target("builds", "outputs", output["id"]?.stringValue ?? "")
            let response = try await daemon.open("GET", target.text)
            defer { response.close() }
            switch destination {
            case .directory(let path): try await unpack(response, into: path)
            case .tar(let path), .dockerArchive(let path), .ociArchive(let path):
                try await ReceivedArchive.write(response, to: path)
            case .store, .push, .named: break
            }
        }
    }

    private func unpack(_ response: HTTPClientResponse, into path: String) async throws {
        let folder: SharedDescriptor
        do {
            try Files.makeDirectories(path)
            folder = try Files.open(path, [.readOnly, .directory]).shared()
        } catch {
            throw Diagnostic(
                code: "SC0204", summary: "the result cannot be written to \(path)", detail: "\(error)",
                hint: "name a directory of yours")
        }
        do {
            _ = try await LocalUnpacking(folder: folder, renaming: nil, keepsOwners: CurrentProcess.uid == 0)
                .unpack(response)
        } catch let error as ArchiveError {
            throw Diagnostic(code: "SC0204", summary: "the result cannot be written to \(path)", detail: "\(error)")
        }
    }

    /// What `--metadata-file` gets, in buildx's words.
    ///
    /// - Parameter tags: the names that were asked for; an image that is not kept has them in its archive.
    static func metadata(_ result: JSONValue, tags: [String]) -> JSONObject {
        var object = JSONObject()
        if let digest = result["manifestDigest"]?.stringValue { object["containerimage.digest"] = .string(digest) }
        if let id = result["imageID"]?.stringValue { object["containerimage.config.digest"] = .string(id) }
        var names = (result["references"]?.arrayValue ?? []).compactMap(\.stringValue)
        if names.isEmpty { names = tags.compactMap { try? ImageReference($0).withDefaultTag.familiar } }
        if !names.isEmpty { object["image.name"] = .string(names.joined(separator: ",")) }
        if let id = result["historyID"]?.stringValue { object["buildx.build.ref"] = .string(id) }
        return object
    }
}
