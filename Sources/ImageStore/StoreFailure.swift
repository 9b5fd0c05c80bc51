import Archives
import Diagnostics
import Linux
import OCI
import StateStore

/// The codes of this module's diagnostics.
///
/// Stable: clients and the API decide by them.
package enum StoreCode {
    /// Reading or writing the store failed.
    package static let io = "SC4001"
    /// The disk is full.
    package static let diskFull = "SC4002"
    /// A tar, gzip or other archive was refused.
    package static let badArchive = "SC4003"
    /// A path that was given is not there or not of the right kind.
    package static let badSource = "SC4004"
    /// An image config or manifest was refused.
    package static let badDocument = "SC4005"
    /// A text is no image reference.
    package static let badReference = "SC4006"
    /// No image of that name or id.
    package static let noSuchImage = "SC4010"
    /// An id prefix fits several images.
    package static let ambiguousID = "SC4011"
    /// The image is used by a container.
    package static let imageInUse = "SC4012"
    /// The image has several names.
    package static let imageHasNames = "SC4013"
    /// A blob or a layer is damaged or missing.
    package static let damaged = "SC4014"
    /// A layer could not be mounted.
    package static let mountFailed = "SC4015"
    /// Whoever asked for it went away.
    package static let cancelled = "SC4016"
    /// Bytes have another digest than what names them.
    package static let wrongDigest = "SC4017"
    /// mmdebstrap is not installed.
    package static let noMmdebstrap = "SC4020"
    /// mmdebstrap failed.
    package static let debianFailed = "SC4021"
    /// A locked package version is not available.
    package static let lockUnavailable = "SC4022"
    /// The description of a Debian image is wrong.
    package static let badDebianImage = "SC4023"
}

/// Makes what users read of what went wrong below.
enum StoreFailure {
    /// - Parameter doing: what was being done, such as "importing /tmp/a.tar".
    static func diagnostic(_ error: any Error, doing: String) -> Diagnostic {
        switch error {
        case let diagnostic as Diagnostic: diagnostic
        case let error as ArchiveError: archive(error, doing: doing)
        case let error as SystemError: system(error, doing: doing)
        case let error as DatabaseError where error.isFull:
            full(error.description, doing: doing)
        case let error as OCIError:
            Diagnostic(code: StoreCode.badDocument, summary: "\(doing) failed", detail: error.description)
        case is CancellationError:
            Diagnostic(code: StoreCode.cancelled, summary: "\(doing) was cancelled")
        default: Diagnostic(code: StoreCode.io, summary: "\(doing) failed", detail: "\(error)")
        }
    }

    /// An error of an archive that is of the machine or of whoever sends the bytes, not of the bytes.
    static func isOfTheMachine(_ error: any Error) -> Bool {
        switch error {
        case is SystemError: return true
        case let error as ArchiveError:
            switch error {
            case .system, .source, .interrupted, .missingLibrary: return true
            default: return false
            }
        case is DatabaseError, is CancellationError: return true
        case let diagnostic as Diagnostic: return [StoreCode.io, StoreCode.diskFull].contains(diagnostic.code)
        default: return false
        }
    }

    private static func archive(_ error: ArchiveError, doing: String) -> Diagnostic {
        if case .system(let error) = error { return system(error, doing: doing) }
        if case .source(let error) = error { return diagnostic(error, doing: doing) }
        return Diagnostic(code: StoreCode.badArchive, summary: "\(doing) failed", detail: error.description)
    }

    private static func system(_ error: SystemError, doing: String) -> Diagnostic {
        switch error.errno {
        case .ENOSPC, .EDQUOT:
            full(error.description, doing: doing)
        default: Diagnostic(code: StoreCode.io, summary: "\(doing) failed", detail: error.description)
        }
    }

    private static func full(_ detail: String, doing: String) -> Diagnostic {
        Diagnostic(
            code: StoreCode.diskFull, summary: "the disk is full while \(doing)", detail: detail,
            hint: "free some room and run it again; nothing half-made was left behind")
    }
}

/// Runs a body and makes a diagnostic of what it throws.
func reporting<Value>(_ doing: String, _ body: () throws -> Value) throws(Diagnostic) -> Value {
    do {
        return try body()
    } catch {
        throw StoreFailure.diagnostic(error, doing: doing)
    }
}
