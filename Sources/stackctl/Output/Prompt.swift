import Diagnostics
import Linux
import Registry
import Synchronization

/// Asks the user at the terminal.
enum Prompt {
    /// Asks for what is not known of a user's name and password.
    ///
    /// - Parameter known: the name that is taken when the user types none.
    static func credentials(
        user: String?, known: String?, password: String?, _ domain: String, _ output: Output
    ) async throws -> RegistryCredentials {
        var name = user ?? ""
        if user == nil {
            output.write("Username\(known.map { " (\(TerminalText.line($0)))" } ?? "") for \(domain): ")
            name = try await line()
            if name.isEmpty { name = known ?? "" }
            guard !name.isEmpty else {
                throw LoginCommand.problem("SC0195", "a user's name is needed", "give it: -u USER")
            }
        }
        var secret = password ?? ""
        if password == nil {
            output.write("Password: ")
            secret = try await hidden()
            output.print()
            guard !secret.isEmpty else { throw LoginCommand.problem("SC0195", "a password is needed", "type it") }
        }
        return .password(user: name, password: secret)
    }

    /// A line that is not shown while it is typed.
    private static func hidden() async throws -> String {
        let quiet = try SilentTerminal(0)
        defer { quiet.restore() }
        return try await Interruption.shared.guarding {
            quiet.restore()
        } _: {
            try await line()
        }
    }

    /// The line that the user answers with; empty where there is none.
    static func answer() async -> String { (try? await line()) ?? "" }

    private static func line() async throws -> String {
        try await Interruption.shared.whileAsking {
            try await BlockingExecutor.shared.run { () throws(SystemError) -> String in
                let input = try FileDescriptor.duplicating(0)
                var bytes: [UInt8] = []
                while bytes.count < 64 * 1024 {
                    // One at a time: what follows the line is for whoever reads next.
                    let byte = try input.read(upTo: 1)
                    if byte.isEmpty || byte == [0x0A] { break }
                    bytes += byte
                }
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}

/// A terminal without echo until it is restored, which may be asked for twice and from any task.
private final class SilentTerminal: Sendable {
    private let mode: Mutex<RawMode?>

    init(_ descriptor: Int32) throws(SystemError) {
        mode = Mutex(try RawMode.withoutEcho(descriptor))
    }

    func restore() { mode.withLock { $0 = nil } }
}
