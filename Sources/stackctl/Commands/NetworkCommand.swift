import JSONText

/// `stackctl network …`.
enum NetworkCommand {
    private static let networks = OperandDeclaration("NETWORK", .oneOrMore, "Names or identifiers of networks")

    static let declaration = CommandDeclaration(
        "network", summary: "Work with networks",
        subcommands: [
            CommandDeclaration("ls", summary: "List networks", options: [SharedOptions.json], action: list),
            CommandDeclaration("inspect", summary: "Show everything about networks, as JSON", operands: [networks]) {
                try await InspectCommand.inspect(
                    $0, try await $0.daemon(), $0.arguments.operands, among: ["network"])
            },
            CommandDeclaration("rm", summary: "Remove networks that no container uses", operands: [networks]) {
                try await EachObject.run($0) { daemon, name in
                    _ = try await daemon.delete(Target("networks", name).text)
                }
            },
            PruneCommands.network,
        ])

    private static func list(_ invocation: Invocation) async throws -> ExitCode {
        let answer = try await invocation.daemon().get("/networks")
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        var table = TextTable(["NETWORK ID", "NAME", "DRIVER", "SUBNET"])
        for network in answer.arrayValue ?? [] {
            let subnets = (network["IPAM"]?["Config"]?.arrayValue ?? []).compactMap { $0["Subnet"]?.stringValue }
            table.append([
                shortID(network["Id"]?.stringValue ?? ""), network["Name"]?.stringValue ?? "",
                network["Driver"]?.stringValue ?? "", subnets.joined(separator: ", "),
            ])
        }
        invocation.output.write(table.render())
        return .success
    }
}
