import Diagnostics
import OCI

@testable import RegistryServer

extension FuzzTarget {
    /// What clients of the registry server say, line by line: paths, ranges, scopes, tokens; and its file of users.
    static let registryServer = FuzzTarget("registry-server", mutations: 150) { input in
        let text = String(decoding: input, as: UTF8.self)
        _ = parsed { () throws(Diagnostic) in try PasswordFile.parse(text, path: "htpasswd") }
        _ = parsed { () throws(OCIError) in try ManifestFacts(input, mediaType: nil) }
        let issuer = TokenIssuer(key: [UInt8](repeating: 7, count: 32))
        for line in text.split(separator: "\n").map(String.init) {
            try checkRanges(line)
            if let route = parsed({ () throws(APIFailure) in try Route(path: line) }) { try check(route, line) }
            if let grant = AccessGrant(scope: line) {
                try require(AccessGrant(scope: grant.scope) == grant, "scope `\(line)` changes as `\(grant.scope)`")
            }
            try require(issuer.claims(line) == nil, "a token that nobody issued is taken: \(line)")
        }
    }

    private static func checkRanges(_ line: String) throws {
        for size in [Int64(0), 1, 1000, .max] {
            guard case .part(let from, let count) = ByteRange(line, size: size) else { continue }
            try require(from >= 0 && count > 0 && count <= size - from, "range `\(line)` of \(size) bytes")
        }
        if let range = ChunkRange(line) { try require(range.first >= 0 && range.count > 0, "chunk `\(line)`") }
    }

    /// No name leads out of the folder of repositories.
    private static func check(_ route: Route, _ line: String) throws {
        if let name = route.repository?.description {
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            try require(
                parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.utf8.contains(0) },
                "`\(line)` is about the repository `\(name)`")
        }
        if case .upload(_, let id) = route { try require(!id.isEmpty && !id.contains("/"), "`\(line)`") }
    }
}
