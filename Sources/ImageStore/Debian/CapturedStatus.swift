import Synchronization

/// The package database that passes by in an archive.
final class CapturedStatus: Sendable {
    /// Where it is in a Debian system.
    static let path = "var/lib/dpkg/status"

    private let bytes = Mutex<[UInt8]>([])

    func set(_ value: [UInt8]) { bytes.withLock { $0 = value } }

    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
}
