import Diagnostics
import HTTP
import Linux

/// A connection to a daemon on another host: the two streams of an `ssh` of our own.
///
/// The half-close of a socket becomes the end of ssh's input, so that a program's input ends as it does here.
final class SSHConnection: ByteStream {
    private let socket: AsyncSocket
    private let child: ChildProcess

    /// Starts `ssh`, which asks for no password: keys and agents only.
    ///
    /// - Throws: a `Diagnostic` where there is no `ssh`, `SystemError` where it cannot be started.
    init(_ destination: SSHDestination) throws {
        guard let program = ProgramSearch.find("ssh") else {
            throw Diagnostic(
                code: "SC0160", summary: "cannot reach \(destination.text): there is no `ssh` in PATH",
                hint: "install it: sudo apt-get install openssh-client")
        }
        let pair = try SocketPair().separate()
        var request = SpawnRequest(
            executable: .path(program), arguments: ["ssh"] + destination.arguments, environment: Environment.lines,
            descriptors: [0: pair.second.raw, 1: pair.second.raw, 2: 2])
        // A signal from the keyboard is for the program in the container, not for the connection to it.
        request.newSession = true
        child = try Spawn.start(request)
        socket = try AsyncSocket(try pair.first.duplicate())
    }

    func read(max: Int) async throws -> [UInt8] { try await socket.read(upTo: max) }

    func readAvailable(max: Int) async throws -> [UInt8]? { try socket.readAvailable(upTo: max) }

    func write(_ bytes: [UInt8]) async throws { try await socket.writeAll(bytes) }

    func finishWriting() async { try? socket.shutdownWrite() }

    func close() { socket.close() }

    deinit { socket.close() }
}

/// Programs by name.
enum ProgramSearch {
    /// The path of a program in `PATH`; nil where there is none of that name.
    static func find(_ name: String) -> String? {
        let folders = (Environment.get("PATH") ?? "/usr/bin:/bin").split(separator: ":")
        for folder in folders {
            let path = "\(folder)/\(name)"
            if let status = try? Files.status(path), status.kind == .regular, status.mode & 0o111 != 0 { return path }
        }
        return nil
    }
}
