/// The part of a content that a `Range` field asks for.
///
/// Source: RFC 9110, section 14.
enum ByteRange: Sendable, Hashable {
    /// All of it: there is no such field, or one of a kind that is passed over.
    case whole
    /// From an offset on, so many bytes.
    case part(from: Int64, count: Int64)
    /// A part that the content does not have.
    case unsatisfiable

    /// Reads a field for a content of `size` bytes; several ranges in one field are answered with the whole.
    init(_ field: String?, size: Int64) {
        guard let field, field.lowercased().hasPrefix("bytes=") else {
            self = .whole
            return
        }
        let ends = field.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]) else {
            self = .whole
            return
        }
        switch (first, last) {
        case (nil, nil): self = .whole
        case (nil, let suffix?):
            let count = min(suffix, size)
            self = count == 0 ? .unsatisfiable : .part(from: size - count, count: count)
        case (let first?, nil): self = first < size ? .part(from: first, count: size - first) : .unsatisfiable
        case (let first?, let last?):
            guard first <= last else {
                self = .whole
                return
            }
            self =
                first < size ? .part(from: first, count: min(last, size - 1) - first + 1) : .unsatisfiable
        }
    }

    /// A number, or its absence; nil for what is neither.
    private static func number(_ text: Substring) -> Int64?? {
        if text.isEmpty { return .some(nil) }
        guard text.utf8.count <= 18, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(text)
        else { return nil }
        return .some(value)
    }
}

/// The field `Content-Range` of a chunk that is uploaded: `FIRST-LAST`.
///
/// Source: OCI distribution specification, "Pushing a blob in chunks".
struct ChunkRange: Sendable, Hashable {
    let first: Int64
    let last: Int64

    /// Reads a field; nil when it is none.
    init?(_ field: String) {
        let ends = field.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last else {
            return nil
        }
        self.first = first
        self.last = last
    }

    /// In bytes.
    var count: Int64 { last - first + 1 }

    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int64(text)
    }
}
