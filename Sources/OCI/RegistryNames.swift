/// The name of a repository inside a registry, such as `library/nginx`.
///
/// Source: OCI distribution specification, "Pulling manifests". It has no empty part, no `.` and no `..`.
package struct RepositoryName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The longest name, in bytes.
    package static let lengthLimit = 255

    package let description: String

    /// Reads a name; nil when the text is none.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.lengthLimit, ImageReferenceParser.isPath(text) else { return nil }
        description = text
    }

    package static func < (left: RepositoryName, right: RepositoryName) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }
}

/// A tag: at most 128 letters, digits, `_`, `.` and `-`, neither `.` nor `-` first.
///
/// Source: OCI distribution specification, "Pulling manifests".
package struct TagName: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// Reads a tag; nil when the text is none.
    package init?(_ text: String) {
        guard ImageReferenceParser.isTag(text) else { return nil }
        description = text
    }
}
