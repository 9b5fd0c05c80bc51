import Linux
import Testing

/// Files that are executed as soon as they are there.
///
/// Other processes write them: a program that another test starts meanwhile would have them open until its exec(2), and
/// what is open for writing cannot be executed (`ETXTBSY`).
enum ProgramFile {
    static func write(_ path: String, _ text: String) async throws {
        try await make("cat > \"$0\" && chmod 755 \"$0\"", [path], input: text)
    }

    static func copy(_ source: String, to path: String) async throws {
        try await make("cp \"$0\" \"$1\" && chmod 755 \"$1\"", [source, path], input: "")
    }

    private static func make(_ script: String, _ arguments: [String], input: String) async throws {
        let request = SpawnRequest("/bin/sh", ["-c", script] + arguments)
        let result = try await Spawn.run(request, input: Array(input.utf8), timeout: .seconds(150))
        try #require(result.status.isSuccess, "\(result.errorText)")
    }
}
