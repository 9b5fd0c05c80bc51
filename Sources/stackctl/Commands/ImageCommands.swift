import JSONText

/// `stackctl image …`.
enum ImageCommand {
    private static let images = OperandDeclaration(
        "IMAGE", .oneOrMore, "References or identifiers of images", completion: .names(.images))

    static let declaration = CommandDeclaration(
        "image", summary: "Work with images",
        subcommands: [
            BuildCommand.declaration,
            CommandDeclaration(
                "ls", aliases: ["list"], summary: "List images", operands: ImagesCommand.declaration.operands,
                options: ImagesCommand.declaration.options, action: ImagesCommand.run),
            HistoryCommand.declaration,
            CommandDeclaration(
                "inspect", summary: "Show everything about images, as JSON", operands: [images],
                options: [InspectCommand.format]
            ) {
                try await InspectCommand.inspect(
                    $0, try await $0.daemon(), $0.arguments.operands, among: ["image"])
            },
            TagCommand.declaration,
            CommandDeclaration(
                "rm", aliases: ["remove"], summary: RmiCommand.declaration.summary,
                discussion: RmiCommand.declaration.discussion,
                operands: [images], options: RmiCommand.declaration.options, action: RmiCommand.run),
            PullCommand.declaration, PushCommand.declaration, LoadCommand.declaration, SaveCommand.declaration,
            ImportCommand.declaration,
            PruneCommands.image, ImageMountCommand.declaration, ImageUnmountCommand.declaration,
            ImageDiffCommand.declaration,
        ])
}

/// `stackctl tag`.
enum TagCommand {
    static let declaration = CommandDeclaration(
        "tag", summary: "Give an image another name",
        operands: [
            OperandDeclaration("IMAGE", "Reference or identifier of an image", completion: .names(.images)),
            OperandDeclaration("NAME", "The other name, such as shop/site:2"),
        ], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
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
}

/// `stackctl rmi`.
enum RmiCommand {
    private static let force = OptionDeclaration.flag(
        "force", "f", "Take the name though a container uses it; with an identifier, all names")
    private static let noPrune = OptionDeclaration.flag(
        "no-prune", nil, "Accepted for Docker's sake: images have no parents here")

    private static let platform = OptionDeclaration.list(
        "platform", nil, .text("OS/ARCH"), "Only what the image has for this platform")

    static let declaration = CommandDeclaration(
        "rmi", summary: "Remove images that no container uses",
        discussion: """
            A name is taken from its image; with its last name the image goes, and the layers that
            no other image has.
            """,
        operands: [
            OperandDeclaration(
                "IMAGE", .oneOrMore, "References or identifiers of images", completion: .names(.images))
        ],
        options: [force, noPrune, platform], action: run)

    static func run(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        var code = ExitCode.success
        for name in invocation.arguments.operands {
            do {
                let platforms = invocation.arguments.values(of: platform)
                let target = platforms.reduce(Target("images", name).with("force", invocation.arguments.isSet(force))) {
                    $0.with("platforms", $1)
                }
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
