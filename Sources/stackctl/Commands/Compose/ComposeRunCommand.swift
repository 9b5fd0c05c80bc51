import Compose
import Diagnostics
import Engine
import JSONText
import Linux
import Providers

/// `stackctl compose run`.
enum ComposeRunCommand {
    private static let detach = OptionDeclaration.flag(
        "detach", "d", "Leave it in the background and print its identifier")
    private static let remove = OptionDeclaration.flag("rm", nil, "Remove the container once it has ended")
    private static let environmentFile = OptionDeclaration.list(
        "env-from-file", nil, .path("FILE"), "Read variables of the container from a file")
    private static let servicePorts = OptionDeclaration.flag(
        "service-ports", "P", "Publish the ports of the service; they are not otherwise")
    private static let aliases = OptionDeclaration.flag(
        "use-aliases", nil, "Answer to the names of the service in its networks")
    private static let entrypoint = OptionDeclaration.value(
        "entrypoint", nil, .text("PROGRAM"), "Run this in place of the entrypoint")
    private static let interactive = OptionDeclaration.flag(
        "interactive", "i", "Give it our standard input, as without it; --interactive=false does not")
    private static let terminal = OptionDeclaration.flag("tty", "t", "Give it a terminal, as without it")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Do not show what goes on before it runs")
    private static let build = OptionDeclaration.flag("build", nil, "Build the image where something changed")

    static let declaration = CommandDeclaration(
        "run", summary: "Run a program in a new container of a service",
        discussion: """
            What the service depends on is started first. The container is none of the service's: it
            has no ports and no names of the service unless asked for. Its exit code is ours.
            """,
        operands: [
            ComposeOptions.service, OperandDeclaration("COMMAND", .optional, "Program to run (default: the service's)"),
            OperandDeclaration("ARG", .any, "Its arguments"),
        ],
        options: [
            detach, remove, CreateOptions.environment, environmentFile, CreateOptions.user,
            CreateOptions.workingDirectory, CreateOptions.volume, CreateOptions.publish, servicePorts,
            CreateOptions.name, ComposeOptions.noDependencies, entrypoint, CreateOptions.label,
            ComposeExecCommand.noTerminal, interactive, terminal, aliases, build, ComposeDeployOptions.pull, quiet,
            ComposeDeployOptions.quietPull, ComposeDeployOptions.quietBuild, CreateOptions.capabilityAdd,
            CreateOptions.capabilityDrop, ComposeOptions.removeOrphans, ComposeOptions.yes, ComposeOptions.dryRun,
        ], endsAtFirstOperand: true, watchesInterrupts: false, action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let given = try ComposeSession(invocation)
        let arguments = given.arguments
        let session = arguments.isSet(quiet) ? given.quiet : given
        let service = arguments.operand(0) ?? ""
        let target = try await Interruption.shared.whileInterruptible { () async throws -> OneOff? in
            var request = try ComposeDeployOptions.request(arguments)
            request.scale = [service: 1]
            let deployment = try ComposeDeployment(session, try await session.project(), named: [service], request)
            if request.removesOrphans { try await removeOrphans(of: deployment, session) }
            guard let attributes = try await deployment.supply(service) else { return nil }
            return try OneOff(project: deployment.project, service: service, attributes: attributes)
        }
        guard let target else {
            session.output.print("Would run a container of \(service)")
            return .success
        }
        let daemon = try await session.daemon()
        let hasTerminal = self.hasTerminal(arguments)
        let body = try body(target, arguments, hasTerminal: hasTerminal)
        let name = arguments.value(of: CreateOptions.name) ?? target.name
        let made = try await daemon.post(Target("containers", "create").with("name", name).text, body)
        for warning in (made["Warnings"]?.arrayValue ?? []).compactMap(\.stringValue) {
            session.output.writeError("WARNING: \(TerminalText.line(warning))\n")
        }
        let id = made["Id"]?.stringValue ?? ""
        guard !arguments.isSet(detach) else {
            _ = try await daemon.post(Target("containers", id, "start").text)
            session.output.print(id)
            return .success
        }
        let streams = AttachedStreams(input: !arguments.isRefused(interactive), output: true, error: true)
        let attachment = ContainerAttachment(
            daemon: daemon, output: session.output, id: id, hasTerminal: hasTerminal, streams: streams,
            detachKeys: try DetachKeysOption.keys(nil), proxiesSignals: !hasTerminal)
        do {
            return try await attachment.start(waitingFor: arguments.isSet(remove) ? "removed" : "next-exit")
        } catch let failure as StatusFailure {
            if arguments.isSet(remove) { _ = try? await daemon.delete(Target("containers", id).with("v", true).text) }
            return RunFailure.show(failure, "compose run", session.output)
        }
    }

    private static func removeOrphans(of deployment: ComposeDeployment, _ session: ComposeSession) async throws {
        let orphans = try await deployment.orphans()
        _ = try await ComposeStopCommand.stop(orphans.filter(\.isRunning), session, deployment.target)
        _ = try await ComposeRemoval(session, deployment.target).remove(orphans, volumes: false)
    }

    private static func hasTerminal(_ arguments: ParsedArguments) -> Bool {
        !arguments.isSet(detach) && !arguments.isSet(ComposeExecCommand.noTerminal) && !arguments.isRefused(terminal)
            && Terminal.isTerminal(0) && Terminal.isTerminal(1)
    }

    // MARK: The container

    /// A container that is none of its service's.
    struct OneOff: Sendable {
        let project: ComposeProject
        let service: String
        /// Those of the service's container.
        let attributes: JSONObject
        /// 64 hexadecimal digits, the first of which are in the name.
        let slug: String

        init(project: ComposeProject, service: String, attributes: JSONObject) throws(SystemError) {
            self.project = project
            self.service = service
            self.attributes = attributes
            slug = try Random.hexID()
        }

        var name: String { "\(project.name)-\(service)-run-\(slug.prefix(12))" }
    }

    /// The body of the container's creation.
    static func body(
        _ target: OneOff, _ arguments: ParsedArguments, hasTerminal: Bool
    ) throws -> JSONValue {
        let attributes = try adjusted(target, arguments, hasTerminal: hasTerminal)
        var specification = try LooseContainer.specification(attributes)
        specification.autoRemove = arguments.isSet(remove)
        specification.stdinOnce = specification.openStdin && !arguments.isSet(detach)
        specification.attachesInput = specification.stdinOnce
        return try withFlags(specification.json, target, arguments)
    }

    /// The service's attributes with what the command line says.
    private static func adjusted(
        _ target: OneOff, _ arguments: ParsedArguments, hasTerminal: Bool
    ) throws -> JSONObject {
        var attributes = target.attributes
        for name in ["name", "restart", "update", "hooks", "running", "pull", "oneShot", "anonymousVolumes"] {
            attributes[name] = nil
        }
        if !arguments.isSet(servicePorts) { attributes["ports"] = nil }
        attributes["labels"] = .object(.strings(labels(target, arguments)))
        try setVariables(of: &attributes, target, arguments)
        if attributes["networks"] != nil { attributes["networks"] = .array(networks(target, arguments)) }
        if let user = arguments.value(of: CreateOptions.user) { attributes["user"] = .string(user) }
        if let place = arguments.value(of: CreateOptions.workingDirectory) { attributes["workdir"] = .string(place) }
        let command = Array(arguments.operands.dropFirst())
        if let text = arguments.value(of: entrypoint) {
            attributes["entrypoint"] = .strings(try ShellWords.split(text))
            attributes["command"] = .strings(command)
        } else if !command.isEmpty {
            attributes["command"] = .strings(command)
        }
        attributes["tty"] = .bool(hasTerminal)
        attributes["openStdin"] = .bool(!arguments.isRefused(interactive) && !arguments.isSet(detach))
        return attributes
    }

    private static func labels(_ target: OneOff, _ arguments: ParsedArguments) -> [String: String] {
        var labels = target.attributes["labels"]?.objectValue?.strings ?? [:]
        labels[ComposeLabels.oneOff] = "True"
        labels[ComposeLabels.slug] = target.slug
        for text in arguments.values(of: CreateOptions.label) {
            let (key, value) = CommaSeparated.cut(text)
            labels[key] = value ?? ""
        }
        return labels
    }

    private static func setVariables(
        of attributes: inout JSONObject, _ target: OneOff, _ arguments: ParsedArguments
    ) throws(Diagnostic) {
        var values = attributes["env"]?.objectValue?.strings ?? [:]
        var unset = Set((attributes["unsetEnv"]?.arrayValue ?? []).compactMap(\.stringValue))
        let variables = try CreateBody.variables(
            arguments, CreateOptions.environment, environmentFile, target.project.environment)
        for line in variables {
            let (name, value) = CommaSeparated.cut(line)
            // A name without a value, which nothing has: it is taken away, and so is the image's.
            values[name] = value
            if value == nil { unset.insert(name) } else { unset.remove(name) }
        }
        attributes["env"] = .object(.strings(values))
        attributes["unsetEnv"] = unset.isEmpty ? nil : .strings(unset.sorted())
    }

    /// The networks, without the names of the service unless they are asked for.
    private static func networks(_ target: OneOff, _ arguments: ParsedArguments) -> [JSONValue] {
        (target.attributes["networks"]?.arrayValue ?? []).map { endpoint in
            var endpoint = endpoint.objectValue ?? JSONObject()
            // One address cannot be had twice.
            for key in ["address", "address6", "macAddress", "linkLocal"] { endpoint[key] = nil }
            let names = (endpoint["aliases"]?.arrayValue ?? []).compactMap(\.stringValue)
            endpoint["aliases"] =
                arguments.isSet(aliases)
                ? .strings(names.contains(target.service) ? names : [target.service] + names) : nil
            return .object(endpoint)
        }
    }

    /// Adds volumes, ports and capabilities as `stackctl run` reads them.
    private static func withFlags(
        _ base: JSONValue, _ target: OneOff, _ arguments: ParsedArguments
    ) throws -> JSONValue {
        var flags = ParsedArguments()
        for option in [CreateOptions.publish, CreateOptions.capabilityAdd, CreateOptions.capabilityDrop] {
            for value in arguments.values(of: option) { flags.set(option, to: value) }
        }
        for text in arguments.values(of: CreateOptions.volume) {
            flags.set(CreateOptions.volume, to: volume(text, target.project))
        }
        let more = try CreateBody(
            flags, environment: target.project.environment, workingDirectory: try CurrentProcess.workingDirectory()
        ).json
        guard var body = base.objectValue else { return base }
        var host = body["HostConfig"]?.objectValue ?? JSONObject()
        if base["Tty"]?.boolValue == true, let size = ConsoleSize.current {
            host["ConsoleSize"] = size
        }
        for key in ["Binds", "CapAdd", "CapDrop"] {
            guard let added = more["HostConfig"]?[key]?.arrayValue, !added.isEmpty else { continue }
            host[key] = .array((host[key]?.arrayValue ?? []) + added)
        }
        let replaced = (more["HostConfig"]?["Binds"]?.arrayValue ?? []).compactMap { bind in
            bind.stringValue?.split(separator: ":").dropFirst().first.map { String($0) }
        }
        if let mounts = host["Mounts"]?.arrayValue {
            host["Mounts"] = .array(mounts.filter { !replaced.contains($0["Target"]?.stringValue ?? "") })
        }
        host["PortBindings"] = merged(host["PortBindings"], more["HostConfig"]?["PortBindings"])
        body["HostConfig"] = .object(host)
        body["ExposedPorts"] = merged(body["ExposedPorts"], more["ExposedPorts"])
        return .object(body)
    }

    private static func merged(_ first: JSONValue?, _ second: JSONValue?) -> JSONValue? {
        guard var object = first?.objectValue else { return second ?? first }
        for (key, value) in second?.objectValue ?? JSONObject() { object[key] = value }
        return .object(object)
    }

    /// A volume of the file is named as it is called on the host.
    private static func volume(_ text: String, _ project: ComposeProject) -> String {
        guard let colon = text.firstIndex(of: ":"), let volume = project.volumes[String(text[..<colon])] else {
            return text
        }
        let key = String(text[..<colon])
        return (volume["name"]?.string ?? "\(project.name)_\(key)") + text[colon...]
    }
}
