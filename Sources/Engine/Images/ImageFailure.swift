import Diagnostics
import ImageStore

extension EngineError {
    /// What the image store says, in the kind of failure that it is.
    static func image(_ error: any Error, doing what: String? = nil) -> EngineError {
        guard let diagnostic = error as? Diagnostic, let kind = kind(ofStoreCode: diagnostic.code) else {
            return wrapping(error, doing: what)
        }
        let detail = diagnostic.detail.map { ": \($0)" } ?? ""
        let prefix = what.map { "\($0): " } ?? ""
        return EngineError(kind, "\(prefix)\(diagnostic.summary)\(detail)", diagnostics: [diagnostic])
    }

    private static func kind(ofStoreCode code: String) -> Kind? {
        switch code {
        case StoreCode.noSuchImage: .notFound
        case StoreCode.ambiguousID, StoreCode.badArchive, StoreCode.badDocument, StoreCode.badReference,
            StoreCode.badSource:
            .invalid
        case StoreCode.imageInUse, StoreCode.imageHasNames: .conflict
        default: nil
        }
    }
}
