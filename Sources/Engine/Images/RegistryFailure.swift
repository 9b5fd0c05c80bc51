import Diagnostics
import ImageStore
import OCI
import Registry

/// Makes the engine's error of what went wrong with a registry: Docker's wording where there is one, since clients show
/// and match it.
enum RegistryFailure {
    /// What was being done.
    enum Action {
        case pull, push, search, login

        var name: String {
            switch self {
            case .pull: "pull"
            case .push: "push"
            case .search: "search"
            case .login: "log in to"
            }
        }

        /// The same while it goes on.
        var doing: String {
            switch self {
            case .pull: "pulling"
            case .push: "pushing"
            case .search: "searching"
            case .login: "logging in to"
            }
        }
    }

    /// - Parameter subject: the image or the registry it was done with, as users write it.
    static func error(_ error: any Error, _ action: Action, _ subject: String) -> EngineError {
        switch error {
        case let error as EngineError: return error
        case let error as RegistryError: return registry(error, action, subject)
        case let error as OCIError: return document(error, action, subject)
        case var diagnostic as Diagnostic:
            let cause = diagnostic.summary + (diagnostic.detail.map { ": \($0)" } ?? "")
            diagnostic.summary = "\(action.doing) \(subject) failed"
            diagnostic.detail = cause
            return EngineError(
                kind(code: diagnostic.code), "cannot \(action.name) \(subject): \(cause)", diagnostics: [diagnostic])
        default: return .wrapping(error, doing: "cannot \(action.name) \(subject)")
        }
    }

    private static func registry(_ error: RegistryError, _ action: Action, _ subject: String) -> EngineError {
        let diagnostic = error.diagnostic(doing: "\(action.doing) \(subject)")
        func make(_ kind: EngineError.Kind, _ text: String) -> EngineError {
            EngineError(kind, text, diagnostics: [diagnostic])
        }
        switch (action, error) {
        case (.pull, .notFound(let name, let words)):
            let isRepository = words.contains { $0.code == "NAME_UNKNOWN" }
            let what = isRepository ? "repository \(subject)" : "manifest for \(subject)"
            return make(.notFound, "\(what) not found: \(said(words, or: "\(name.address) is not there"))")
        // Not 401 either: Docker's client would ask for a password then, whether somebody is there or not.
        case (.pull, .denied(_, let words)): return make(.notFound, accessDenied(subject, said(words, or: "denied")))
        case (.pull, .unauthorized(_, let words)):
            return make(
                .notFound, accessDenied(subject, "unauthorized: " + said(words, or: "authentication required")))
        case (.push, .denied(_, let words)):
            return make(.forbidden, "denied: \(said(words, or: "access to \(subject) is denied"))")
        case (.login, .unauthorized(let name, let words)):
            return make(
                .unauthorized,
                "Get \"\(name.address)\": unauthorized: \(said(words, or: "incorrect username or password"))")
        case (_, .unauthorized(_, let words)):
            return make(
                .unauthorized,
                "cannot \(action.name) \(subject): unauthorized: \(said(words, or: "authentication required"))")
        case (_, .refused(_, status: 429, let words, let excerpt)):
            return make(
                .limited,
                "cannot \(action.name) \(subject): the registry says that it was asked too often: "
                    + said(words, or: excerpt.isEmpty ? "toomanyrequests" : excerpt))
        default: return make(kind(code: error.code), "cannot \(action.name) \(subject): \(error)")
        }
    }

    /// Registries tell strangers the same of a repository that is not there and of one that is not theirs.
    private static func accessDenied(_ subject: String, _ reason: String) -> String {
        "pull access denied for \(subject), repository does not exist or may require 'docker login': \(reason)"
    }

    /// What the registry itself said.
    private static func said(_ words: [RegistryComplaint], or standard: String) -> String {
        let texts = words.map { $0.message.isEmpty ? $0.code : $0.message }.filter { !$0.isEmpty }
        return texts.isEmpty ? standard : texts.joined(separator: "; ")
    }

    private static func document(_ error: OCIError, _ action: Action, _ subject: String) -> EngineError {
        let diagnostic = Diagnostic(
            code: StoreCode.badDocument, summary: "\(action.doing) \(subject) failed", detail: error.description)
        guard case .noSuchPlatform(let wanted, _) = error else {
            return EngineError(
                .failed, "cannot \(action.name) \(subject): \(error.description)", diagnostics: [diagnostic])
        }
        return EngineError(
            .notFound,
            "no matching manifest for \(wanted) in the manifest list entries of \(subject): \(error.description)",
            diagnostics: [diagnostic])
    }

    private static func kind(code: String) -> EngineError.Kind {
        switch code {
        case "SC4106": .unauthorized
        case "SC4107": .forbidden
        case "SC4108", StoreCode.noSuchImage: .notFound
        default: .failed
        }
    }
}
