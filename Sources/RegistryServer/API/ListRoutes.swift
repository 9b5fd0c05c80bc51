import HTTP
import JSONText
import Linux
import OCI

/// What there is: tags, repositories, referrers.
struct ListRoutes: Sendable {
    let store: RegistryStore

    /// Most entries of a list that was asked for without a number.
    private static let catalogLimit = 1000
    /// Most bytes of the descriptors in one list of referrers.
    private static let referrerBytes = 3 << 20

    func tags(_ call: APICall, _ repository: RepositoryName) async throws {
        try Self.readOnly(call)
        let names = try await BlockingExecutor.shared.run { () throws -> [String]? in
            guard try store.exists(repository) else { return nil }
            return try store.tags(in: repository).map(\.description)
        }
        guard let names else { throw APIFailure.unknownRepository }
        let page = try Page(names, call, most: nil)
        var fields: HTTPHeaders = ["Content-Type": "application/json"]
        if let next = page.next { fields.set("Link", "</v2/\(repository)/tags/list?\(next)>; rel=\"next\"") }
        var object = JSONObject()
        object["name"] = .string(repository.description)
        object["tags"] = .array(page.entries.map { .string($0) })
        try await call.respond(200, headers: fields, body: JSONValue.object(object).serializedBytes())
    }

    func catalog(_ call: APICall) async throws {
        try Self.readOnly(call)
        let names = try await BlockingExecutor.shared.run { try store.repositories().map(\.description) }
        let page = try Page(names, call, most: Self.catalogLimit)
        var fields: HTTPHeaders = ["Content-Type": "application/json"]
        if let next = page.next { fields.set("Link", "</v2/_catalog?\(next)>; rel=\"next\"") }
        let body = JSONValue.object(["repositories": .array(page.entries.map { .string($0) })])
        try await call.respond(200, headers: fields, body: body.serializedBytes())
    }

    func referrers(_ call: APICall, _ repository: RepositoryName, _ subject: Digest) async throws {
        try Self.readOnly(call)
        let type = call.query("artifactType").flatMap { $0.isEmpty ? nil : $0 }
        let last = call.query("last")
        let (found, hasMore) = try await BlockingExecutor.shared.run {
            try store.referrers(of: subject, in: repository, after: last, type: type, limit: Self.referrerBytes)
        }
        var fields: HTTPHeaders = ["Content-Type": MediaType.ociIndex]
        if type != nil { fields.set("OCI-Filters-Applied", "artifactType") }
        if hasMore, let end = found.last {
            var query = "last=\(RequestTarget.encoded(StoreLayout.fileName(end.digest)))"
            if let type { query += "&artifactType=\(RequestTarget.encoded(type))" }
            fields.set("Link", "</v2/\(repository)/referrers/\(subject)?\(query)>; rel=\"next\"")
        }
        try await call.respond(200, headers: fields, body: ImageIndex(manifests: found).serialized())
    }

    private static func readOnly(_ call: APICall) throws(APIFailure) {
        guard call.method == "GET" || call.method == "HEAD" else { throw .wrongMethod("GET, HEAD") }
    }
}

/// A part of a sorted list, as `n` and `last` ask for it.
struct Page: Sendable, Hashable {
    let entries: [String]
    /// The query that gives the next part; nil at the end.
    let next: String?

    /// Reads the query of a call.
    ///
    /// - Parameters:
    ///   - names: the whole list, sorted by bytes.
    ///   - most: the most entries at once; nil for any number.
    init(_ names: [String], _ call: APICall, most: Int?) throws(APIFailure) {
        try self.init(names, number: call.query("n"), last: call.query("last"), most: most)
    }

    init(_ names: [String], number: String?, last: String?, most: Int?) throws(APIFailure) {
        var count = most ?? .max
        if let number {
            guard let wanted = Int(number), wanted >= 0 else {
                throw APIFailure(400, .unsupported, "`n` is a whole number, zero or more")
            }
            count = min(count, wanted)
        }
        var start = 0
        if let last, !last.isEmpty {
            var end = names.count
            while start < end {
                let middle = (start + end) / 2
                if last.utf8.lexicographicallyPrecedes(names[middle].utf8) { end = middle } else { start = middle + 1 }
            }
        }
        let rest = names[start...]
        entries = Array(rest.prefix(count))
        if rest.count > entries.count, let end = entries.last {
            next = "n=\(count)&last=\(RequestTarget.encoded(end))"
        } else {
            next = nil
        }
    }
}
