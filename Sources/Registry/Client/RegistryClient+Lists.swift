import HTTP
import JSONText
import OCI

/// One answer to a search.
package struct FoundRepository: Sendable, Hashable {
    /// The repository's name.
    package let name: String
    package let description: String
    package let stars: Int64
    package let isOfficial: Bool
    package let isAutomated: Bool
}

extension RegistryClient {
    /// Most bytes of one page of a list, most pages, and most entries of all pages.
    private static let listLimit = (bytes: 4 << 20, pages: 1_000, entries: 1_000_000)

    /// The repository's tags, of all pages.
    ///
    /// - Parameter pageSize: how many to ask for at once.
    package func tags(pageSize: Int = 1_000) throws(RegistryError) -> [String] {
        var tags: [String] = []
        try pages(.path(path("tags/list?n=\(pageSize)")), "the list of tags") { value, name throws(RegistryError) in
            // Go writes an empty list as null.
            guard let entries = value["tags"], !entries.isNull else { return }
            guard let texts = entries.arrayValue?.map(\.stringValue), !texts.contains(nil) else {
                throw .badAnswer(name, "`tags` is not a list of strings")
            }
            tags += texts.compactMap(\.self)
            guard tags.count <= Self.listLimit.entries else {
                throw .tooLarge(name, what: "the list of tags", limit: Self.listLimit.entries)
            }
        }
        return tags
    }

    /// The manifests that refer to a manifest (signatures, attestations), of one kind or all.
    package func referrers(
        to digest: Digest, artifactType: String? = nil
    ) throws(RegistryError) -> [Descriptor] {
        var found: [Descriptor] = []
        let query = artifactType.map { "?artifactType=\(RequestTarget.encoded($0))" } ?? ""
        do throws(RegistryError) {
            try pages(.path(path("referrers/\(digest)\(query)")), "the list of referrers") {
                value, name throws(RegistryError) in
                found += try Self.descriptors(value, name)
                guard found.count <= Self.listLimit.entries else {
                    throw .tooLarge(name, what: "the list of referrers", limit: Self.listLimit.entries)
                }
            }
        } catch .notFound {
            found = try referrersByTag(digest)
        }
        // The filter is the registry's choice.
        return artifactType.map { type in found.filter { $0.artifactType == type } } ?? found
    }

    /// Where the registry has no list of referrers: the index kept under a tag made of the digest.
    ///
    /// Source: OCI distribution specification, "Referrers Tag Schema".
    private func referrersByTag(_ digest: Digest) throws(RegistryError) -> [Descriptor] {
        let tag = Self.referrersTag(of: digest)
        do throws(RegistryError) {
            let manifest = try fetch(tag, origin)
            let name = RequestName(method: "GET", address: "\(domain)/\(repository):\(tag)")
            guard let value = try? JSONValue.parse(manifest.bytes) else { return [] }
            return try Self.descriptors(value, name)
        } catch .notFound {
            return []
        }
    }

    private static func descriptors(_ value: JSONValue, _ name: RequestName) throws(RegistryError) -> [Descriptor] {
        guard let entries = value["manifests"]?.arrayValue else {
            throw .badAnswer(name, "the list of referrers is no index: `manifests` is missing")
        }
        var found: [Descriptor] = []
        for entry in entries {
            guard let type = entry["mediaType"]?.stringValue, let text = entry["digest"]?.stringValue,
                let digest = Digest(text), let size = entry["size"]?.intValue, size >= 0
            else { throw .badAnswer(name, "an entry of `manifests` is no descriptor") }
            var descriptor = Descriptor(mediaType: type, digest: digest, size: size)
            descriptor.artifactType = entry["artifactType"]?.stringValue
            for (key, value) in entry["annotations"]?.objectValue ?? [:] {
                descriptor.annotations[key] = value.stringValue
            }
            found.append(descriptor)
        }
        return found
    }

    /// Reads a list page by page.
    private func pages(
        _ first: RegistryCall.Target, _ what: String,
        _ body: (JSONValue, RequestName) throws(RegistryError) -> Void
    ) throws(RegistryError) {
        var target = first
        var seen: Set<WebAddress> = []
        for _ in 0..<Self.listLimit.pages {
            let call = RegistryCall(
                method: "GET", target: target, headers: ["Accept": "application/json, \(MediaType.ociIndex)"],
                scopes: [.pull(repository)])
            let response = try origin.call(call, expecting: [200])
            let (name, address) = (response.name, response.address)
            let link = LinkField.next(response.headers.all("Link"))
            try body(try JSONAnswer.object(response, what, limit: Self.listLimit.bytes).value, name)
            guard let link else { return }
            guard let next = address.resolving(link), next.hasSameOrigin(as: address) else {
                throw .badAnswer(name, "the link to the next page leads elsewhere")
            }
            guard seen.insert(next).inserted else {
                throw .badAnswer(name, "the link to the next page leads in a circle")
            }
            target = .address(next)
        }
        throw .tooLarge(
            RequestName(method: "GET", address: "\(domain)/\(repository)"), what: what, limit: Self.listLimit.pages)
    }
}

/// Search, which belongs to a registry and not to one of its repositories.
package enum RegistrySearch {
    /// Searches a registry that has `/v1/search`, such as Docker Hub.
    ///
    /// - Parameter limit: how many answers are wanted, at most 100.
    package static func run(
        _ term: String, domain: String = "docker.io", limit: Int = 25, options: RegistryOptions = RegistryOptions()
    ) throws(RegistryError) -> [FoundRepository] {
        // Docker Hub searches at its index, not at its registry.
        let host = domain == "docker.io" ? "index.docker.io" : domain
        let client = try RegistryClient(domain: host, repository: "search", options: options)
        let query = "q=\(RequestTarget.encoded(term))&n=\(min(max(limit, 1), 100))"
        let response = try client.origin.call(
            RegistryCall(
                method: "GET", target: .path("/v1/search?\(query)"), headers: ["Accept": "application/json"], scopes: []
            ),
            expecting: [200])
        let (name, value) = (response.name, try JSONAnswer.object(response, "the answer", limit: 4 << 20).value)
        guard let entries = value["results"]?.arrayValue else {
            throw .badAnswer(name, "the answer has no `results`")
        }
        return entries.prefix(limit).compactMap { entry in
            guard let repository = entry["name"]?.stringValue else { return nil }
            return FoundRepository(
                name: repository, description: ErrorList.shown(entry["description"]?.stringValue ?? ""),
                stars: entry["star_count"]?.intValue ?? 0, isOfficial: entry["is_official"]?.boolValue ?? false,
                isAutomated: entry["is_automated"]?.boolValue ?? false)
        }
    }
}
