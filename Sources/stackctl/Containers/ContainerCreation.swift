import Diagnostics
import HTTP
import JSONText
import Linux
import OCI

/// Makes a container as `run` and `create` do: pulls its image where it is not there.
struct ContainerCreation {
    let invocation: Invocation
    let daemon: DaemonClient
    let body: CreateBody

    private var arguments: ParsedArguments { invocation.arguments }

    /// Which times an image is pulled.
    enum Pull: String { case always, missing, never }

    /// What `--pull` says.
    static func pull(_ arguments: ParsedArguments) throws(Diagnostic) -> Pull {
        guard let text = arguments.value(of: CreateOptions.pull), !text.isEmpty else { return .missing }
        guard let pull = Pull(rawValue: text) else {
            throw FlagProblem.sentence(
                "invalid pull option: '\(text)': must be one of \"always\", \"missing\" or \"never\"")
        }
        return pull
    }

    /// The platform that is asked for.
    private var platform: String? {
        arguments.value(of: CreateOptions.platform)
            ?? Environment.get("DOCKER_DEFAULT_PLATFORM").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Makes it.
    ///
    /// - Returns: its identifier.
    func create(pull: Pull) async throws -> String {
        let image = arguments.operand(0) ?? ""
        let idFile = try IdentifierFile(arguments.value(of: CreateOptions.idFile))
        defer { idFile?.removeIfEmpty() }
        if pull == .always { try await self.pull(image) }
        let target = Target("containers", "create").with("name", arguments.value(of: CreateOptions.name))
            .with("platform", platform)
        let answer: JSONValue
        do {
            answer = try await daemon.post(target.text, body.json)
        } catch let failure as StatusFailure where pull == .missing && isMissing(failure, image) {
            if !arguments.isSet(CreateOptions.quiet) {
                let name = (try? ImageReference(image))?.withDefaultTag.familiar ?? image
                invocation.output.writeError("Unable to find image '\(TerminalText.line(name))' locally\n")
            }
            try await self.pull(image)
            answer = try await daemon.post(target.text, body.json)
        }
        for warning in (answer["Warnings"]?.arrayValue ?? []).compactMap(\.stringValue) {
            invocation.output.writeError("WARNING: \(TerminalText.line(warning))\n")
        }
        let id = answer["Id"]?.stringValue ?? ""
        try idFile?.write(id)
        return id
    }

    /// Whether it is the image that was not found, and one that has a name to pull it by.
    private func isMissing(_ failure: StatusFailure, _ image: String) -> Bool {
        guard failure.status == 404, !image.hasPrefix("sha256:") else { return false }
        let isIdentifier = image.count == 64 && image.allSatisfy(\.isHexDigit)
        let text = failure.diagnostics.first?.summary.lowercased() ?? ""
        return !isIdentifier && (text.contains("no such image") || text.contains("no image"))
    }

    private func pull(_ image: String) async throws {
        let reference = try RegistryName.reference(image).withDefaultTag
        let target = Target("images", "create").with("fromImage", reference.familiarRepository)
            .with("tag", reference.digest?.description ?? reference.tag).with("platform", platform)
        // Standard output is for the container and its identifier.
        let output = invocation.output.onStandardError
        let credentials = await CallerCredentials.header(for: reference.domain, output)
        let errors = Invocation(arguments: arguments, output: output, location: invocation.location)
        let transfer = TransferStream(
            direction: .pull, invocation: errors, isQuiet: arguments.isSet(CreateOptions.quiet))
        try await Interruption.shared.whileInterruptible {
            try await transfer.run(target, credentials: credentials)
        }
    }
}

/// The file of `--cidfile`, which must be a new one.
private final class IdentifierFile: Sendable {
    private let path: String

    init?(_ path: String?) throws(Diagnostic) {
        guard let path, !path.isEmpty else { return nil }
        self.path = path
        do throws(SystemError) {
            _ = try Files.open(path, [.writeOnly, .create, .exclusive], mode: 0o644)
        } catch {
            if error.errno == .EEXIST {
                throw FlagProblem.sentence(
                    "container ID file found, make sure the other container isn't running or delete \(path)")
            }
            throw FlagProblem.sentence("failed to create the container ID file: \(error)")
        }
    }

    func write(_ id: String) throws(Diagnostic) {
        do throws(SystemError) {
            try Files.write(path, Array(id.utf8))
        } catch {
            throw FlagProblem.sentence("failed to write the container ID to the file (\(path)): \(error)")
        }
    }

    func removeIfEmpty() {
        if let status = try? Files.status(path), status.size == 0 { try? Files.unlink(path) }
    }
}
