import Diagnostics
import OCI

/// `stackctl push`: gives an image to its registry.
enum PushCommand {
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Print only the image's full name")
    private static let all = OptionDeclaration.flag("all-tags", "a", "Push every tag of the repository that is here")

    private static let platform = OptionDeclaration.value(
        "platform", nil, .text("OS/ARCH"), "Push only what the image has for this platform")

    static let declaration = CommandDeclaration(
        "push", summary: "Push an image to its registry",
        discussion: """
            The manifest and the layers are those the image came with, byte for byte; a layer
            that came as a plain tar is sent as one. Nothing is sent that the registry has.
            """,
        operands: [
            OperandDeclaration("NAME", "Name of an image, with the registry and a tag", completion: .names(.images))
        ],
        options: [all, platform, quiet], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let wanted = try RegistryName.reference(arguments.operand(0) ?? "")
        guard wanted.digest == nil else {
            throw Diagnostic(
                code: "SC0194", summary: "cannot push a digest reference", hint: "name the image by a tag")
        }
        guard !arguments.isSet(all) || wanted.tag == nil else {
            throw Diagnostic(
                code: "SC0192", summary: "a tag cannot be used with --all-tags",
                hint: "name the repository alone: stackctl push -a \(wanted.familiarRepository)")
        }
        let reference = arguments.isSet(all) ? wanted : wanted.withDefaultTag
        if !arguments.isSet(quiet), !arguments.isSet(all), wanted.tag == nil {
            invocation.output.print("Using default tag: \(ImageReference.defaultTag)")
        }
        let target = Target("images", reference.familiarRepository, "push").with("tag", reference.tag)
            .with("platform", arguments.value(of: platform))
        let credentials = await CallerCredentials.header(for: reference.domain, invocation.output)
        try await TransferStream(direction: .push, invocation: invocation, isQuiet: arguments.isSet(quiet))
            .run(target, credentials: credentials)
        if arguments.isSet(quiet) { invocation.output.print(reference.description) }
        return .success
    }
}
