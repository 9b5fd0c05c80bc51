import Diagnostics
import JSONText
import Linux

/// `stackctl compose images`: the images that the containers of a project were made from.
enum ComposeImagesCommand {
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")

    static let declaration = CommandDeclaration(
        "images", summary: "List the images of a project's containers", operands: [ComposeOptions.services],
        options: [ComposeTable.format, quiet], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let containers = try await session.containers(
            of: try await session.target(), services: session.arguments.operands, oneOff: .included
        ).sorted { $0.name < $1.name }
        let images = try await images(of: containers, session)
        if session.arguments.isSet(quiet) {
            var seen: Set<String> = []
            for container in containers {
                let id = images[container.image]?["Id"]?.stringValue ?? imageID(container)
                let hex = id.split(separator: ":").last.map(String.init) ?? id
                if seen.insert(hex).inserted { session.output.print(hex) }
            }
            return .success
        }
        let isJSON = session.arguments.value(of: ComposeTable.format) == "json"
        let now = Clock.now()
        let rows = containers.map { container in
            let facts = facts(container, images[container.image])
            return isJSON ? facts : shown(facts, now)
        }
        ComposeTable(
            headings: ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"],
            members: ["ContainerName", "Repository", "Tag", "Platform", "ID", "Size", "Created"]
        ).write(rows, session)
        return .success
    }

    /// What the daemon says of each image, by the name that the containers have for it; those that are gone are left out.
    private static func images(
        of containers: [ComposeContainer], _ session: ComposeSession
    ) async throws -> [String: JSONValue] {
        let daemon = try await session.daemon()
        return try await withThrowingTaskGroup(of: (String, JSONValue?).self) { group in
            for name in Set(containers.map(\.image)) {
                group.addTask {
                    do {
                        return (name, try await daemon.get(Target("images", name, "json").text))
                    } catch let failure as StatusFailure where failure.status == 404 {
                        return (name, nil)
                    }
                }
            }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private static func imageID(_ container: ComposeContainer) -> String {
        container.json["ImageID"]?.stringValue ?? ""
    }

    /// The row in the form of `--format json`.
    private static func facts(_ container: ComposeContainer, _ image: JSONValue?) -> JSONObject {
        let (repository, tag) = name(container.image)
        var row: JSONObject = [
            "ID": image?["Id"] ?? .string(imageID(container)), "ContainerName": .string(container.name),
            "Repository": .string(repository), "Tag": .string(tag), "Platform": .string(platform(image)),
            "Size": image?["Size"] ?? 0,
        ]
        if let created = image?["Created"] { row["Created"] = created }
        if let tagged = image?["Metadata"]?["LastTagTime"], tagged.stringValue?.hasPrefix("0001") == false {
            row["LastTagTime"] = tagged
        }
        return row
    }

    /// The same as the table shows it.
    private static func shown(_ facts: JSONObject, _ now: Timestamp) -> JSONObject {
        var row = facts
        for member in ["Repository", "Tag"] where row[member] == "" { row[member] = "<none>" }
        row["ID"] = .string(shortID(facts["ID"]?.stringValue ?? ""))
        row["Size"] = .string(HumanText.size(facts["Size"]?.intValue ?? 0))
        let created = facts["Created"]?.stringValue.flatMap { Timestamp(rfc3339: $0) }
        row["Created"] = .string(created.map { "\(HumanText.age(seconds: now.seconds - $0.seconds)) ago" } ?? "N/A")
        return row
    }

    private static func platform(_ image: JSONValue?) -> String {
        [image?["Os"], image?["Architecture"], image?["Variant"]].compactMap { $0?.stringValue }
            .filter { !$0.isEmpty }.joined(separator: "/")
    }

    /// Repository and tag of a reference; both empty for an identifier.
    private static func name(_ reference: String) -> (repository: String, tag: String) {
        if reference.hasPrefix("sha256:") { return ("", "") }
        let named = reference.split(separator: "@", maxSplits: 1).first.map(String.init) ?? reference
        guard let colon = named.lastIndex(of: ":"), !named[colon...].contains("/") else {
            return (named, named == reference ? "latest" : "")
        }
        return (String(named[..<colon]), String(named[named.index(after: colon)...]))
    }
}
