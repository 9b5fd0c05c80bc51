import JSONText
import OCI
import StackModel

/// The image tags a document names, such as `postgres:17`, which may mean another image tomorrow.
///
/// Pinned, the attribute reads `postgres:17@sha256:…`.
enum ImageTags {
    /// A tag and the first resource that names it.
    struct Use: Sendable, Equatable {
        var tag: String
        var resource: StackResource
    }

    /// The tags that are not pinned, each once, in the order of the document.
    ///
    /// Names of the stack's own images are not among them: what those mean is in the manifest.
    static func unpinned(in document: StackDocument) -> [Use] {
        let own = Set(document.resources.filter { $0.address.kind == .image }.map(\.address.name))
        var seen: Set<String> = []
        return document.resources.flatMap { resource in
            names(in: resource).compactMap { tag in
                guard isTag(tag), !own.contains(tag), seen.insert(tag).inserted else { return nil }
                return Use(tag: tag, resource: resource)
            }
        }
    }

    /// The document with these digests at the tags.
    static func pinned(_ document: StackDocument, by digests: [String: String]) -> StackDocument {
        guard !digests.isEmpty else { return document }
        var document = document
        for index in document.resources.indices {
            let resource = document.resources[index]
            for tag in names(in: resource) where isTag(tag) {
                guard let digest = digests[tag] else { continue }
                document.resources[index].attributes = ImageUse.renamed(
                    resource.address.kind, document.resources[index].attributes, tag, to: "\(tag)@\(digest)")
            }
        }
        return document
    }

    /// A container that says when it pulls means what the store has under the tag.
    private static func names(in resource: StackResource) -> [String] {
        if resource.address.kind == .container, resource.attributes["pull"] != nil { return [] }
        return ImageUse.names(resource.address.kind, resource.attributes)
    }

    /// Whether a text names an image by something that moves, and not by a digest or an id.
    private static func isTag(_ text: String) -> Bool {
        guard !text.hasPrefix("sha256:"), let reference = try? ImageReference(text) else { return false }
        return reference.digest == nil
    }
}
