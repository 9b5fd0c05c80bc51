/// `stackctl compose export`: writes the files of a service's container to an archive.
enum ComposeExportCommand {
    static let declaration = CommandDeclaration(
        "export", summary: "Write the files of a service's container to an archive",
        operands: [ComposeOptions.service], options: [ComposeOptions.index, ExportCommand.output]
    ) { invocation in
        let session = try ComposeSession(invocation)
        let service = session.arguments.operand(0) ?? ""
        let container = try await session.container(
            of: try await session.target(), service: service,
            index: session.arguments.value(of: ComposeOptions.index).flatMap { Int($0) }, running: false)
        try await ExportCommand.export(
            container.id, session.invocation, hint: "stackctl compose export \(service) > FILE")
        return .success
    }
}
