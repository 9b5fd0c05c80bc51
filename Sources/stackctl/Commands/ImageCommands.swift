import JSONText
import Linux

/// `stackctl images`: the images in the local store.
enum ImagesCommand {
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the identifiers")

    static let declaration = CommandDeclaration(
        "images", summary: "List images", options: [quiet, SharedOptions.json], action: run)

    static func run(_ invocation: Invocation) async throws -> ExitCode {
        let answer = try await invocation.daemon().get(Target("images", "json").text)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        let now = Clock.now().seconds
        var table = TextTable(["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"])
        for image in answer.arrayValue ?? [] {
            let id = shortID(image["Id"]?.stringValue ?? "")
            if invocation.arguments.isSet(quiet) {
                invocation.output.print(id)
                continue
            }
            let age = HumanText.age(seconds: now - (image["Created"]?.intValue ?? now)) + " ago"
            let size = HumanText.size(image["Size"]?.intValue ?? 0)
            let tags = (image["RepoTags"]?.arrayValue ?? []).compactMap(\.stringValue)
            for tag in tags.isEmpty ? ["<none>:<none>"] : tags {
                let colon = tag.lastIndex(of: ":") ?? tag.endIndex
                let label = colon == tag.endIndex ? "latest" : String(tag[tag.index(after: colon)...])
                table.append([String(tag[..<colon]), label, id, age, size])
            }
        }
        if !invocation.arguments.isSet(quiet) { invocation.output.write(table.render()) }
        return .success
    }
}

/// `stackctl image …`.
enum ImageCommand {
    private static let force = OptionDeclaration.flag("force", "f", "Also when a stopped container uses it")
    private static let images = OperandDeclaration("IMAGE", .oneOrMore, "References or identifiers of images")

    static let declaration = CommandDeclaration(
        "image", summary: "Work with images",
        subcommands: [
            CommandDeclaration(
                "ls", summary: "List images", options: ImagesCommand.declaration.options, action: ImagesCommand.run),
            CommandDeclaration("inspect", summary: "Show everything about images, as JSON", operands: [images]) {
                try await InspectCommand.inspect(
                    $0, try await $0.daemon(), $0.arguments.operands, among: ["image"])
            },
            CommandDeclaration(
                "tag", summary: "Give an image another name",
                operands: [
                    OperandDeclaration("IMAGE", "Reference or identifier of an image"),
                    OperandDeclaration("NAME", "The other name, such as shop/site:2"),
                ], action: tag),
            CommandDeclaration(
                "rm", summary: "Remove images that no container uses", operands: [images], options: [force],
                action: remove),
            PullCommand.declaration, PushCommand.declaration, LoadCommand.declaration, SaveCommand.declaration,
        ])

    private static func tag(_ invocation: Invocation) async throws -> ExitCode {
        let name = invocation.arguments.operand(1) ?? ""
        // The last colon parts the tag, unless it is that of a registry's port.
        let afterSlash = name.lastIndex(of: "/") ?? name.startIndex
        let colon = name[afterSlash...].lastIndex(of: ":")
        let target = Target("images", invocation.arguments.operand(0) ?? "", "tag")
            .with("repo", colon.map { String(name[..<$0]) } ?? name)
            .with("tag", colon.map { String(name[name.index(after: $0)...]) })
        _ = try await invocation.daemon().post(target.text)
        return .success
    }

    private static func remove(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        var code = ExitCode.success
        for name in invocation.arguments.operands {
            do {
                let target = Target("images", name).with("force", invocation.arguments.isSet(force))
                for change in try await daemon.delete(target.text).arrayValue ?? [] {
                    if let tag = change["Untagged"]?.stringValue { invocation.output.print("Untagged: \(tag)") }
                    if let id = change["Deleted"]?.stringValue { invocation.output.print("Deleted: \(id)") }
                }
            } catch {
                code = .failure
                invocation.output.show(Failure.diagnostics(error))
            }
        }
        return code
    }
}
