import OCI

/// What may be done in a repository, by the words of token scopes.
///
/// Source: distribution, "Token Scope Documentation".
enum RepositoryAction: String, Sendable, Hashable, CaseIterable {
    case pull, push, delete
}

/// Actions in one repository, or the list of all.
struct AccessGrant: Sendable, Hashable {
    enum Subject: Sendable, Hashable {
        case repository(String)
        case catalog
    }

    let subject: Subject
    let actions: Set<RepositoryAction>

    /// Reads `repository:NAME:pull,push` or `registry:catalog:*`; nil for anything else.
    init?(scope: String) {
        guard let first = scope.firstIndex(of: ":"), let last = scope.lastIndex(of: ":"), first < last else {
            return nil
        }
        let name = String(scope[scope.index(after: first)..<last])
        let words = String(scope[scope.index(after: last)...]).split(separator: ",").map(String.init)
        // A class may follow the type: `repository(plugin)`.
        switch scope[..<first].prefix(while: { $0 != "(" }) {
        case "repository":
            guard RepositoryName(name) != nil else { return nil }
            subject = .repository(name)
            actions =
                words.contains("*") ? Set(RepositoryAction.allCases) : Set(words.compactMap(RepositoryAction.init))
        case "registry":
            guard name == "catalog" else { return nil }
            subject = .catalog
            actions = [.pull]
        default: return nil
        }
    }

    init(_ subject: Subject, _ actions: Set<RepositoryAction>) {
        self.subject = subject
        self.actions = actions
    }

    /// The grant as a challenge asks for it.
    var scope: String {
        switch subject {
        case .catalog: return "registry:catalog:*"
        case .repository(let name):
            let words = RepositoryAction.allCases.filter(actions.contains).map(\.rawValue)
            return "repository:\(name):\(words.joined(separator: ","))"
        }
    }
}

/// Who calls, and what they may do.
struct Caller: Sendable, Hashable {
    enum Rights: Sendable, Hashable {
        case everything
        case nothing
        /// Read any repository.
        case pulling
        /// What a token says.
        case granted([AccessGrant])
    }

    /// The user's name; nil for one who gave none.
    var user: String?
    var rights: Rights

    func may(_ wanted: AccessGrant) -> Bool {
        switch rights {
        case .everything: return true
        case .nothing: return false
        case .pulling:
            if case .repository = wanted.subject { return wanted.actions == [.pull] }
            return false
        case .granted(let grants):
            return grants.contains { $0.subject == wanted.subject && wanted.actions.isSubset(of: $0.actions) }
        }
    }

    func mayPull(_ repository: RepositoryName) -> Bool {
        may(AccessGrant(.repository(repository.description), [.pull]))
    }
}
