import Archives
import Diagnostics
import HTTP
import Linux

/// `stackctl cp`: copies files between a container and this host.
enum CopyCommand {
    static let archive = OptionDeclaration.flag("archive", "a", "Keep the owners of the files")
    static let follow = OptionDeclaration.flag("follow-link", "L", "Copy what a link at SOURCE points to")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Say nothing; so it is without a terminal")

    static let declaration = CommandDeclaration(
        "cp", summary: "Copy files between a container and this host",
        discussion: """
            One of the two is CONTAINER:PATH, the other a path of this host, or - for a tar on
            standard input or output. A directory is copied into a directory that is there, and as
            PATH where there is none; SOURCE/. means what is in it.
            """,
        operands: [
            OperandDeclaration("SOURCE", .one, "PATH or CONTAINER:PATH", completion: .path),
            OperandDeclaration("DESTINATION", .one, "PATH or CONTAINER:PATH", completion: .path),
        ],
        options: [archive, follow, quiet], action: run)

    /// `CONTAINER:PATH`, or a path of this host.
    static func split(_ text: String) -> (container: String?, path: String) {
        guard !text.hasPrefix("/") else { return (nil, text) }
        let (container, path) = CommaSeparated.cut(text, at: ":")
        guard let path, !container.hasPrefix(".") else { return (nil, text) }
        return (container, path)
    }

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let source = split(invocation.arguments.operand(0) ?? "")
        let destination = split(invocation.arguments.operand(1) ?? "")
        for (name, side) in [("source", source), ("destination", destination)] where side.path.isEmpty {
            throw problem("\(name) can not be empty")
        }
        switch (source.container, destination.container) {
        case (nil, nil):
            throw problem(
                "must specify at least one container source", hint: "write CONTAINER:PATH for one of the two")
        case (_?, _?):
            throw problem(
                "copying between containers is not supported",
                hint: "stackctl cp CONTAINER:PATH - | stackctl cp - CONTAINER:PATH")
        case (let container?, nil): try await receive(container, source.path, to: destination.path, invocation)
        case (nil, let container?): try await send(source.path, to: container, destination.path, invocation)
        }
        return .success
    }

    private static func problem(_ summary: String, hint: String? = nil) -> Diagnostic {
        Diagnostic(code: "SC0205", summary: summary, hint: hint)
    }

    private static func absolute(_ path: String) throws -> String {
        let whole = LocalPath.absolute(path, in: try CurrentProcess.workingDirectory())
        if path == "." || path.hasSuffix("/.") { return whole == "/" ? "/." : whole + "/." }
        return path.hasSuffix("/") && whole != "/" ? whole + "/" : whole
    }

    private static func report(_ bytes: UInt64, _ destination: String, _ invocation: Invocation) {
        guard !invocation.arguments.isSet(quiet), invocation.output.style.isTerminal else { return }
        invocation.output.writeError(
            "Successfully copied \(HumanText.size(Int64(clamping: bytes))) to \(TerminalText.line(destination))\n")
    }

    // MARK: From a container

    static func receive(
        _ container: String, _ path: String, to given: String, _ invocation: Invocation
    ) async throws {
        let daemon = try await invocation.daemon()
        var path = path
        var name: String?
        if invocation.arguments.isSet(follow), let found = try await ContainerPath.find(path, in: container, daemon),
            found.isLink
        {
            name = CopySide(path: path).base
            path = found.resolved(from: path)
        }
        let destination = given == "-" ? "-" : try absolute(given)
        let target = Target("containers", container, "archive").with("path", path).text
        let response = try await daemon.open("GET", target)
        defer { response.close() }
        guard destination != "-" else {
            try ReceivedArchive.refuseTerminal(nil, "copy", hint: "stackctl cp \(container):\(path) - > FILE")
            return try await ReceivedArchive.write(response, to: nil)
        }
        let found = ContainerPath(response.headers, path: path)
        let source = CopySide(path: path, exists: true, isDirectory: found?.side.isDirectory ?? false)
        let plan = try CopyPlan(from: source, to: try local(destination), name: name)
        let renaming: LocalUnpacking.Renaming? =
            switch (source.base, plan.name) {
            case (let old?, let new?): old == new ? nil : .root(from: old, to: new)
            case (nil, let new?): .into(new)
            case (_, nil): nil
            }
        let keepsOwners = invocation.arguments.isSet(archive) && CurrentProcess.uid == 0
        let bytes = try await unpack(response, plan.folder, renaming, keepsOwners: keepsOwners)
        report(bytes, destination, invocation)
    }

    /// What is at the destination here.
    private static func local(_ path: String) throws -> CopySide {
        if let status = try Files.statusIfPresent(path) {
            guard [.directory, .regular].contains(status.kind) else {
                throw problem("destination \"\(path)\" must be a directory or a regular file")
            }
            return CopySide(path: path, exists: true, isDirectory: status.kind == .directory)
        }
        let parent = CopySide(path: LocalPath.clean(path)).parent
        guard Files.exists(parent) else {
            throw problem(
                "invalid output path: directory \"\(parent)\" does not exist", hint: "make it: mkdir -p \(parent)")
        }
        return CopySide(path: path, exists: false)
    }

    private static func unpack(
        _ response: HTTPClientResponse, _ folder: String, _ renaming: LocalUnpacking.Renaming?, keepsOwners: Bool
    ) async throws -> UInt64 {
        let root = try Files.open(folder, [.readOnly, .directory]).shared()
        do {
            return try await LocalUnpacking(folder: root, renaming: renaming, keepsOwners: keepsOwners)
                .unpack(response)
        } catch let error as ArchiveError {
            if case .source(let inner) = error, let diagnostic = inner as? Diagnostic { throw diagnostic }
            throw Diagnostic(code: "SC0206", summary: "the copy cannot be written", detail: "\(error)")
        }
    }

    // MARK: To a container

    static func send(
        _ given: String, to container: String, _ path: String, _ invocation: Invocation
    ) async throws {
        let daemon = try await invocation.daemon()
        let destination = try await remote(path, container, daemon)
        if given == "-" {
            guard destination.exists, destination.isDirectory else {
                throw problem("destination \"\(container):\(path)\" must be a directory")
            }
            let input = try FileDescriptor.duplicating(0).shared()
            return try await put(container, destination.path, invocation, daemon, SentArchive.pieces(of: input))
        }
        let source = try absolute(given)
        let followsLink = invocation.arguments.isSet(follow) || source.hasSuffix("/") || source.hasSuffix("/.")
        guard let status = try Files.statusIfPresent(source, followLinks: followsLink) else {
            throw problem("lstat \(source): no such file or directory", hint: "look at the path of this host")
        }
        let isDirectory = status.kind == .directory
        let plan = try CopyPlan(
            from: CopySide(path: source, exists: true, isDirectory: isDirectory), to: destination)
        let pipe = try PipeEnds.writtenByThread()
        let end = pipe.blocking
        let clean = LocalPath.clean(source)
        let counter = ByteCounter()
        async let written: Void = BlockingExecutor.shared.run { () throws(ArchiveError) in
            let sink: SharedDescriptor
            do throws(SystemError) { sink = try end.take() } catch { throw .system(error) }
            try LocalArchive.write(clean, name: plan.name, followsLink: followsLink) { bytes throws(ArchiveError) in
                counter.add(bytes.count)
                do throws(SystemError) { try sink.writeAll(bytes) } catch { throw .system(error) }
            }
        }
        do {
            try await put(container, plan.folder, invocation, daemon) {
                let piece = try await pipe.waiting.read(upTo: 1 << 18)
                return piece.isEmpty ? nil : piece
            }
            pipe.waiting.close()
        } catch {
            pipe.waiting.close()
            _ = try? await written
            throw error
        }
        do {
            try await written
        } catch {
            throw Diagnostic(code: "SC0206", summary: "\(clean) cannot be read", detail: "\(error)")
        }
        report(isDirectory ? counter.total : UInt64(clamping: status.size), "\(container):\(path)", invocation)
    }

    private static func put(
        _ container: String, _ folder: String, _ invocation: Invocation, _ daemon: DaemonClient,
        _ body: @Sendable () async throws -> [UInt8]?
    ) async throws {
        let target = Target("containers", container, "archive").with("path", folder)
            .with("noOverwriteDirNonDir", "true")
            .with("copyUIDGID", invocation.arguments.isSet(archive) ? "true" : nil).text
        let response = try await daemon.send(
            "PUT", target, headers: ["Content-Type": "application/x-tar"], streaming: body)
        let answer = try await response.collect()
        guard response.status < 400 else {
            throw DaemonClient.failure(status: response.status, body: answer, of: target)
        }
    }

    /// What is at the destination in the container; links are followed.
    private static func remote(_ path: String, _ container: String, _ daemon: DaemonClient) async throws -> CopySide {
        guard let found = try await ContainerPath.find(path, in: container, daemon) else {
            return CopySide(path: path, exists: false)
        }
        guard found.isLink else {
            guard found.isOrdinary else {
                throw problem("destination \"\(container):\(path)\" must be a directory or a regular file")
            }
            return found.side
        }
        let target = found.resolved(from: path)
        let beyond = try await ContainerPath.find(target, in: container, daemon)
        return beyond?.side ?? CopySide(path: target, exists: false)
    }
}
