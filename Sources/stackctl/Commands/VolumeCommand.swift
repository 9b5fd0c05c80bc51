import JSONText

/// `stackctl volume …`.
enum VolumeCommand {
    private static let volumes = OperandDeclaration("VOLUME", .oneOrMore, "Names of volumes")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the names")
    private static let force = OptionDeclaration.flag("force", "f", "Do not complain when there is none of that name")

    static let declaration = CommandDeclaration(
        "volume", summary: "Work with volumes",
        subcommands: [
            CommandDeclaration("ls", summary: "List volumes", options: [quiet, SharedOptions.json], action: list),
            CommandDeclaration("inspect", summary: "Show everything about volumes, as JSON", operands: [volumes]) {
                try await InspectCommand.inspect(
                    $0, try await $0.daemon(), $0.arguments.operands, among: ["volume"])
            },
            CommandDeclaration(
                "rm", summary: "Remove volumes and what is in them", operands: [volumes], options: [force]
            ) { invocation in
                try await EachObject.run(invocation) { daemon, name in
                    let target = Target("volumes", name).with("force", invocation.arguments.isSet(force))
                    _ = try await daemon.delete(target.text)
                }
            },
            PruneCommands.volume,
        ])

    private static func list(_ invocation: Invocation) async throws -> ExitCode {
        let answer = try await invocation.daemon().get("/volumes")
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        var table = TextTable(["DRIVER", "VOLUME NAME"])
        for volume in answer["Volumes"]?.arrayValue ?? [] {
            let name = volume["Name"]?.stringValue ?? ""
            if invocation.arguments.isSet(quiet) { invocation.output.print(name) }
            table.append([volume["Driver"]?.stringValue ?? "", name])
        }
        if !invocation.arguments.isSet(quiet) { invocation.output.write(table.render()) }
        return .success
    }
}
