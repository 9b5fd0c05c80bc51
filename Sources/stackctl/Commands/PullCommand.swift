import Diagnostics
import OCI

/// `stackctl pull`: brings an image from its registry.
enum PullCommand {
    private static let platform = OptionDeclaration.value(
        "platform", nil, .text("OS/ARCH"), "The platform of the image, where it has several (default: this host's)")
    private static let quiet = OptionDeclaration.flag("quiet", "q", "Print only the image's full name")
    private static let all = OptionDeclaration.flag("all-tags", "a", "Pull every tag of the repository")

    static let declaration = CommandDeclaration(
        "pull", summary: "Pull an image from its registry",
        discussion: """
            Layers that are here are not sent again. Credentials are those of `stackctl login`
            and `docker login`.
            """,
        operands: [OperandDeclaration("NAME", "Name of an image, with a tag or a digest")],
        options: [platform, quiet, all], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let wanted = try RegistryName.reference(arguments.operand(0) ?? "")
        guard !arguments.isSet(all) || wanted.tag == nil && wanted.digest == nil else {
            throw Diagnostic(
                code: "SC0192", summary: "a tag cannot be used with --all-tags",
                hint: "name the repository alone: stackctl pull -a \(wanted.familiarRepository)")
        }
        let reference = arguments.isSet(all) ? wanted : wanted.withDefaultTag
        if !arguments.isSet(quiet), !arguments.isSet(all), wanted.tag == nil, wanted.digest == nil {
            invocation.output.print("Using default tag: \(ImageReference.defaultTag)")
        }
        let target = Target("images", "create").with("fromImage", reference.familiarRepository)
            .with("tag", reference.digest?.description ?? reference.tag)
            .with("platform", arguments.value(of: platform))
        let credentials = await CallerCredentials.header(for: reference.domain, invocation.output)
        try await TransferStream(direction: .pull, invocation: invocation, isQuiet: arguments.isSet(quiet))
            .run(target, credentials: credentials)
        invocation.output.print(reference.description)
        return .success
    }
}

/// Names of images and registries as users type them.
enum RegistryName {
    /// - Throws: `Diagnostic` for what is no name of an image.
    static func reference(_ text: String) throws -> ImageReference {
        do {
            return try ImageReference(text)
        } catch {
            throw Diagnostic(
                code: "SC0193", summary: "invalid reference format: \(error.description)",
                hint: "write NAME[:TAG] or NAME@sha256:…, such as docker.io/library/nginx:1.27")
        }
    }
}
