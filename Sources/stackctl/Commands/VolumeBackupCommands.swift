import Diagnostics
import HTTP
import JSONText
import Linux
import OCI

/// `stackctl volume backup` and `restore`.
enum VolumeBackupCommands {
    private static let output = OptionDeclaration.value(
        "output", "o", .path("FILE"), "Write to this file: .tar, .tar.gz or .tar.zst")
    private static let compress = OptionDeclaration.value(
        "compress", nil, .choice(["none", "gzip", "zstd"]), "Compression (default: by the file's name)")

    static let backup = CommandDeclaration(
        "backup", summary: "Write a volume's files to an archive or to a registry",
        discussion: """
            With a reference the files become the one layer of an image, which is pushed. Otherwise they are
            written as a tar to the file, or to standard output. The file is there when it is complete.
            """,
        operands: [
            VolumeCommand.volume,
            OperandDeclaration("REFERENCE", .optional, "A name in a registry, such as registry.example/backups/db:1"),
        ], options: [output, compress, VolumeCommand.pause], action: backUp)

    static let restore = CommandDeclaration(
        "restore", summary: "Replace a volume's files by those of a backup",
        discussion: """
            The source is an archive (a file, or - for standard input), or a reference. A volume that is not there
            is made. While a running container has it mounted it is refused, but for --pause, which freezes
            those containers. All the new files are there afterwards or, when anything fails, the old ones.
            """,
        operands: [
            VolumeCommand.volume, OperandDeclaration("SOURCE", .one, "A file, -, or a reference", completion: .path),
        ], options: [VolumeCommand.pause], action: putBack)

    private static func backUp(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let name = arguments.operand(0) ?? ""
        let path = arguments.value(of: output)
        if let text = arguments.operand(1) {
            guard path == nil, arguments.value(of: compress) == nil else {
                throw Diagnostic(
                    code: "SC0192", summary: "a backup goes to a file or to a registry, not to both",
                    hint: "leave out the reference, or --output and --compress")
            }
            try await VolumeCopyCommands.warn(of: name, invocation)
            return try await transfer(.push, name, text, invocation)
        }
        try ReceivedArchive.refuseTerminal(path, "back up", hint: "stackctl volume backup VOLUME > FILE")
        try await VolumeCopyCommands.warn(of: name, invocation)
        let target = Target("volumes", name, "archive").with("compression", compression(path, arguments))
            .with("pause", arguments.isSet(VolumeCommand.pause))
        let response = try await invocation.daemon().open("GET", target.text)
        defer { response.close() }
        let display = ProgressDisplay(output: invocation.output)
        let shows = path != nil && invocation.output.style.isTerminal
        try await Interruption.shared.guarding {
            if shows { invocation.output.write(ProgressPainter.showCursor) }
        } _: {
            let painter = shows ? Task { await display.keepPainting() } : nil
            let outcome: Result<Void, any Error>
            do {
                try await ReceivedArchive.write(response, to: path) { count in
                    guard shows else { return }
                    await display.take([
                        "type": "step_progress", "address": .string(TerminalText.line(name)), "operation": "backup",
                        "message": .string(HumanText.size(count)),
                    ])
                }
                outcome = .success(())
            } catch {
                outcome = .failure((error as? HTTPError) == .truncated ? cutShort(name) : error)
            }
            painter?.cancel()
            await painter?.value
            if shows { await display.finish() }
            try outcome.get()
        }
        if let path { invocation.output.print(path) }
        return .success
    }

    private static func cutShort(_ name: String) -> Diagnostic {
        Diagnostic(
            code: "SC0174", summary: "the backup of \(name) ended in the middle",
            detail: "a file could not be read, or the daemon ended; its log tells which", hint: "run the command again")
    }

    private static func compression(_ path: String?, _ arguments: ParsedArguments) -> String {
        if let text = arguments.value(of: compress) { return text }
        guard let path else { return "none" }
        if path.hasSuffix(".gz") || path.hasSuffix(".tgz") { return "gzip" }
        return path.hasSuffix(".zst") || path.hasSuffix(".tzst") ? "zstd" : "none"
    }

    private static func putBack(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let (name, source) = (arguments.operand(0) ?? "", arguments.operand(1) ?? "")
        let isFile = source == "-" || source.hasPrefix("/") || source.hasPrefix(".") || Files.exists(source)
        guard isFile else { return try await transfer(.pull, name, source, invocation) }
        let file = source == "-" ? try FileDescriptor.duplicating(0).shared() : try SentArchive.open(source)
        let target = Target("volumes", name, "archive").with("pause", arguments.isSet(VolumeCommand.pause))
        let response = try await invocation.daemon().send(
            "PUT", target.text, headers: ["Content-Type": "application/x-tar"],
            streaming: SentArchive.pieces(of: file))
        defer { response.close() }
        guard response.status < 400 else {
            throw DaemonClient.failure(status: response.status, body: try await response.collect(), of: target.text)
        }
        invocation.output.print(name)
        return .success
    }

    private static func transfer(
        _ direction: TransferStream.Direction, _ name: String, _ text: String, _ invocation: Invocation
    ) async throws -> ExitCode {
        let reference = try RegistryName.reference(text).withDefaultTag
        let target = Target("volumes", name, direction.rawValue).with("reference", reference.description)
            .with("pause", invocation.arguments.isSet(VolumeCommand.pause))
        let credentials = await CallerCredentials.header(for: reference.domain, invocation.output)
        try await TransferStream(
            direction: direction, invocation: invocation, isQuiet: !invocation.output.style.isTerminal
        ).run(target, credentials: credentials)
        invocation.output.print(direction == .push ? reference.familiar : name)
        return .success
    }
}
