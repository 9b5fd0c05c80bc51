import Diagnostics
import HTTP
import JSONText
import Linux
import Registry

/// `stackctl login`: proves who the user is to a registry, and keeps the proof.
enum LoginCommand {
    private static let user = OptionDeclaration.value("username", "u", .text("USER"), "The user's name")
    private static let password = OptionDeclaration.value("password", "p", .text("PASSWORD"), "The password or token")
    private static let passwordInput = OptionDeclaration.flag(
        "password-stdin", nil, "Read the password from standard input")
    static let server = OperandDeclaration("SERVER", .optional, "The registry (default: docker.io)")

    static let declaration = CommandDeclaration(
        "login", summary: "Log in to a registry",
        discussion: """
            The credentials are checked and kept in ~/.docker/config.json, or by the helper that
            is named there; `docker` finds them too.
            """,
        operands: [server], options: [user, password, passwordInput], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let domain = registry(invocation)
        let path = try CallerCredentials.path()
        let given = try await credentials(invocation, domain, path)
        guard case .password(let name, let secret) = given else {
            // A token that was kept is only looked at again.
            _ = try await verify(given, domain, invocation)
            invocation.output.print("Login Succeeded")
            return .success
        }
        let kept = try await verify(given, domain, invocation) ?? .password(user: name, password: secret)
        let isProtected = try await reporting("keeping the credentials of \(domain)") { () throws(RegistryError) in
            try DockerConfigFile.changing(path) { (file: inout DockerConfigFile) throws(RegistryError) -> Bool in
                try file.store(kept, for: domain)
                return try file.isProtected(domain)
            }
        }
        if !isProtected {
            invocation.output.writeError(
                """
                WARNING! Your credentials are stored unencrypted in '\(path)'.
                Configure a credential helper to remove this warning: `credsStore` in that file names one.

                """)
        }
        invocation.output.print("Login Succeeded")
        return .success
    }

    /// The registry as image references have it.
    static func registry(_ invocation: Invocation) -> String {
        guard let text = invocation.arguments.operand(0), !text.isEmpty else { return "docker.io" }
        return DockerConfigFile.domain(ofKey: text)
    }

    /// Runs what blocks, and tells what went wrong as users read it.
    static func reporting<Value: Sendable>(
        _ doing: String, _ body: @escaping @Sendable () throws(RegistryError) -> Value
    ) async throws -> Value {
        do {
            return try await BlockingExecutor.shared.run { () throws(RegistryError) in try body() }
        } catch {
            throw error.diagnostic(doing: doing)
        }
    }

    /// Asks the registry.
    ///
    /// - Returns: the long-lived token it gave, if it did.
    private static func verify(
        _ credentials: RegistryCredentials, _ domain: String, _ invocation: Invocation
    ) async throws -> RegistryCredentials? {
        var body = credentials.json
        body["serveraddress"] = .string(DockerConfigFile.key(for: domain))
        let answer = try await invocation.daemon().post(Target("auth").text, .object(body))
        return answer["IdentityToken"]?.stringValue.flatMap { $0.isEmpty ? nil : .identityToken($0) }
    }

    // MARK: What the user gives

    private static func credentials(
        _ invocation: Invocation, _ domain: String, _ path: String
    ) async throws -> RegistryCredentials {
        let arguments = invocation.arguments
        let name = arguments.value(of: user)
        let secret = arguments.value(of: password)
        if arguments.isSet(passwordInput) {
            guard secret == nil else {
                throw problem("SC0195", "--password and --password-stdin are mutually exclusive", "give one of them")
            }
            guard let name else {
                throw problem("SC0195", "--password-stdin wants --username", "add -u USER")
            }
            return .password(user: name, password: try await lineOfInput())
        }
        if let secret {
            invocation.output.writeError(
                "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n")
            if let name { return .password(user: name, password: secret) }
        }
        let stored = try await reporting("reading the credentials of \(domain)") { () throws(RegistryError) in
            try DockerConfigFile(path: path).credentials(for: domain)
        }
        if name == nil, secret == nil, let stored {
            invocation.output.print("Authenticating with existing credentials...")
            return stored
        }
        guard Terminal.isTerminal(0) else {
            throw problem(
                "SC0196", "the user and the password cannot be asked for: standard input is no terminal",
                "give them: stackctl login -u USER --password-stdin \(domain) < FILE")
        }
        var known: String?
        if case .password(let user, _) = stored { known = user }
        return try await Prompt.credentials(user: name, known: known, password: secret, domain, invocation.output)
    }

    private static func lineOfInput() async throws -> String {
        let bytes = try await BlockingExecutor.shared.run { () throws(SystemError) -> [UInt8] in
            let input = try FileDescriptor.duplicating(0)
            var bytes: [UInt8] = []
            while bytes.count < 64 * 1024 {
                let piece = try input.read(upTo: 4096)
                if piece.isEmpty { break }
                bytes += piece
            }
            return bytes
        }
        var text = Substring(String(decoding: bytes, as: UTF8.self))
        while text.last == "\n" || text.last == "\r\n" || text.last == "\r" { text.removeLast() }
        guard !text.isEmpty else {
            throw problem("SC0195", "the password on standard input is empty", "send it: … < FILE")
        }
        return String(text)
    }

    static func problem(_ code: String, _ summary: String, _ hint: String) -> Diagnostic {
        Diagnostic(code: code, summary: summary, hint: hint)
    }
}

/// `stackctl logout`: forgets the credentials of a registry.
enum LogoutCommand {
    static let declaration = CommandDeclaration(
        "logout", summary: "Forget the credentials of a registry", operands: [LoginCommand.server], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let domain = LoginCommand.registry(invocation)
        let path = try CallerCredentials.path()
        let wasThere = try await LoginCommand.reporting("forgetting the credentials of \(domain)") {
            () throws(RegistryError) in
            try DockerConfigFile.changing(path) { (file: inout DockerConfigFile) throws(RegistryError) -> Bool in
                try file.erase(domain)
            }
        }
        invocation.output.print(
            wasThere ? "Removing login credentials for \(domain)" : "Not logged in to \(domain)")
        return .success
    }
}
