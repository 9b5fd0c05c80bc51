import JSONText
import Linux

/// `stackctl system …`.
enum SystemCommand {
    static let declaration = CommandDeclaration(
        "system", summary: "Look at the engine as a whole",
        subcommands: [
            CommandDeclaration(
                "info", summary: "Show what the daemon runs on and holds", options: [SharedOptions.json], action: info),
            CommandDeclaration(
                "df", summary: "Show what takes space on disk", options: [SharedOptions.json], action: diskUsage),
            PruneCommands.system,
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

    private static func info(_ invocation: Invocation) async throws -> ExitCode {
        let answer = try await invocation.daemon().get("/info")
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        func text(_ key: String) -> String {
            guard let value = answer[key] else { return "unknown" }
            return value.stringValue ?? value.serialized(.compact)
        }
        let rows = [
            ("Version", text("ServerVersion")), ("Socket", invocation.location.socket),
            ("Data root", text("DockerRootDir")),
            ("Containers", "\(text("Containers")) (\(text("ContainersRunning")) running)"), ("Images", text("Images")),
            ("Layers", text("Driver")), ("Cgroups", "v\(text("CgroupVersion"))"), ("Kernel", text("KernelVersion")),
            ("System", text("OperatingSystem")), ("CPUs", text("NCPU")),
            ("Memory", HumanText.memory(answer["MemTotal"]?.intValue ?? 0)),
        ]
        for (name, value) in rows {
            invocation.output.print("\(name):" + String(repeating: " ", count: 12 - name.count) + value)
        }
        for warning in answer["Warnings"]?.arrayValue ?? [] {
            if let text = warning.stringValue { invocation.output.writeError("warning: \(text)\n") }
        }
        return .success
    }

    private static func diskUsage(_ invocation: Invocation) async throws -> ExitCode {
        let answer = try await invocation.daemon().get("/system/df")
        if invocation.arguments.isSet(SharedOptions.json) {
            invocation.output.print(json: answer)
            return .success
        }
        func sum(_ key: String, _ size: (JSONValue) -> Int64?) -> (Int, Int64) {
            let items = answer[key]?.arrayValue ?? []
            return (items.count, items.reduce(0) { $0 + max(0, size($1) ?? 0) })
        }
        let containers = sum("Containers") { $0["SizeRw"]?.intValue }
        let volumes = sum("Volumes") { $0["UsageData"]?["Size"]?.intValue }
        var table = TextTable(["TYPE", "TOTAL", "SIZE"])
        let images = answer["Images"]?.arrayValue?.count ?? 0
        table.append(["Images", "\(images)", HumanText.size(answer["LayersSize"]?.intValue ?? 0)])
        table.append(["Containers", "\(containers.0)", HumanText.size(containers.1)])
        table.append(["Volumes", "\(volumes.0)", HumanText.size(volumes.1)])
        invocation.output.write(table.render())
        return .success
    }
}
