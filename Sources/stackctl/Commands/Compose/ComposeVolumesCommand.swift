import Compose
import Diagnostics
import JSONText

/// `stackctl compose volumes`: the volumes of a project.
enum ComposeVolumesCommand {
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Only the names")

    static let declaration = CommandDeclaration(
        "volumes", summary: "List the volumes of a project", operands: [ComposeOptions.services],
        options: [ListFormat.option, quiet], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let session = try ComposeSession(invocation)
        let arguments = session.arguments
        let format = try VolumeCommand.format(
            arguments.value(of: ListFormat.option), isQuiet: arguments.isSet(quiet))
        let target = try await session.target()
        let request = Target("volumes").with(
            filters: [("label", "\(ComposeLabels.project)=\(target.name)")])
        var volumes = try await session.daemon().get(request.text)["Volumes"]?.arrayValue ?? []
        if !arguments.operands.isEmpty {
            let containers = try await session.containers(
                of: target, services: arguments.operands, oneOff: .included)
            let used = Set(
                containers.flatMap { $0.json["Mounts"]?.arrayValue ?? [] }.compactMap { $0["Name"]?.stringValue })
            volumes = volumes.filter { used.contains($0["Name"]?.stringValue ?? "") }
        }
        session.output.write(try format.render(volumes.map(VolumeCommand.row)))
        return .success
    }
}
