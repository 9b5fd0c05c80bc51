import JSONText

/// Why a container has to get its secrets and configurations anew, without saying what is in them.
enum FileReasons {
    static func words(from: JSONValue?, to: JSONValue?) -> String? {
        let (before, after) = (byTarget(from), byTarget(to))
        var reasons: [String] = []
        for (target, file) in after.sorted(by: { $0.key < $1.key }) {
            guard let old = before[target] else {
                reasons.append("\(kind(target)) \(target) is new")
                continue
            }
            if ["source", "content", "sealed"].contains(where: { old[$0] != file[$0] })
                || old["digest"] != file["digest"]
            {
                reasons.append(change(of: file, at: target))
            } else if old != file {
                reasons.append("owner or mode of \(kind(target)) \(target) changed")
            }
        }
        for target in before.keys.sorted() where after[target] == nil {
            reasons.append("\(kind(target)) \(target) is gone")
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: ", ")
    }

    private static func change(of file: JSONValue, at target: String) -> String {
        guard let source = file["source"]?.stringValue, let name = source.split(separator: "/").last else {
            return "the value of \(kind(target)) \(target) changed"
        }
        return "\(kind(target)) file \(name) changed"
    }

    private static func kind(_ target: String) -> String { target.hasPrefix("/run/secrets/") ? "secret" : "config" }

    private static func byTarget(_ files: JSONValue?) -> [String: JSONValue] {
        Dictionary((files?.arrayValue ?? []).map { ($0["target"]?.stringValue ?? "", $0) }) { first, _ in first }
    }
}
