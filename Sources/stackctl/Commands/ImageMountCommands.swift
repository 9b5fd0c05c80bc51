import Diagnostics
import JSONText
import Linux

/// `stackctl image mount`: lets the files of an image be looked at.
enum ImageMountCommand {
    static let declaration = CommandDeclaration(
        "mount", summary: "Mount an image's files, to be looked at",
        discussion: """
            The mount is read-only and stays, also when the daemon ends, until `stackctl image unmount`;
            as long as it is there its image cannot be removed. Its path is printed; without an IMAGE
            those that are mounted are listed.
            """,
        operands: [
            OperandDeclaration("IMAGE", .optional, "Reference or identifier of an image"),
            OperandDeclaration(
                "DIR", .optional, "Directory to mount on (default: one of the daemon's)", completion: .path),
        ], options: [SharedOptions.json], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let daemon = try await invocation.daemon()
        guard let image = invocation.arguments.operand(0) else { return try await list(invocation, daemon) }
        let path = try invocation.arguments.operand(1).map(absolute)
        let answer = try await daemon.post(Target("images", "mount").with("image", image).with("path", path).text)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
        } else {
            invocation.output.print(answer["Path"]?.stringValue ?? "")
        }
        return .success
    }

    private static func list(_ invocation: Invocation, _ daemon: DaemonClient) async throws -> ExitCode {
        let answer = try await daemon.get(Target("images", "mounts").text)
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        var table = TextTable(["IMAGE ID", "PATH"])
        for mount in answer.arrayValue ?? [] {
            table.append([shortID(mount["Id"]?.stringValue ?? ""), mount["Path"]?.stringValue ?? ""])
        }
        invocation.output.write(table.render())
        return .success
    }

    /// The daemon has a working directory of its own.
    static func absolute(_ path: String) throws -> String {
        path.hasPrefix("/") ? path : try CurrentProcess.workingDirectory() + "/" + path
    }
}

/// `stackctl image unmount`.
enum ImageUnmountCommand {
    private static let all = OptionDeclaration.flag("all", "a", "Everything that is mounted")
    private static let force = OptionDeclaration.flag("force", "f", "Also where a process is in there")

    static let declaration = CommandDeclaration(
        "unmount", aliases: ["umount"], summary: "Unmount images that were mounted to be looked at",
        operands: [
            OperandDeclaration("IMAGE|DIR", .any, "References or identifiers of images, or where they are mounted")
        ], options: [all, force], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let isForced = arguments.isSet(force)
        if arguments.isSet(all) {
            let target = Target("images", "unmount").with("all", true).with("force", isForced)
            for mount in try await invocation.daemon().post(target.text).arrayValue ?? [] {
                invocation.output.print(mount["Path"]?.stringValue ?? "")
            }
            return .success
        }
        guard !arguments.operands.isEmpty else {
            throw Diagnostic(
                code: "SC0194", summary: "nothing to unmount was named",
                hint: "name images or directories, or add --all; `stackctl image mount` lists what is mounted")
        }
        return try await EachObject.run(invocation) { daemon, name in
            // What looks like a path is one: names of images never begin so.
            let isPath = name.hasPrefix("/") || name.hasPrefix("./") || name.hasPrefix("../")
            let target = Target("images", "unmount").with("image", isPath ? try ImageMountCommand.absolute(name) : name)
                .with("force", isForced)
            _ = try await daemon.post(target.text)
        }
    }
}

/// `stackctl image diff`: what differs between two images.
enum ImageDiffCommand {
    private static let times = OptionDeclaration.flag("times", nil, "Also files of which only the time differs")

    static let declaration = CommandDeclaration(
        "diff", summary: "Show what differs between two images",
        discussion: """
            Files come first: A was added, C changed, D deleted, with what of it changed; then settings of
            the configuration.
            """,
        operands: [
            OperandDeclaration("FROM", "Reference or identifier of an image"),
            OperandDeclaration("TO", "Reference or identifier of the image it is compared with"),
        ], options: [SharedOptions.json, times], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let target = Target("images", "difference").with("from", arguments.operand(0)).with("to", arguments.operand(1))
            .with("times", arguments.isSet(times))
        let answer = try await invocation.daemon().get(target.text)
        if arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        for file in answer["Files"]?.arrayValue ?? [] { invocation.output.print(TerminalText.line(line(file))) }
        let settings = answer["Config"]?.arrayValue ?? []
        if !settings.isEmpty { invocation.output.print("Configuration:") }
        for setting in settings { invocation.output.print("  " + TerminalText.line(text(of: setting))) }
        return .success
    }

    /// `C /etc/passwd (size 10B -> 12B, content)`.
    private static func line(_ file: JSONValue) -> String {
        let path = file["Path"]?.stringValue ?? ""
        let (before, after) = (file["Before"], file["After"])
        func isFile(_ facts: JSONValue?) -> Bool { facts?["Type"]?.stringValue == "file" }
        func size(_ facts: JSONValue?) -> String { HumanText.size(facts?["Size"]?.intValue ?? 0) }
        switch file["Kind"]?.stringValue {
        case "added": return "A \(path)" + (isFile(after) ? " (\(size(after)))" : "")
        case "deleted": return "D \(path)" + (isFile(before) ? " (\(size(before)))" : "")
        default:
            let reasons = (file["Changes"]?.arrayValue ?? []).compactMap(\.stringValue)
            let told = reasons.map { reason in
                switch reason {
                case "size": "size \(size(before)) -> \(size(after))"
                case "type": "\(fact("Type", before)) -> \(fact("Type", after))"
                case "mode": "mode \(fact("Mode", before)) -> \(fact("Mode", after))"
                case "owner": "owner \(owner(before)) -> \(owner(after))"
                default: reason
                }
            }
            return "C \(path) (\(told.joined(separator: ", ")))"
        }
    }

    private static func fact(_ name: String, _ facts: JSONValue?) -> String { facts?[name]?.stringValue ?? "?" }

    private static func owner(_ facts: JSONValue?) -> String {
        "\(facts?["User"]?.intValue ?? 0):\(facts?["Group"]?.intValue ?? 0)"
    }

    /// `Env PATH: "/bin" -> "/usr/bin"`.
    private static func text(of setting: JSONValue) -> String {
        let name = setting["Name"]?.stringValue.map { " \($0)" } ?? ""
        let field = (setting["Field"]?.stringValue ?? "") + name
        // What has only a name is there or not.
        let isMark = ["ExposedPorts", "Volumes"].contains(setting["Field"]?.stringValue)
        switch (setting["Before"], setting["After"]) {
        case (nil, let after?): return "A \(field)" + (isMark ? "" : ": \(after.serialized(.compact))")
        case (let before?, nil): return "D \(field)" + (isMark ? "" : ": \(before.serialized(.compact))")
        case (let before, let after):
            return "C \(field): \(before?.serialized(.compact) ?? "") -> \(after?.serialized(.compact) ?? "")"
        }
    }
}
