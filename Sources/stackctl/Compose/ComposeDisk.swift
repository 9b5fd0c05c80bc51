import Compose
import Linux

/// The files of compose projects, on this host.
struct ComposeDisk: ComposeFiles {
    /// Bytes of a file.
    static let longest = 16 << 20

    func read(_ path: String) throws(ComposeFileFailure) -> [UInt8]? {
        do throws(SystemError) {
            guard let status = try Files.statusIfPresent(path) else { return nil }
            if status.kind != .directory { return try Files.readAll(path, limit: Self.longest) }
        } catch {
            switch error.errno {
            case .EACCES, .EPERM: throw ComposeFileFailure("may not be read by you")
            case .EFBIG: throw ComposeFileFailure("is larger than \(Self.longest >> 20) MiB")
            case .ENOTDIR: return nil
            default: throw ComposeFileFailure("cannot be read: \(error)")
            }
        }
        throw ComposeFileFailure("is a directory")
    }

    func exists(_ path: String) -> Bool { Files.exists(path) }
}
