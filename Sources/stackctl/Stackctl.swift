import Diagnostics
import HTTP
import Linux

/// The program: reads the command line, runs the command, answers with its exit code.
@main
enum Stackctl {
    /// Waits on the main thread for the command, which runs as a task of its own: nothing it awaits needs this thread.
    static func main() {
        CurrentProcess.openClosedStreams()
        let words = Array(CurrentProcess.arguments.dropFirst())
        let output = Output.process()
        if words == ["--version"] {
            output.print(Version.line)
            return
        }
        Signals.ignoreBrokenPipe()
        do {
            let (answered, answer) = try Pipe().separate()
            Task.detached {
                let code = await run(words, output: output, environment: Environment.all)
                try answer.writeAll([UInt8(truncatingIfNeeded: code.code)])
            }
            CurrentProcess.exit(Int32(try answered.read(upTo: 1).first ?? 1))
        } catch {
            output.show(Failure.diagnostics(error))
            CurrentProcess.exit(ExitCode.failure.code)
        }
    }

    /// Runs one command line.
    static func run(_ words: [String], output: Output, environment: [String: String]) async -> ExitCode {
        if words.first == DynamicCompletion.word {
            return await DynamicCompletion.run(words.dropFirst(), output: output, environment: environment)
        }
        let resolution: ArgumentParser.Resolution
        do throws(Diagnostic) {
            resolution = try ArgumentParser.parse(words, root: CommandTree.root)
        } catch {
            output.show([error])
            return ArgumentParser.command(of: words, root: CommandTree.root).usageExitCode
        }
        do {
            if resolution.wantsHelp {
                output.write(HelpText.render(resolution.path))
                return .success
            }
            if resolution.arguments.isSet(GlobalOptions.version) {
                output.print(Version.line)
                return .success
            }
            guard let command = resolution.path.last, let action = command.action else {
                output.write(HelpText.render(resolution.path))
                return .failure
            }
            if let folder = resolution.arguments.value(of: GlobalOptions.config) {
                UserFiles.setDockerFolder(folder)
            }
            let invocation = Invocation(
                arguments: resolution.arguments, output: output,
                location: DaemonLocation(
                    arguments: resolution.arguments, environment: environment,
                    workingDirectory: try CurrentProcess.workingDirectory(),
                    takesHost: !command.options.contains { $0.long == GlobalOptions.host.long }))
            guard command.watchesInterrupts else { return try await action(invocation) }
            let work = Task { try await action(invocation) }
            let watcher = Task { await Interruption.shared.watch(work) }
            defer { watcher.cancel() }
            return try await work.value
        } catch {
            // An interrupted command fails as a matter of course.
            if let code = Interruption.shared.exitCode { return code }
            output.show(Failure.diagnostics(error))
            return .failure
        }
    }
}

/// Turns whatever a command threw into what its user reads.
enum Failure {
    static func diagnostics(_ error: any Error) -> [Diagnostic] {
        switch error {
        case let diagnostic as Diagnostic: [diagnostic]
        case let list as DiagnosticList: list.diagnostics
        case let failure as StatusFailure: failure.diagnostics
        case let error as HTTPError:
            [
                Diagnostic(
                    code: "SC0119", summary: "the daemon's answer was cut short", detail: error.text,
                    hint: "if it ended, its log says why: ROOT/run/daemon.log, or `journalctl -u stackctl`; "
                        + "then run the command again")
            ]
        case let error as SystemError: [Diagnostic(code: "SC0001", summary: "\(error)")]
        default: [Diagnostic(code: "SC0002", summary: "\(error)")]
        }
    }
}
