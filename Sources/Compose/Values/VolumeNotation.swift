import Diagnostics

/// The short notation of volumes: `[SOURCE:]TARGET[:OPTION[,OPTION…]]`.
package enum VolumeNotation {
    private static let propagations = ["rprivate", "private", "rshared", "shared", "rslave", "slave"]
    private static let consistencies = ["consistent", "cached", "delegated"]

    /// The volume of a text in its long notation; the source stays as written.
    ///
    /// `{type, source?, target, read_only?, consistency?, bind? {create_host_path, propagation?, selinux?},
    /// volume? {nocopy?}}`. A source that begins with `.`, `/` or `~` is a path of the host, any other a volume.
    ///
    /// - Throws: what has no target, or an option there is none of (SC2051).
    package static func volume(_ text: String, at location: SourceLocation) throws(Diagnostic) -> ComposeNode {
        func problem(_ detail: String, _ hint: String) -> Diagnostic {
            Diagnostic(
                code: "SC2051", summary: "\"\(ComposePath.shown(text))\" is no volume", detail: detail, hint: hint,
                location: location)
        }
        let fields = fields(text)
        guard fields.count <= 3, fields.allSatisfy({ !$0.isEmpty }) else {
            throw problem(
                fields.count > 3 ? "it has more than three parts" : "a part of it is empty",
                "write it as SOURCE:TARGET[:OPTIONS], such as \"./data:/data:ro\"")
        }
        let source = fields.count > 1 ? fields[0] : nil
        let target = fields.count > 1 ? fields[1] : fields[0]
        guard target.hasPrefix("/") || target.contains("$") else {
            if fields.count == 1, Volume.options.contains(target) {
                throw problem(
                    "\"\(target)\" is an option of the one before it, cut off by its comma",
                    "put a mount with a comma in quotes: [\"SOURCE:TARGET:z,\(target)\"]")
            }
            throw problem(
                "the target \"\(target)\" is no absolute path",
                fields.count > 1
                    ? "write the path within the container, such as \"\(fields[0]):/\(target)\""
                    : "write where the container has it, such as \"\(target):/\(target)\"")
        }
        var volume = Volume(isBind: source.map(isPath) ?? false)
        for option in fields.count > 2 ? fields[2].split(separator: ",").map(String.init) : [] {
            guard volume.take(option) else {
                let near = nearest(option, among: Volume.options)
                throw problem(
                    "it has no option \"\(option)\"",
                    near.map { "did you mean \"\($0)\"?" }
                        ?? "the options are \(Volume.options.joined(separator: ", "))")
            }
        }
        return volume.node(source: source, target: target, at: location)
    }

    private struct Volume {
        static let options = ["ro", "rw", "z", "Z", "nocopy"] + propagations + consistencies

        let isBind: Bool
        var isReadOnly = false
        var copies = true
        var propagation: String?
        var selinux: String?
        var consistency: String?

        init(isBind: Bool) { self.isBind = isBind }

        /// Sets an option; whether there is such a one.
        mutating func take(_ option: String) -> Bool {
            switch option {
            case "ro": isReadOnly = true
            case "rw": isReadOnly = false
            case "nocopy": copies = false
            case "z", "Z": selinux = option
            case _ where VolumeNotation.propagations.contains(option): propagation = option
            case _ where VolumeNotation.consistencies.contains(option): consistency = option
            default: return false
            }
            return true
        }

        func node(source: String?, target: String, at location: SourceLocation) -> ComposeNode {
            func map(_ members: [(String, ComposeNode.Value?)]) -> ComposeNode.Value {
                .map(
                    ComposeMap(
                        members.compactMap { key, value in
                            value.map {
                                ComposeMap.Entry(key: key, value: ComposeNode($0, at: location), location: location)
                            }
                        }))
            }
            let bind = map([
                ("create_host_path", isBind ? .bool(true) : nil), ("propagation", propagation.map { .string($0) }),
                ("selinux", selinux.map { .string($0) }),
            ])
            let hasBind = isBind || propagation != nil || selinux != nil
            let value = map([
                ("type", .string(isBind ? "bind" : "volume")), ("source", source.map { .string($0) }),
                ("target", .string(target)), ("read_only", isReadOnly ? .bool(true) : nil),
                ("consistency", consistency.map { .string($0) }), ("bind", hasBind ? bind : nil),
                ("volume", isBind && copies ? nil : map([("nocopy", copies ? nil : .bool(true))])),
            ])
            return ComposeNode(value, at: location)
        }
    }

    /// The parts between colons that are neither in `${…}` nor behind the letter of a drive.
    private static func fields(_ text: String) -> [String] {
        var fields = [""]
        var depth = 0
        var previous: Character?
        let characters = Array(text)
        for (position, character) in characters.enumerated() {
            if character == "{", previous == "$" {
                depth += 1
            } else if character == "}", depth > 0 {
                depth -= 1
            }
            let isInDrive = position + 1 < characters.count && characters[position + 1] == "\\"
            if character == ":", depth == 0, !isInDrive {
                fields.append("")
            } else {
                fields[fields.count - 1].append(character)
            }
            previous = character
        }
        return fields
    }

    private static func isPath(_ source: String) -> Bool {
        source.hasPrefix(".") || source.hasPrefix("/") || source.hasPrefix("~") || source.contains("\\")
    }
}
