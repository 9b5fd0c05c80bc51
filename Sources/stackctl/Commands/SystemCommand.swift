import Linux

/// `stackctl system …`.
enum SystemCommand {
    static let declaration = CommandDeclaration(
        "system", summary: "Look at the engine as a whole",
        subcommands: [
            InfoCommand.declaration, DiskUsageCommand.declaration, EventsCommand.declaration, PruneCommands.system,
            CommandDeclaration(
                "dial-stdio", summary: "Connect standard input and output to the daemon's socket",
                discussion: """
                    What `ssh://` runs on the other host: DOCKER_HOST=ssh://user@host needs this
                    program there under the name docker, too: ln -s stackctl /usr/local/bin/docker
                    """,
                action: dialStandardStreams),
        ])

    /// Bytes both ways, each direction with its own end; over when the daemon has no more to say.
    private static func dialStandardStreams(_ invocation: Invocation) async throws -> ExitCode {
        _ = try await invocation.daemon()
        let socket = try await AsyncSocket.connect(unix: invocation.location.socket)
        let input = try AsyncDescriptor(FileDescriptor.duplicating(0))
        let output = try AsyncDescriptor(FileDescriptor.duplicating(1))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                while let piece = try? await input.read(), !piece.isEmpty { try await socket.writeAll(piece) }
                try socket.shutdownWrite()
                return false
            }
            group.addTask {
                while case let piece = try await socket.read(), !piece.isEmpty { try await output.writeAll(piece) }
                return true
            }
            defer { group.cancelAll() }
            while let isOver = try await group.next(), !isOver {}
        }
        socket.close()
        return .success
    }
}
