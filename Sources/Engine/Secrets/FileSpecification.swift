import JSONText

/// A file that a container gets in memory at each start: a secret, a configuration.
///
/// It is in no layer and nowhere on the disk; it goes with the run.
package struct FileSpecification: Sendable, Hashable {
    /// Where its content comes from.
    package enum Content: Sendable, Hashable {
        /// A file of the host, read at each start.
        case source(String)
        /// A text that anybody may read.
        case text(String)
        /// A text that this data root sealed.
        case sealed(String)
    }

    /// An absolute path in the container.
    package var target: String
    package var user: UInt32
    package var group: UInt32
    /// Permission bits.
    package var mode: UInt32
    package var content: Content
    /// Of a file of the host: what told its content at the last start, or when it was asked for; empty where unknown.
    package var digest = ""

    /// A file.
    package init(_ content: Content, target: String, user: UInt32 = 0, group: UInt32 = 0, mode: UInt32 = 0o444) {
        self.content = content
        self.target = target
        self.user = user
        self.group = group
        self.mode = mode
    }

    /// The stored form.
    var json: JSONValue {
        var object: JSONObject = [
            "Target": .string(target), "User": .int(Int64(user)), "Group": .int(Int64(group)),
            "Mode": .int(Int64(mode)),
        ]
        switch content {
        case .source(let path): object["Source"] = .string(path)
        case .text(let text): object["Text"] = .string(text)
        case .sealed(let text): object["Sealed"] = .string(text)
        }
        if !digest.isEmpty { object["Digest"] = .string(digest) }
        return .object(object)
    }

    /// - Throws: `invalid` for what a request may not ask for.
    func check() throws(EngineError) {
        let parts = target.split(separator: "/", omittingEmptySubsequences: false)
        guard target.hasPrefix("/"), parts.count > 1, parts.last != "", !parts.contains(".."), !target.contains("\0")
        else {
            throw EngineError(.invalid, "invalid file: '\(target)' is no absolute path of a file")
        }
        guard mode <= 0o777 else {
            throw EngineError(.invalid, "invalid file: '\(target)' has a mode with more than permissions")
        }
        if case .source(let path) = content, !path.hasPrefix("/") {
            throw EngineError(.invalid, "invalid file: the source '\(path)' is no absolute path")
        }
    }

    /// Reads the stored form.
    init(stored reader: FieldReader) throws(EngineError) {
        let source = try reader.text("Source")
        let content: Content =
            if let sealed = try reader.string("Sealed") {
                .sealed(sealed)
            } else if source.isEmpty {
                .text(try reader.text("Text"))
            } else {
                .source(source)
            }
        self.init(
            content, target: try reader.text("Target"),
            user: UInt32(clamping: try reader.integer("User") ?? 0),
            group: UInt32(clamping: try reader.integer("Group") ?? 0),
            mode: UInt32(clamping: try reader.integer("Mode") ?? 0o444))
        digest = try reader.text("Digest")
    }
}
