import JSONText
import Linux

/// `stackctl images`: the images in the local store.
enum ImagesCommand {
    private static let all = OptionDeclaration.flag("all", "a", "Accepted for Docker's sake: every image is listed")
    private static let digests = OptionDeclaration.flag(
        "digests", nil, "Also the digests by which registries know them")
    private static let filter = OptionDeclaration.list(
        "filter", "f", .pair("KEY=VALUE"),
        "Only those that match: reference (a pattern), dangling, label, before, since, until")
    private static let long = OptionDeclaration.flag("no-trunc", nil, "Whole identifiers")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")

    static let declaration = CommandDeclaration(
        "images", summary: "List images",
        operands: [
            OperandDeclaration("REPOSITORY[:TAG]", .optional, "Only images of this name; * and ? are wildcards")
        ],
        options: [all, digests, filter, ListFormat.option, long, quiet, SharedOptions.json], action: run)

    static let fields = [
        ListFormat.Field("ID", "IMAGE ID"), .init("Repository", "REPOSITORY"), .init("Tag", "TAG"),
        .init("Digest", "DIGEST"), .init("CreatedSince", "CREATED"), .init("CreatedAt", "CREATED AT"),
        .init("Size", "SIZE"), .init("Containers", "CONTAINERS"), .init("VirtualSize", "SIZE"),
        .init("SharedSize", "SHARED SIZE"), .init("UniqueSize", "UNIQUE SIZE"),
    ]

    static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let showsDigests = arguments.isSet(digests)
        let format = try ListFormat(
            arguments.value(of: ListFormat.option) ?? (arguments.isSet(quiet) ? nil : UserFiles.format("imagesFormat")),
            fields: fields,
            columns: "{{.Repository}}\\t{{.Tag}}\\t\(showsDigests ? "{{.Digest}}\\t" : ""){{.ID}}\\t"
                + "{{if .CreatedSince}}{{.CreatedSince}}{{else}}N/A{{end}}\\t{{.Size}}",
            quiet: arguments.isSet(quiet) ? "{{.ID}}" : nil)
        var filters = arguments.pairs(of: filter)
        if let name = arguments.operand(0) { filters.append(("reference", name)) }
        let target = Target("images", "json").with("all", arguments.isSet(all)).with(filters: filters)
        let answer = try await invocation.daemon().get(target.text)
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        let now = Clock.now().seconds
        let rows = (answer.arrayValue ?? []).flatMap {
            Self.rows($0, digests: showsDigests, whole: arguments.isSet(long), now: now)
        }
        invocation.output.write(try format.render(rows))
        return .success
    }

    /// The rows of an image, one for each of its names.
    static func rows(_ image: JSONValue, digests: Bool, whole: Bool, now: Int64) -> [JSONObject] {
        names(of: image, digests: digests).map { row(image, $0, whole: whole, now: now) }
    }

    /// What one row of an image says of its name.
    private struct Name {
        var repository = "<none>"
        var tag = "<none>"
        var digest = "<none>"
    }

    /// A row for each tag, and for each digest that has none; one for an image without a name.
    private static func names(of image: JSONValue, digests: Bool) -> [Name] {
        var known: [String: [String]] = [:]
        for text in (image["RepoDigests"]?.arrayValue ?? []).compactMap(\.stringValue) {
            guard let at = text.firstIndex(of: "@") else { continue }
            known[String(text[..<at]), default: []].append(String(text[text.index(after: at)...]))
        }
        var names: [Name] = []
        var seen: Set<String> = []
        for text in (image["RepoTags"]?.arrayValue ?? []).compactMap(\.stringValue) {
            let colon = text.lastIndex(of: ":") ?? text.endIndex
            let repository = String(text[..<colon])
            let tag = colon == text.endIndex ? "latest" : String(text[text.index(after: colon)...])
            seen.insert(repository)
            let shown = digests ? known[repository] ?? [] : []
            for digest in shown.isEmpty ? ["<none>"] : shown {
                names.append(Name(repository: repository, tag: tag, digest: digest))
            }
        }
        for (repository, list) in known.sorted(by: { $0.key < $1.key }) where !seen.contains(repository) {
            for digest in digests ? list : ["<none>"] { names.append(Name(repository: repository, digest: digest)) }
        }
        return names.isEmpty ? [Name()] : names
    }

    private static func row(_ image: JSONValue, _ name: Name, whole: Bool, now: Int64) -> JSONObject {
        let created = image["Created"]?.intValue ?? 0
        func size(_ key: String) -> JSONValue {
            let bytes = image[key]?.intValue ?? -1
            return .string(bytes < 0 ? "N/A" : HumanText.size(bytes))
        }
        let containers = image["Containers"]?.intValue ?? -1
        return [
            "Containers": .string(containers < 0 ? "N/A" : "\(containers)"),
            "CreatedAt": .string(HumanText.goTime(seconds: created)),
            // An image without a date is as old as can be, which says nothing.
            "CreatedSince": .string(created > 0 ? HumanText.age(seconds: now - created) + " ago" : ""),
            "Digest": .string(name.digest), "ID": .string(shortID(image["Id"]?.stringValue ?? "", whole: whole)),
            "Repository": .string(name.repository), "SharedSize": size("SharedSize"), "Size": size("Size"),
            "Tag": .string(name.tag), "UniqueSize": unique(image), "VirtualSize": size("Size"),
        ]
    }

    /// What no other image has, where the daemon says it.
    private static func unique(_ image: JSONValue) -> JSONValue {
        guard let size = image["Size"]?.intValue, let shared = image["SharedSize"]?.intValue, shared >= 0 else {
            return "N/A"
        }
        return .string(HumanText.size(size - shared))
    }
}
