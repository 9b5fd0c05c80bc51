import Diagnostics
import JSONText

/// Writes the attribute `files`, secrets and configs, without what is in them.
///
/// Pure.
enum FilesText {
    /// The longest content that is shown.
    private static let limit = 24

    /// Where the files are put.
    static func targets(_ value: JSONValue) -> String {
        let parts = files(value).map { target, file in file["sealed"] == nil ? target : "\(target) (sealed)" }
        return "[" + parts.joined(separator: ", ") + "]"
    }

    /// The files that are not the same on both sides, by where they are put.
    static func pair(_ from: JSONValue?, _ to: JSONValue?) -> (from: String, to: String) {
        let (before, after) = (files(from), files(to))
        return (text(before, besides: after, isKnown: from != nil), text(after, besides: before, isKnown: to != nil))
    }

    private static func files(_ value: JSONValue?) -> [(target: String, file: JSONValue)] {
        (value?.arrayValue ?? []).map { ($0["target"]?.stringValue ?? "", $0) }
    }

    private static func text(
        _ files: [(target: String, file: JSONValue)], besides others: [(target: String, file: JSONValue)],
        isKnown: Bool
    ) -> String {
        guard isKnown else { return "(not set)" }
        let parts = files.compactMap { target, file -> String? in
            guard let other = others.first(where: { $0.target == target })?.file else {
                return "\(target) \(words(file))"
            }
            return other == file ? nil : "\(target) \(words(file, besides: other))"
        }
        let isShort = parts.count < files.count
        return TerminalText.line("[" + ((isShort ? ["…"] : []) + parts).joined(separator: ", ") + "]")
    }

    /// What a file is, or that alone which another of its name is not.
    private static func words(_ file: JSONValue, besides other: JSONValue? = nil) -> String {
        if let sealed = file["sealed"], other?["sealed"] != sealed {
            return other?["sealed"] == nil ? "(sealed)" : "(sealed, with another secret)"
        }
        if let source = file["source"]?.stringValue, other?["source"]?.stringValue != source { return "from \(source)" }
        if let content = file["content"], other?["content"] != content {
            let text = content.stringValue ?? ""
            return "\"" + (text.count > limit ? text.prefix(limit - 1) + "…" : text) + "\""
        }
        let rights = ["uid", "gid", "mode"].compactMap { key in
            file[key].map { "\(key) \($0.stringValue ?? $0.serialized(.compact))" }
        }
        return rights.isEmpty ? "(as it was)" : rights.joined(separator: " ")
    }
}
