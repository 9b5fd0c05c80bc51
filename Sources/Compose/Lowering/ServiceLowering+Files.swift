import Diagnostics
import JSONText
import StackModel

/// Secrets and configs: files that are put into the container, with owner and mode.
extension ServiceLowering {
    mutating func lowerFiles() {
        var files: [(value: JSONValue, location: SourceLocation)] = []
        let secrets = service.readers("secrets").map { ($0, "secret", context.project.secrets, "/run/secrets/") }
        let configs = service.readers("configs").map { ($0, "config", context.project.configs, "/") }
        let mounted = Set((draft.attributes["mounts"]?.arrayValue ?? []).compactMap { $0["target"]?.stringValue })
        for (use, kind, declared, directory) in secrets + configs {
            let source = use.given("source") ?? ""
            let written = use.given("target") ?? source
            let target = written.hasPrefix("/") ? written : directory + written
            var file: JSONObject = ["target": .string(target)]
            file["uid"] = owner(use, "uid")
            file["gid"] = owner(use, "gid")
            file["mode"] = .string(mode(use))
            use.finish()
            guard let element = declared[source] else {
                use.refuse("source", "SC2423", "names the \(kind) \(source), which the project does not have")
                continue
            }
            guard let content = FileContent(element, kind: kind, name: source, context, use) else { continue }
            if mounted.contains(target) {
                use.warn("target", "SC2455", "\(kind) \(source)", "is hidden by what is mounted at \(target)")
                continue
            }
            file[content.attribute] = .string(content.text)
            files.append((.object(file), use.location))
        }
        draft.set("files", files)
    }

    private func owner(_ use: MemberReader, _ key: String) -> JSONValue? {
        guard let text = use.given(key) else { return nil }
        guard let number = Int64(text), (0..<4_294_967_295).contains(number) else {
            use.refuse(key, "SC2401", "must be a number", hint: "containers have users of their own: give the id")
            return nil
        }
        return .int(number)
    }

    /// Octal, as `0444`.
    private func mode(_ use: MemberReader) -> String {
        guard let entry = use.entry("mode") else { return "0444" }
        let bits = entry.value.string.map { Int64($0, radix: 8) } ?? entry.value.int
        guard let bits, (0...0o7777).contains(bits) else {
            use.refuse("mode", "SC2401", "must be permission bits such as 0440")
            return "0444"
        }
        let text = String(bits, radix: 8)
        return String(repeating: "0", count: max(4 - text.count, 0)) + text
    }
}

/// Where the content of a secret or config comes from, as an element of `files` says it.
struct FileContent {
    /// `source`, `content` or `sealed`.
    let attribute: String
    let text: String

    /// Nil where it cannot be had, which is reported about the use.
    init?(_ element: ComposeNode, kind: String, name: String, _ context: LoweringContext, _ use: MemberReader) {
        if element.isExternal {
            use.refuse(
                "source", "SC2417", "names the external \(kind) \(name), which only a cluster has",
                hint: "give it a file or a variable: \(kind)s.\(name).file")
            return nil
        }
        for key in ["driver", "template_driver"] where element[key].map({ !$0.isNull }) ?? false {
            use.refuse("source", "SC2417", "names the \(kind) \(name), whose \(key) only a cluster has")
            return nil
        }
        if let path = element["file"]?.string {
            (attribute, text) = ("source", path)
        } else if let content = element["content"]?.text {
            (attribute, text) = ("content", content)
        } else if let variable = element["environment"]?.string {
            // What is only looked at needs no values.
            guard let value = context.project.environment[variable] ?? (context.options.onlyLooks ? "" : nil)
            else {
                use.refuse(
                    "source", "SC2418", "names the \(kind) \(name), whose variable \(variable) is not set",
                    hint: "set it: \(variable)=… stackctl compose up")
                return nil
            }
            guard kind == "secret" else {
                (attribute, text) = ("content", value)
                return
            }
            guard let sealed = context.sealed.map({ $0[name] }) ?? "" else {
                use.refuse("source", "SC2418", "names the secret \(name), which is not sealed")
                return nil
            }
            (attribute, text) = ("sealed", sealed)
        } else {
            use.refuse("source", "SC2401", "names the \(kind) \(name), which has no file, content or environment")
            return nil
        }
    }
}

extension ComposeProject {
    /// The plain values of the secrets that come from the environment, by the secrets' names.
    ///
    /// They are sealed by the daemon before a document is made; a variable that is not set is reported then.
    package var valuesToSeal: [String: String] {
        var values: [String: String] = [:]
        for secret in secrets.entries {
            guard let variable = secret.value["environment"]?.string, let value = environment[variable] else {
                continue
            }
            values[secret.key] = value
        }
        return values
    }
}
