import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl load`: takes in the images of an archive.
enum LoadCommand {
    private static let input = OptionDeclaration.value(
        "input", "i", .path("FILE"), "Read from this archive instead of standard input")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Say only what was loaded")
    private static let platform = OptionDeclaration.list(
        "platform", nil, .text("OS/ARCH"), "Only what the archive has for this platform")

    static let declaration = CommandDeclaration(
        "load", summary: "Load images from an archive",
        discussion: """
            The archive is one of `docker save`, `stackctl save` or another tool that writes Docker archives or
            OCI layouts as a tar; plain, gzip or zstd.
            """,
        options: [input, platform, quiet], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let file: SharedDescriptor
        if let path = invocation.arguments.value(of: input) {
            file = try SentArchive.open(path)
        } else {
            guard !Terminal.isTerminal(0) else {
                throw Diagnostic(
                    code: "SC0182", summary: "requested load from stdin, but stdin is empty",
                    hint: "name the archive with -i FILE, or redirect it: stackctl load < FILE")
            }
            file = try FileDescriptor.duplicating(0).shared()
        }
        let target = invocation.arguments.values(of: platform).reduce(
            Target("images", "load").with("quiet", invocation.arguments.isSet(quiet) ? "1" : "0")
        ) { $0.with("platform", $1) }
        let daemon = try await invocation.daemon()
        let response: HTTPClientResponse
        if let answer = try await handOver(file, target, daemon) {
            response = answer
        } else {
            response = try await daemon.send(
                "POST", target.text, headers: ["Content-Type": "application/x-tar"],
                streaming: SentArchive.pieces(of: file))
        }
        defer { response.close() }
        guard response.status < 400 else {
            throw DaemonClient.failure(status: response.status, body: try await response.collect(), of: target.text)
        }
        return try await show(response, invocation)
    }

    /// Lets the daemon read a file itself, which is faster than sending it; nil where it has to be sent.
    private static func handOver(
        _ file: SharedDescriptor, _ target: Target, _ daemon: DaemonClient
    ) async throws -> HTTPClientResponse? {
        guard try file.status().kind == .regular else { return nil }
        let response = try await daemon.send("POST", target.with("descriptor", "\(file.raw)").text)
        guard response.status == 501 else { return response }
        response.close()
        return nil
    }

    private static func show(_ response: HTTPClientResponse, _ invocation: Invocation) async throws -> ExitCode {
        var lines = response.lines()
        while let line = try await lines.next() {
            guard !line.isEmpty, let value = try? JSONValue.parse(line) else { continue }
            if let message = value["error"]?.stringValue {
                throw Diagnostic(code: "SC0121", summary: message)
            }
            // How far each layer is interests nobody once it is over, and it is over soon.
            if let text = value["stream"]?.stringValue { invocation.output.write(text) }
        }
        return .success
    }
}

/// `stackctl save`: writes images as an archive.
enum SaveCommand {
    private static let output = OptionDeclaration.value(
        "output", "o", .path("FILE"), "Write to this file instead of standard output")
    private static let platform = OptionDeclaration.list(
        "platform", nil, .text("OS/ARCH"), "Only what the images have for this platform")

    static let declaration = CommandDeclaration(
        "save", summary: "Save images to an archive",
        discussion: """
            The archive is a tar that `docker load`, `stackctl load` and readers of OCI layouts understand. Equal
            images give equal bytes.
            """,
        operands: [
            OperandDeclaration(
                "IMAGE", .oneOrMore, "References or identifiers of images", completion: .names(.images))
        ],
        options: [output, platform], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let path = invocation.arguments.value(of: output)
        try ReceivedArchive.refuseTerminal(path, "save", hint: "stackctl save IMAGE > FILE")
        let names = invocation.arguments.operands
        let platforms = invocation.arguments.values(of: platform)
        let target = platforms.reduce(names.reduce(Target("images", "get")) { $0.with("names", $1) }) {
            $0.with("platform", $1)
        }
        let response = try await invocation.daemon().open("GET", target.text)
        defer { response.close() }
        try await ReceivedArchive.write(response, to: path)
        return .success
    }
}
