import Diagnostics
import JSONText
import Linux

/// `stackctl __complete KIND -- WORDS`: the names that a shell completes with, one on a line.
///
/// For the scripts of `stackctl completion` only. It starts no daemon, waits two seconds at most, and says nothing
/// where something is wrong: whoever presses a key wants no errors.
enum DynamicCompletion {
    /// The word that asks for it.
    static let word = "__complete"

    private static let patience = Duration.seconds(2)

    /// Prints the names.
    static func run(_ words: ArraySlice<String>, output: Output, environment: [String: String]) async -> ExitCode {
        guard let kind = words.first.flatMap({ CompletedKind(rawValue: $0) }) else { return .failure }
        let typed = words.dropFirst().first == "--" ? Array(words.dropFirst(2)) : []
        if kind == .contexts {
            let known = ContextStore(environment: environment)?.all.map(\.name) ?? []
            for name in [ContextStore.defaultName] + known { output.print(TerminalText.line(name)) }
            return .success
        }
        guard let directory = try? CurrentProcess.workingDirectory() else { return .failure }
        let location = DaemonLocation(
            arguments: globalOptions(in: typed), environment: environment, workingDirectory: directory)
        let names = try? await withTimeout(patience) {
            guard let daemon = await DaemonLauncher(location: location).existing() else { return [String]() }
            return try await self.names(kind, daemon)
        }
        for name in names ?? [] { output.print(TerminalText.line(name)) }
        return .success
    }

    /// Which daemon is meant by a line that is not complete yet.
    static func globalOptions(in words: [String]) -> ParsedArguments {
        var arguments = ParsedArguments()
        let options = [GlobalOptions.host, GlobalOptions.root, GlobalOptions.context]
        for (index, word) in words.enumerated() {
            for option in options {
                let next = words.indices.contains(index + 1) ? words[index + 1] : nil
                // `-c` means something else after the name of a command.
                let isLetter = option.short.map { word == "-\($0)" } ?? false
                let isShort = isLetter && option.long != GlobalOptions.context.long
                if word == "--\(option.long)" || isShort, let next {
                    arguments.set(option, to: next)
                } else if word.hasPrefix("--\(option.long)=") {
                    arguments.set(option, to: String(word.dropFirst(option.long.count + 3)))
                }
            }
        }
        return arguments
    }

    private static func names(_ kind: CompletedKind, _ daemon: DaemonClient) async throws -> [String] {
        func list(_ target: Target, _ key: String? = nil) async throws -> [JSONValue] {
            let answer = try await daemon.get(target.text)
            return (key.map { answer[$0] } ?? answer)?.arrayValue ?? []
        }
        func containers(_ isWanted: (String) -> Bool) async throws -> [String] {
            try await list(Target("containers", "json").with("all", true))
                .filter { isWanted($0["State"]?.stringValue ?? "") }
                .flatMap { $0["Names"]?.arrayValue ?? [] }.compactMap(\.stringValue)
                .map { $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }
        }
        switch kind {
        case .containers: return try await containers { _ in true }
        case .running: return try await containers { ["running", "paused", "restarting"].contains($0) }
        case .stopped: return try await containers { !["running", "paused", "restarting"].contains($0) }
        case .images:
            return try await list(Target("images", "json")).flatMap { $0["RepoTags"]?.arrayValue ?? [] }
                .compactMap(\.stringValue)
        case .networks: return try await list(Target("networks")).compactMap { $0["Name"]?.stringValue }
        case .volumes: return try await list(Target("volumes"), "Volumes").compactMap { $0["Name"]?.stringValue }
        case .contexts: return []
        case .stacks: return try await list(Target("stacks")).compactMap { $0["name"]?.stringValue }
        case .resources:
            var all: [String] = []
            for stack in try await names(.stacks, daemon) {
                all += try await list(Target("stacks", stack), "resources").compactMap { $0["address"]?.stringValue }
            }
            return all
        case .objects:
            var all: [String] = []
            for kind in [CompletedKind.containers, .images, .networks, .volumes] {
                all += try await names(kind, daemon)
            }
            return all
        }
    }
}
