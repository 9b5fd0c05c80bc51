import Compose
import Linux

/// Compose files and what they name, as the user who runs the command can read them.
///
/// Only regular files are read: a named pipe would wait for a writer, a device has no end.
struct UserComposeFiles: ComposeFiles {
    /// No file is read that has more bytes.
    static let sizeLimit = 16 << 20

    func read(_ path: String) throws(ComposeFileFailure) -> [UInt8]? {
        let status: FileStatus?
        do {
            status = try Files.statusIfPresent(path)
        } catch {
            throw Self.failure(error)
        }
        guard let status else { return nil }
        if let reason = Self.refusal(status) { throw ComposeFileFailure(reason) }
        do {
            return try Files.readAll(path, limit: Self.sizeLimit)
        } catch {
            throw Self.failure(error)
        }
    }

    func exists(_ path: String) -> Bool { Files.exists(path) }

    private static func refusal(_ status: FileStatus) -> String? {
        switch status.kind {
        case .regular: status.size > Int64(sizeLimit) ? "has more than 16 MiB" : nil
        case .directory: "is a directory"
        case .fifo: "is a named pipe and not a file; standard input is read as -"
        case .socket: "is a socket and not a file"
        case .characterDevice, .blockDevice: "is a device and not a file"
        case .symbolicLink, .unknown: "is not a file"
        }
    }

    private static func failure(_ error: SystemError) -> ComposeFileFailure {
        let reason =
            switch error.errno {
            case .EACCES, .EPERM: "may not be read by this user"
            case .EFBIG: "has more than 16 MiB"
            case .ELOOP: "is a link that leads in a circle"
            default: "cannot be read: \(error.errno.text)"
            }
        return ComposeFileFailure(reason)
    }
}
