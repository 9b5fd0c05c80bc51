import Diagnostics
import JSONText

/// `stackctl volume …`.
enum VolumeCommand {
    static let volumes = OperandDeclaration(
        "VOLUME", .oneOrMore, "Names of volumes", completion: .names(.volumes))
    static let volume = OperandDeclaration(
        "VOLUME", .one, "Name of a volume", completion: .names(.volumes))
    static let pause = OptionDeclaration.flag(
        "pause", nil, "Freeze the containers that have the volume mounted meanwhile")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the names")
    private static let force = OptionDeclaration.flag("force", "f", "Do not complain when there is none of that name")
    private static let filter = OptionDeclaration.list(
        "filter", "f", .pair("KEY=VALUE"), "Only those that match: dangling, driver, label, name")

    static let declaration = CommandDeclaration(
        "volume", summary: "Work with volumes",
        subcommands: [
            VolumeCreateCommand.declaration,
            CommandDeclaration(
                "ls", aliases: ["list"], summary: "List volumes",
                options: [filter, ListFormat.option, quiet, SharedOptions.json], action: list),
            CommandDeclaration(
                "inspect", summary: "Show everything about volumes, as JSON", operands: [volumes],
                options: [InspectCommand.format]
            ) {
                try await InspectCommand.inspect(
                    $0, try await $0.daemon(), $0.arguments.operands, among: ["volume"])
            },
            CommandDeclaration(
                "rm", aliases: ["remove"], summary: "Remove volumes with what is in them and their snapshots",
                operands: [volumes], options: [force]
            ) { invocation in
                try await EachObject.run(invocation) { daemon, name in
                    let target = Target("volumes", name).with("force", invocation.arguments.isSet(force))
                    _ = try await daemon.delete(target.text)
                }
            },
            PruneCommands.volume,
            VolumeCopyCommands.rename, VolumeCopyCommands.clone, VolumeCopyCommands.snapshot,
            VolumeBackupCommands.backup, VolumeBackupCommands.restore,
        ])

    private static let fields = [
        ListFormat.Field("Driver", "DRIVER"), .init("Name", "VOLUME NAME"), .init("Scope", "SCOPE"),
        .init("Mountpoint", "MOUNTPOINT"), .init("Labels", "LABELS"), .init("Links", "LINKS"), .init("Size", "SIZE"),
        .init("Availability", "AVAILABILITY"), .init("Group", "GROUP"), .init("Status", "STATUS"),
    ]

    private static func list(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let format = try format(arguments.value(of: ListFormat.option), isQuiet: arguments.isSet(quiet))
        let target = Target("volumes").with(filters: arguments.pairs(of: filter))
        let answer = try await invocation.daemon().get(target.text)
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        invocation.output.write(try format.render((answer["Volumes"]?.arrayValue ?? []).map(row)))
        return .success
    }

    /// How volumes are listed.
    static func format(_ text: String?, isQuiet: Bool) throws(Diagnostic) -> ListFormat {
        try ListFormat(
            text, fields: fields, columns: "{{.Driver}}\\t{{.Name}}", quiet: isQuiet ? "{{.Name}}" : nil)
    }

    static func row(_ volume: JSONValue) -> JSONObject {
        let labels = (volume["Labels"]?.objectValue ?? JSONObject()).map { "\($0.key)=\($0.value.stringValue ?? "")" }
        var row: JSONObject = ["Labels": .string(labels.sorted().joined(separator: ","))]
        for name in ["Driver", "Name", "Scope", "Mountpoint"] { row[name] = volume[name] ?? "" }
        // Docker's words for what the list does not tell.
        for name in ["Links", "Size", "Availability", "Group", "Status"] { row[name] = "N/A" }
        return row
    }
}

/// `stackctl volume create`.
enum VolumeCreateCommand {
    private static let driver = OptionDeclaration.value("driver", "d", .text("DRIVER"), "The driver: `local`")
    private static let label = OptionDeclaration.list("label", nil, .text("KEY[=VALUE]"), "Give it a label")
    private static let option = OptionDeclaration.list(
        "opt", "o", .pair("KEY=VALUE"), "An option of the driver: type, device, o, uid, gid, mode, idmap")
    private static let owner = OptionDeclaration.value(
        "owner", nil, .text("UID[:GID]"), "Who owns its root (default: what the image has there, else root)")
    private static let mode = OptionDeclaration.value("mode", nil, .text("MODE"), "Permissions of its root, as 0750")

    static let declaration = CommandDeclaration(
        "create", summary: "Make a volume",
        operands: [OperandDeclaration("VOLUME", .optional, "Its name (default: invented)")],
        options: [driver, label, option, owner, mode]
    ) { invocation in
        let arguments = invocation.arguments
        var options = JSONObject()
        for (key, value) in arguments.pairs(of: option) { options[key] = .string(value) }
        if let text = arguments.value(of: owner) {
            let sides = text.split(separator: ":", maxSplits: 1).map(String.init)
            options["uid"] = .string(sides.first ?? "")
            options["gid"] = .string(sides.last ?? "")
        }
        if let text = arguments.value(of: mode) { options["mode"] = .string(text) }
        var labels = JSONObject()
        for text in arguments.values(of: label) {
            let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            labels[sides.first ?? ""] = .string(sides.count == 2 ? sides[1] : "")
        }
        var body: JSONObject = [
            "Name": .string(arguments.operand(0) ?? ""), "Driver": .string(arguments.value(of: driver) ?? "local"),
        ]
        if !options.isEmpty { body["DriverOpts"] = .object(options) }
        if !labels.isEmpty { body["Labels"] = .object(labels) }
        let answer = try await invocation.daemon().post(Target("volumes", "create").text, .object(body))
        invocation.output.print(answer["Name"]?.stringValue ?? "")
        return .success
    }
}
