import Diagnostics
import HTTP
import JSONText

/// `stackctl store …`: the files of images.
enum StoreCommand {
    private static let repair = OptionDeclaration.flag(
        "repair", nil, "Make what is damaged again, from what is intact here or from where the image came")

    static let declaration = CommandDeclaration(
        "store", summary: "Look after the files of images",
        subcommands: [
            CommandDeclaration(
                "verify", summary: "Read every file of the image store again and name what is damaged",
                discussion: """
                    Finds any changed byte of a layer, a config or a manifest, files that are missing, and files that
                    nobody knows. The exit code is 0 when all is well, else 1.
                    """,
                options: [repair, SharedOptions.json], action: verify)
        ])

    private static func verify(_ invocation: Invocation) async throws -> ExitCode {
        let repairing = invocation.arguments.isSet(repair)
        let target = Target("store", "verify").with("repair", repairing ? "1" : "0").text
        let daemon = try await invocation.daemon()
        let headers = repairing ? try await logins(daemon, invocation) : HTTPHeaders()
        let answer = try await daemon.post(target, headers: headers)
        let repaired = (answer["repaired"]?.arrayValue ?? []).compactMap(\.stringValue)
        let damaged = (answer["damaged"]?.arrayValue ?? []).compactMap { Diagnostic(json: $0) }
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
        } else {
            for line in repaired { invocation.output.print("repaired: \(line)") }
            if damaged.isEmpty, repaired.isEmpty { invocation.output.print("The image store is as it should be.") }
            invocation.output.show(damaged)
        }
        return damaged.isEmpty ? .success : .failure
    }

    /// The user's logins to the registries that images came from.
    private static func logins(_ daemon: DaemonClient, _ invocation: Invocation) async throws -> HTTPHeaders {
        let images = try await daemon.get(Target("images", "json").text).arrayValue ?? []
        let names = images.flatMap { $0["RepoDigests"]?.arrayValue ?? [] }.compactMap(\.stringValue)
        return await CallerCredentials.headers(for: names, invocation.output)
    }
}
