import ImageStore
import Linux
import OCI
import Registry

/// What a push came to.
package struct PushedImage: Sendable, Hashable {
    /// The name it has in the registry.
    package let reference: ImageReference
    /// The manifest's digest.
    package let digest: Digest
    /// The manifest's size in bytes.
    package let size: Int64
}

extension HostEngine {
    /// The names an image store has of a repository, for pushing all of them.
    ///
    /// - Throws: `EngineError` where there is none.
    package func tags(of repository: ImageReference) async throws -> [ImageReference] {
        let found = try await images.list().flatMap(\.references).filter { $0.repository == repository.repository }
        guard !found.isEmpty else {
            throw EngineError(
                .notFound, "An image does not exist locally with the tag: \(repository.familiarRepository)")
        }
        return found.sorted { $0.description < $1.description }
    }

    /// Pushes an image under one of its names; ends when the task is cancelled.
    ///
    /// - Throws: `EngineError`, whose diagnostics name what was asked of whom.
    package func pushImage(
        _ reference: ImageReference, access: RegistryAccess = RegistryAccess(), progress: PushProgressHandler? = nil
    ) async throws -> PushedImage {
        let name = reference.withDefaultTag
        guard let image = try await images.resolve(name.description), image.references.contains(name) else {
            throw EngineError(
                .notFound, "An image does not exist locally with the tag: \(name.familiarRepository)")
        }
        let pushed = try await withRegistry(.push, of: name, access) { reader in
            let sources = try await self.mountSources(of: image, for: name)
            // Told at once: compressing may take a while.
            progress?(.began(image.layers))
            let rest: PushProgressHandler = { update in
                if case .began = update { return }
                progress?(update)
            }
            let image = try await self.images.compressForRegistry(image, as: .standard)
            return try await self.images.withExports(of: [image]) { exports in
                guard let export = exports.first else { throw EngineError.noImage(name.familiar) }
                let push = ImagePush(export: export, store: self.images, client: reader.client, sources: sources)
                let digest = try await push.run(tag: name.tag ?? ImageReference.defaultTag, progress: rest)
                try await self.images.tag(image.id, as: name.at(digest))
                return PushedImage(reference: name, digest: digest, size: export.descriptor.size)
            }
        }
        await publish(.image, "push", actor: name.familiar, ["name": name.familiarRepository])
        return pushed
    }

    /// Other repositories of the registry that are known to have layers of an image: those that images with the same
    /// layers were pulled from or pushed to.
    private func mountSources(of image: StoredImage, for name: ImageReference) async throws -> [Digest: String] {
        let wanted = Set(image.layers)
        var sources: [Digest: String] = [:]
        for other in try await images.list() {
            guard let place = other.repoDigests.first(where: { $0.domain == name.domain && $0.path != name.path })
            else { continue }
            for layer in other.layers where wanted.contains(layer) && sources[layer] == nil {
                sources[layer] = place.path
            }
        }
        return sources
    }

    /// Checks credentials with a registry.
    ///
    /// - Returns: what to keep: the credentials, or the long-lived token the registry gave for them.
    package func logIn(_ credentials: RegistryCredentials, domain: String) async throws -> RegistryCredentials {
        do {
            let settings = configuration.registrySettings
            return try await StopSign.raisedByCancellation { stop in
                try await BlockingExecutor.transfers.run { () throws(RegistryError) in
                    let options = try RegistryAccess().options(for: domain, settings: settings, stop: stop)
                    return try RegistryLogin.verify(credentials, domain: domain, options: options)
                }
            }
        } catch {
            throw RegistryFailure.error(error, .login, domain)
        }
    }

    /// Searches Docker Hub, or the registry that the term begins with.
    package func searchRegistry(
        _ term: String, limit: Int, _ filter: FilterSet, access: RegistryAccess = RegistryAccess()
    ) async throws -> [FoundRepository] {
        var (domain, rest) = (ImageReference.defaultDomain, term)
        if let slash = term.firstIndex(of: "/") {
            let first = term[..<slash]
            if first == "localhost" || first.contains(where: { $0 == "." || $0 == ":" }) {
                (domain, rest) = (String(first), String(term[term.index(after: slash)...]))
            }
        }
        let stars = try Self.leastStars(filter)
        let (host, text, settings) = (domain, rest, configuration.registrySettings)
        do {
            let found = try await StopSign.raisedByCancellation { stop in
                try await BlockingExecutor.transfers.run { () throws(RegistryError) in
                    let options = try access.options(for: host, settings: settings, stop: stop)
                    return try RegistrySearch.run(text, domain: host, limit: limit, options: options)
                }
            }
            return found.filter { repository in
                repository.stars >= stars
                    && filter.allows("is-official") { Self.isTrue($0) == repository.isOfficial }
                    && filter.allows("is-automated") { Self.isTrue($0) == repository.isAutomated }
            }
        } catch {
            throw RegistryFailure.error(error, .search, host)
        }
    }

    private static func isTrue(_ text: String) -> Bool { ["1", "t", "true"].contains(text.lowercased()) }

    private static func leastStars(_ filter: FilterSet) throws(EngineError) -> Int64 {
        var least: Int64 = 0
        for text in filter["stars"] {
            guard let number = Int64(text), number >= 0 else {
                throw EngineError(.invalid, "invalid filter 'stars=[\(text)]'")
            }
            least = max(least, number)
        }
        return least
    }
}
