import Diagnostics
import HTTP
import JSONText
import Registry

/// A path in a container, as the daemon describes it.
struct ContainerPath: Sendable {
    let side: CopySide
    /// Where a symbolic link points; empty for anything else.
    let linkTarget: String
    let isLink: Bool
    /// Whether it is a directory or a file: nothing else is copied to.
    let isOrdinary: Bool
    let size: Int64

    /// The bits of Go's `FileMode`.
    private static let directoryBit: Int64 = 1 << 31
    private static let linkBit: Int64 = 1 << 27
    private static let typeBits: Int64 = 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19

    /// Reads what the header `X-Docker-Container-Path-Stat` says; nil where there is none.
    init?(_ headers: HTTPHeaders, path: String) {
        guard let text = headers["X-Docker-Container-Path-Stat"], let bytes = Base64.decode(text),
            let value = try? JSONValue.parse(bytes)
        else { return nil }
        let mode = value["mode"]?.intValue ?? 0
        side = CopySide(path: path, exists: true, isDirectory: mode & ContainerPath.directoryBit != 0)
        isLink = mode & ContainerPath.linkBit != 0
        isOrdinary = mode & ContainerPath.typeBits & ~ContainerPath.directoryBit == 0
        linkTarget = value["linkTarget"]?.stringValue ?? ""
        size = value["size"]?.intValue ?? 0
    }

    /// Asks the daemon about a path; nil where there is nothing.
    static func find(_ path: String, in container: String, _ daemon: DaemonClient) async throws -> ContainerPath? {
        let target = Target("containers", container, "archive").with("path", path).text
        let response = try await daemon.send("HEAD", target)
        defer { response.close() }
        guard response.status < 400 else {
            // A head has no body that says why: the container itself is asked for where it is not the path.
            if response.status == 404 {
                _ = try await daemon.get(Target("containers", container, "json").text)
                return nil
            }
            throw DaemonClient.failure(status: response.status, body: [], of: target)
        }
        return ContainerPath(response.headers, path: path)
    }

    /// The path that a link leads to, relative ones from where it is.
    func resolved(from path: String) -> String {
        linkTarget.hasPrefix("/") ? linkTarget : CopySide(path: path).parent + "/" + linkTarget
    }
}
