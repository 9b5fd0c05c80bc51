import Diagnostics
import JSONText
import Linux
import Manifest
import StackModel

/// A folder's manifest, compiled and evaluated as the user who runs the command.
enum StackEvaluation {
    /// The document, what deserves attention, and how long it took.
    struct Evaluated: Sendable {
        var document: StackDocument
        /// Warnings that are not in the document, which carries its own.
        var warnings: [Diagnostic]
        var timings: Timings
        /// The folder that the stack is known to be applied from.
        var origin: String
    }

    /// Compiles and evaluates the manifest of a folder with the inputs given on the command line and in the environment.
    ///
    /// What the manifest prints goes to standard error, so that standard output stays the command's, and without what
    /// would steer the terminal.
    ///
    /// - Throws: a `DiagnosticList` with everything that is wrong, a compiler's messages included.
    static func evaluate(folder: String, _ invocation: Invocation) async throws -> Evaluated {
        let inputs = try ManifestInputs(
            flags: invocation.arguments.values(of: SharedOptions.variable),
            files: invocation.arguments.values(of: SharedOptions.variableFile), environment: Environment.all)
        let installation = try ToolFiles.manifestInstallation()
        let loaded = try await ManifestLoader(installation: installation).load(folder: folder, inputs: inputs)
        if !loaded.output.isEmpty { invocation.output.writeError(TerminalText.lines(loaded.output)) }
        var timings = Timings()
        if let compile = loaded.timings.compile { timings.add("compile", compile) }
        if let evaluate = loaded.timings.evaluate { timings.add("evaluate", evaluate) }
        timings.add("manifest", loaded.timings.total)
        let own = Set(loaded.document.diagnostics)
        return Evaluated(
            document: loaded.document, warnings: loaded.warnings.filter { !own.contains($0) }, timings: timings,
            origin: try Files.realPath(folder))
    }
}
