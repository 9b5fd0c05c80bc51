import Diagnostics
import JSONText

/// `stackctl volume rename`, `clone` and `snapshot`.
enum VolumeCopyCommands {
    private static let newName = OperandDeclaration("NEW", .one, "A name that is free")
    private static let snapshotOperand = OperandDeclaration("SNAPSHOT", .one, "Name of a snapshot")

    static let rename = CommandDeclaration(
        "rename", summary: "Give a volume another name",
        discussion: """
            Containers that mount it and do not run are made to follow; while one runs it is refused. A volume
            of a stack is renamed in its manifest.
            """,
        operands: [VolumeCommand.volume, newName]
    ) { invocation in
        let (name, new) = (invocation.arguments.operand(0) ?? "", invocation.arguments.operand(1) ?? "")
        _ = try await invocation.daemon().post(Target("volumes", name, "rename").with("name", new).text)
        invocation.output.print(new)
        return .success
    }

    static let clone = CommandDeclaration(
        "clone", summary: "Copy a volume into a new one",
        discussion: """
            Owners, permissions, times, extended attributes, hard links and holes are kept. Where the file
            system can, files share their blocks. Interrupted, it leaves nothing.
            """,
        operands: [VolumeCommand.volume, newName], options: [VolumeCommand.pause]
    ) { invocation in
        let (name, new) = (invocation.arguments.operand(0) ?? "", invocation.arguments.operand(1) ?? "")
        try await warn(of: name, invocation)
        let target = Target("volumes", name, "clone").with("name", new)
            .with("pause", invocation.arguments.isSet(VolumeCommand.pause))
        try await copy(target, invocation)
        invocation.output.print(new)
        return .success
    }

    static let snapshot = CommandDeclaration(
        "snapshot", summary: "Keep a volume's files as they are at a time",
        subcommands: [
            CommandDeclaration(
                "create", summary: "Keep the files as they are now",
                operands: [
                    VolumeCommand.volume, OperandDeclaration("SNAPSHOT", .optional, "Its name (default: the time)"),
                ], options: [VolumeCommand.pause], action: createSnapshot),
            CommandDeclaration(
                "ls", aliases: ["list"], summary: "List a volume's snapshots, oldest first",
                operands: [VolumeCommand.volume], options: [SharedOptions.json], action: listSnapshots),
            CommandDeclaration(
                "restore", summary: "Put a snapshot's files back into its volume",
                operands: [VolumeCommand.volume, snapshotOperand], options: [VolumeCommand.pause],
                action: restoreSnapshot),
            CommandDeclaration(
                "rm", aliases: ["remove"], summary: "Remove a snapshot",
                operands: [VolumeCommand.volume, snapshotOperand]
            ) { invocation in
                let (name, snapshot) = (invocation.arguments.operand(0) ?? "", invocation.arguments.operand(1) ?? "")
                _ = try await invocation.daemon().delete(Target("volumes", name, "snapshots", snapshot).text)
                invocation.output.print(snapshot)
                return .success
            },
        ])

    private static func createSnapshot(_ invocation: Invocation) async throws -> ExitCode {
        let name = invocation.arguments.operand(0) ?? ""
        try await warn(of: name, invocation)
        let target = Target("volumes", name, "snapshots").with("name", invocation.arguments.operand(1))
            .with("pause", invocation.arguments.isSet(VolumeCommand.pause))
        let made = try await copy(target, invocation)
        invocation.output.print(made?["Name"]?.stringValue ?? "")
        return .success
    }

    private static func listSnapshots(_ invocation: Invocation) async throws -> ExitCode {
        let name = invocation.arguments.operand(0) ?? ""
        let answer = try await invocation.daemon().get(Target("volumes", name, "snapshots").text)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        var table = TextTable(["SNAPSHOT", "CREATED", "SIZE"])
        for snapshot in answer.arrayValue ?? [] {
            table.append([
                snapshot["Name"]?.stringValue ?? "", snapshot["CreatedAt"]?.stringValue ?? "",
                HumanText.size(snapshot["Size"]?.intValue ?? 0),
            ])
        }
        invocation.output.write(table.render())
        return .success
    }

    private static func restoreSnapshot(_ invocation: Invocation) async throws -> ExitCode {
        let (name, snapshot) = (invocation.arguments.operand(0) ?? "", invocation.arguments.operand(1) ?? "")
        let target = Target("volumes", name, "snapshots", snapshot, "restore")
            .with("pause", invocation.arguments.isSet(VolumeCommand.pause))
        try await copy(target, invocation)
        invocation.output.print(name)
        return .success
    }

    /// Runs a copy in the daemon; how far it is, is shown on a terminal only: what is printed is for programs, too.
    @discardableResult
    private static func copy(_ target: Target, _ invocation: Invocation) async throws -> JSONValue? {
        try await TransferStream(
            direction: .copy, invocation: invocation, isQuiet: !invocation.output.style.isTerminal
        ).run(target)
    }

    /// Says of a volume in use that its files may change while they are read.
    static func warn(of name: String, _ invocation: Invocation) async throws {
        guard !invocation.arguments.isSet(VolumeCommand.pause) else { return }
        let target = Target("containers", "json").with(filters: [("volume", name), ("status", "running")])
        let users = try await invocation.daemon().get(target.text).arrayValue ?? []
        let names = users.compactMap { $0["Names"]?.arrayValue?.first?.stringValue?.drop { $0 == "/" } }
        guard !names.isEmpty else { return }
        invocation.output.show([
            Diagnostic(
                severity: .warning, code: "SC0195",
                summary: "the volume \(name) is in use by \(names.joined(separator: ", ")): files may change meanwhile",
                hint: "--pause freezes the containers for as long as it takes")
        ])
    }
}
