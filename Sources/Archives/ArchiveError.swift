import Linux

/// Why an archive was refused, or could not be read or written.
package enum ArchiveError: Error, Sendable, CustomStringConvertible {
    /// The archive breaks the rules of its format, or ours. `entry` is the entry's name, `offset` that of its header in
    /// the uncompressed archive, in bytes.
    case malformed(entry: String?, offset: UInt64, reason: String)
    /// The archive ends before it is complete.
    case truncated(entry: String?, offset: UInt64)
    /// A limit was reached that protects the machine.
    case limit(entry: String?, offset: UInt64, reason: String)
    /// The compressed stream is damaged; `offset` counts compressed bytes.
    case corruptCompression(format: String, offset: UInt64, reason: String)
    /// The stream is in a compression that is not read here.
    case unsupportedCompression(String)
    /// A library of the distribution is not installed.
    case missingLibrary(format: String, package: String)
    /// The kernel refused.
    case system(SystemError)
    /// The receiver of a stream went away or refused.
    case interrupted(String)
    /// The bytes could not be had from where they are, such as a registry.
    case source(any Error)

    package var description: String {
        switch self {
        case .malformed(let entry, let offset, let reason), .limit(let entry, let offset, let reason):
            "\(Self.place(entry, offset)): \(reason)"
        case .truncated(let entry, let offset):
            "\(Self.place(entry, offset)): the archive ends in the middle"
        case .corruptCompression(let format, let offset, let reason):
            "the \(format) stream is damaged at byte \(offset): \(reason)"
        case .unsupportedCompression(let name):
            "\(name) is not supported here; give the archive uncompressed or as gzip, zstd, xz or bzip2"
        case .missingLibrary(let format, let package):
            "\(format) cannot be read: its library is not installed (apt-get install \(package))"
        case .system(let error): error.description
        case .interrupted(let reason): reason
        case .source(let error): "\(error)"
        }
    }

    private static func place(_ entry: String?, _ offset: UInt64) -> String {
        guard let entry else { return "archive at byte \(offset)" }
        return "entry `\(entry.isEmpty ? "/" : entry)` at byte \(offset)"
    }
}
