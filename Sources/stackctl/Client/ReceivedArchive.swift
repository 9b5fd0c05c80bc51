import Diagnostics
import HTTP
import Linux

/// Where an archive that the daemon sends goes.
enum ReceivedArchive {
    /// Refuses to write an archive to a terminal.
    static func refuseTerminal(_ path: String?, _ verb: String, hint: String) throws(Diagnostic) {
        guard path == nil, Terminal.isTerminal(1) else { return }
        throw Diagnostic(
            code: "SC0183", summary: "cowardly refusing to \(verb) to a terminal",
            hint: "use the -o flag or redirect: \(hint)")
    }

    /// Writes the archive to a file, or to standard output where none is named.
    ///
    /// Whoever waits for the file sees all of it or none: where the disk is full, the daemon goes or the user
    /// interrupts, nothing is left.
    ///
    /// - Parameter progress: told how many bytes there are so far.
    static func write(
        _ response: HTTPClientResponse, to path: String?, progress: (Int64) async -> Void = { _ in }
    ) async throws {
        guard let path else {
            return try await copy(response, to: try FileDescriptor.duplicating(1).shared(), progress)
        }
        // What is no file, such as /dev/null or a pipe, is written to and never replaced.
        if let status = try? Files.statusIfPresent(path), status.kind != .regular {
            guard status.kind != .directory else {
                throw Diagnostic(code: "SC0184", summary: "\(path) is a directory", hint: "name a file in it")
            }
            return try await copy(response, to: try Files.open(path, [.writeOnly]).shared(), progress)
        }
        let temporary = path + ".part-" + (try Random.hex(bytes: 4))
        do {
            let file = try Files.open(temporary, [.writeOnly, .create, .exclusive], mode: 0o600).shared()
            try await copy(response, to: file, progress)
            try Files.rename(temporary, to: path, replace: true)
        } catch {
            try? Files.unlink(temporary)
            guard let error = error as? SystemError else { throw error }
            throw Diagnostic(
                code: "SC0184", summary: "the archive cannot be written to \(path)", detail: "\(error)",
                hint: error.errno == .ENOSPC
                    ? "free some room or name a file on another disk; nothing was left behind" : nil)
        }
    }

    private static func copy(
        _ response: HTTPClientResponse, to file: SharedDescriptor, _ progress: (Int64) async -> Void
    ) async throws {
        var count: Int64 = 0
        while let piece = try await response.body.next() {
            try await BlockingExecutor.shared.run { () throws(SystemError) in try file.writeAll(piece) }
            count += Int64(piece.count)
            await progress(count)
        }
    }
}

/// A file, or standard input, that is sent to the daemon.
enum SentArchive {
    /// Pieces of the file as a request's body wants them.
    static func pieces(of file: SharedDescriptor) -> @Sendable () async throws -> [UInt8]? {
        {
            let piece = try await BlockingExecutor.shared.run { () throws(SystemError) in try file.read(upTo: 1 << 20) }
            return piece.isEmpty ? nil : piece
        }
    }

    /// Opens the archive of a path.
    static func open(_ path: String) throws(Diagnostic) -> SharedDescriptor {
        do {
            let file = try Files.open(path).shared()
            guard try file.status().kind != .directory else {
                throw SystemError(call: "read", errno: .EISDIR, subject: path)
            }
            return file
        } catch {
            throw Diagnostic(code: "SC0181", summary: "the archive \(path) cannot be read", detail: "\(error)")
        }
    }
}
