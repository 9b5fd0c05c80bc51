import JSONText
import Linux

/// A program `docker-credential-NAME` that keeps secrets.
///
/// Source: docker/docker-credential-helpers, "Development".
package struct CredentialProgram: Sendable, Hashable {
    /// The name after `docker-credential-`.
    package let name: String
    /// Folders searched for the program; nil is `PATH`.
    var searchPath: String?
    /// How long one call may take; it may ask the user for a password.
    var timeout = Duration.seconds(60)

    /// A helper; nil when its name is no plain word.
    package init?(name: String, searchPath: String? = nil) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard !name.isEmpty, name.utf8.count <= 64, isPlain else { return nil }
        self.name = name
        self.searchPath = searchPath
    }

    private var program: String { "docker-credential-\(name)" }

    /// What every helper prints when it has nothing for a server: part of the protocol.
    private static let nothingFound = "credentials not found in native keychain"

    /// The credentials of a server; nil when it has none.
    package func get(_ server: String) throws(RegistryError) -> RegistryCredentials? {
        guard let output = try run("get", server) else { return nil }
        let value = try object(output)
        guard let user = value["Username"]?.stringValue, let secret = value["Secret"]?.stringValue else {
            throw .helper(program, "its answer to `get` has no `Username` and `Secret`")
        }
        return user.isEmpty && secret.isEmpty ? nil : RegistryCredentials(user: user, password: secret)
    }

    /// Keeps credentials.
    package func store(_ server: String, user: String, secret: String) throws(RegistryError) {
        let value: JSONValue = ["ServerURL": .string(server), "Username": .string(user), "Secret": .string(secret)]
        _ = try run("store", value.serialized())
    }

    /// Forgets credentials; none there is fine.
    package func erase(_ server: String) throws(RegistryError) { _ = try run("erase", server) }

    /// The users by server.
    package func list() throws(RegistryError) -> [String: String] {
        guard let output = try run("list", "") else { return [:] }
        var users: [String: String] = [:]
        for (server, user) in try object(output) { users[server] = user.stringValue }
        return users
    }

    private func object(_ output: [UInt8]) throws(RegistryError) -> JSONObject {
        guard let object = (try? JSONValue.parse(output, limits: JSONLimits(depth: 8)))?.objectValue else {
            throw .helper(program, "its answer is not a JSON object")
        }
        return object
    }

    /// Runs the program; nil when it says that it has nothing for the server.
    private func run(_ verb: String, _ input: String) throws(RegistryError) -> [UInt8]? {
        var request = SpawnRequest(try path(), [verb])
        request.newSession = true
        let result: ProcessResult
        do {
            let (sent, timeout) = (request, timeout)
            result = try BlockingWait.run {
                try await Spawn.run(sent, input: Array(input.utf8), timeout: timeout, outputLimit: 256 * 1024)
            }
        } catch {
            throw .helper(program, "`\(verb)` cannot be run: \(error)")
        }
        if result.timedOut { throw .helper(program, "`\(verb)` was not done after \(timeout)") }
        if result.status.isSuccess { return result.standardOutput }
        if result.outputText.contains(Self.nothingFound) { return nil }
        // Helpers print their errors to standard output.
        let text = ErrorList.shown(result.outputText.isEmpty ? result.errorText : result.outputText)
        throw .helper(program, "`\(verb)` failed (\(result.status)): \(text)")
    }

    private func path() throws(RegistryError) -> String {
        let folders = searchPath ?? Environment.get("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in folders.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = "\(folder)/\(program)"
            if Files.exists(candidate) { return candidate }
        }
        throw .helper(program, "it is not in PATH; install it, or remove it from config.json")
    }
}
