import Diagnostics
import HTTP
import JSONText
import Linux

/// Options of commands that make an image.
enum NewImageOptions {
    static let change = OptionDeclaration.list(
        "change", "c", .text("INSTRUCTION"),
        "An instruction such as CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, WORKDIR")
    static let message = OptionDeclaration.value("message", "m", .text("TEXT"), "A remark for the image's history")
    static let name = OperandDeclaration("NAME", .optional, "The image's name, such as shop/site:2 (default: none)")
}

/// `stackctl import`: makes an image of a root file system in an archive.
enum ImportCommand {
    private static let platform = OptionDeclaration.value(
        "platform", nil, .text("OS/ARCH"), "What the image runs on (default: this machine)")

    static let declaration = CommandDeclaration(
        "import", summary: "Make an image of a root file system in an archive",
        discussion: """
            The archive is a tar, plain, gzip or zstd, such as `stackctl export` writes. Its identifier
            is printed.
            """,
        operands: [
            OperandDeclaration("FILE", .one, "The archive; - is standard input", completion: .path),
            NewImageOptions.name,
        ],
        options: [NewImageOptions.change, NewImageOptions.message, platform], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let source = arguments.operand(0) ?? "-"
        let isAddress = source.hasPrefix("http://") || source.hasPrefix("https://")
        var target = Target("images", "create").with("fromSrc", isAddress ? source : "-")
            .with("repo", arguments.operand(1)).with("message", arguments.value(of: NewImageOptions.message))
            .with("platform", arguments.value(of: platform))
        for change in arguments.values(of: NewImageOptions.change) { target = target.with("changes", change) }
        let answer: JSONValue
        if isAddress {
            answer = try await invocation.daemon().post(target.text)
        } else {
            let file = source == "-" ? try standardInput() : try SentArchive.open(source)
            answer = try await invocation.daemon().post(target.text, streaming: SentArchive.pieces(of: file))
        }
        invocation.output.print(answer["status"]?.stringValue ?? "")
        return .success
    }

    private static func standardInput() throws -> SharedDescriptor {
        guard !Terminal.isTerminal(0) else {
            throw Diagnostic(
                code: "SC0182", summary: "requested import from stdin, but stdin is a terminal",
                hint: "name the archive, or redirect it: stackctl import - < FILE")
        }
        return try FileDescriptor.duplicating(0).shared()
    }
}

/// `stackctl commit`: makes an image of a container.
enum CommitCommand {
    private static let author = OptionDeclaration.value("author", "a", .text("NAME"), "Who made the image")
    private static let pause = OptionDeclaration.flag(
        "pause", "p", "Freeze the container meanwhile, as without it; --pause=false does not")
    private static let noPause = OptionDeclaration.flag("no-pause", nil, "Do not freeze the container meanwhile")

    static let declaration = CommandDeclaration(
        "commit", summary: "Make an image of a container's changes",
        discussion: """
            The image has the layers of the container's image and one of what the container wrote; what
            is in volumes is not in it. Its identifier is printed.
            """,
        operands: [SharedOptions.container, NewImageOptions.name], options: options
    ) { invocation in
        try await commit(invocation.arguments.operand(0) ?? "", as: invocation.arguments.operand(1), invocation)
    }

    static let options = [author, NewImageOptions.change, NewImageOptions.message, pause, noPause]

    /// Makes an image of a container, under a name where one is given, and prints its identifier.
    static func commit(
        _ container: String, as name: String?, _ invocation: Invocation
    ) async throws -> ExitCode {
        let arguments = invocation.arguments
        let pauses = !arguments.isRefused(pause) && !arguments.isSet(noPause)
        var target = Target("commit").with("container", container).with("repo", name)
            .with("comment", arguments.value(of: NewImageOptions.message))
            .with("author", arguments.value(of: author)).with("pause", pauses ? "1" : "0")
        for change in arguments.values(of: NewImageOptions.change) { target = target.with("changes", change) }
        let answer = try await invocation.daemon().post(target.text)
        invocation.output.print(answer["Id"]?.stringValue ?? "")
        return .success
    }
}
