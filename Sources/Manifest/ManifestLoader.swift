import Archives
import Diagnostics
import JSONText
import Linux
import StackModel

/// A manifest's document and what came with it.
package struct LoadedManifest: Sendable {
    /// The stack; its diagnostics have no errors, its paths are absolute, its places are as the user names them.
    package var document: StackDocument
    /// Warnings of the compiler, the evaluation, the cache and the sandbox.
    package var warnings: [Diagnostic]
    /// What the author's code printed, to be shown as it is.
    package var output: String
    /// What it took.
    package var timings: ManifestTimings
}

/// What loading a manifest took.
package struct ManifestTimings: Sendable {
    /// Time in the compiler; nil when the program came from the cache.
    package var compile: Duration?
    /// Time in the manifest's process; nil when the document came from the cache.
    package var evaluate: Duration?
    /// Everything.
    package var total: Duration
}

/// Compiles, evaluates and caches manifests.
package struct ManifestLoader: Sendable {
    /// Where the DSL and the loader program are.
    package var installation: ManifestInstallation
    /// The cache.
    package var cache: ManifestCache
    /// What a manifest's process is allowed.
    package var limits: ManifestLimits
    /// The directories to look for the compiler in, as in `PATH`.
    package var searchPath: String?
    /// The `stack-init` that makes the jail; beside the loader program unless set.
    package var initBinary: String

    /// A loader.
    package init(
        installation: ManifestInstallation,
        cache: ManifestCache = ManifestCache(directory: ManifestCache.defaultDirectory()),
        limits: ManifestLimits = ManifestLimits(), searchPath: String? = Environment.get("PATH"),
        initBinary: String? = nil
    ) {
        self.installation = installation
        self.cache = cache
        self.limits = limits
        self.searchPath = searchPath
        let beside = parent(of: installation.loader) + "/stack-init"
        self.initBinary = initBinary ?? beside
    }

    /// The stack of a folder with the given inputs.
    ///
    /// - Throws: `DiagnosticList` with everything that is wrong, in the user's words.
    package func load(folder path: String, inputs: ManifestInputs = ManifestInputs()) async throws(DiagnosticList)
        -> LoadedManifest
    {
        do {
            return try await load(path, inputs)
        } catch let list as DiagnosticList {
            throw list
        } catch let error as SystemError {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1260", summary: "the manifest cannot be loaded", detail: error.description,
                    hint: error.errno == .ENOSPC ? "make room on the disk of \(cache.directory)" : nil))
        } catch {
            throw DiagnosticList(
                Diagnostic(code: "SC1260", summary: "the manifest cannot be loaded", detail: "\(error)"))
        }
    }

    private func load(_ path: String, _ inputs: ManifestInputs) async throws -> LoadedManifest {
        let start = ContinuousClock.now
        let folder = try StackFolder.read(path)
        let toolchain = try await Toolchain.find(path: searchPath)
        guard cache.isTrusted() else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1231", summary: "the cache \(cache.directory) may be written by others",
                    hint: "run chmod go-w on it, or set XDG_CACHE_HOME to a directory of your own"))
        }
        var warnings: [Diagnostic] = []
        let compiler = ManifestCompiler(toolchain: toolchain, installation: installation, cache: cache)
        let key = try compiler.key(of: folder)
        let documentKey = SHA256.hex(of: Array("\(key)\0\(inputs.keyText)".utf8))
        // Before the compiler runs: an editor shows its errors better with all files known.
        EditorSupport.refresh(folder, installation: installation)
        let program = try await compiler.program(of: folder, key: key, warnings: &warnings)
        warnings += program.warnings
        let evaluation: Evaluation
        if let known = cachedDocument(documentKey, warnings: &warnings) {
            evaluation = known
        } else {
            evaluation = try await evaluate(
                program, toolchain: toolchain, inputs: inputs, folder: folder, documentKey: documentKey)
        }
        warnings += evaluation.warnings
        let document = evaluation.document.located(in: folder)
        warnings += document.diagnostics.filter { $0.severity != .error }
        return LoadedManifest(
            document: document, warnings: warnings, output: evaluation.output,
            timings: ManifestTimings(
                compile: program.compileTime, evaluate: evaluation.time, total: start.duration(to: .now)))
    }

    private struct Evaluation {
        var document: StackDocument
        var output: String
        var time: Duration?
        var warnings: [Diagnostic] = []
    }

    private func cachedDocument(_ key: String, warnings: inout [Diagnostic]) -> Evaluation? {
        guard let record = cache.record(cache.document(key), warnings: &warnings),
            let output = record["output"]?.stringValue,
            let document = try? StackDocument(json: record["document"] ?? .null)
        else { return nil }
        return Evaluation(document: document, output: output)
    }

    private func evaluate(
        _ program: CompiledManifest, toolchain: Toolchain, inputs: ManifestInputs, folder: StackFolder,
        documentKey: String
    ) async throws -> Evaluation {
        let run = PluginRun(
            executable: installation.loader,
            arguments: [program.plugin, String(limits.memoryBytes), String(limits.milliseconds)],
            input: inputs.json.serializedBytes(.canonical),
            readable: [installation.loader, installation.library, program.plugin, toolchain.runtimeLibraries],
            limits: limits)
        let start = ContinuousClock.now
        let outcome = try await PluginProcess(initBinary: initBinary).run(run)
        let elapsed = start.duration(to: .now)
        let document = try Self.document(of: outcome)
        if let document, DiagnosticList(document.diagnostics).hasErrors {
            throw DiagnosticList(program.warnings + document.located(in: folder).diagnostics)
        }
        guard let document, outcome.exitCode == 0, outcome.signal == nil else {
            let failure = pluginFailure(outcome, limits: limits)
            let located = StackDocument(name: "", diagnostics: [failure]).located(in: folder)
            throw DiagnosticList(program.warnings + located.diagnostics)
        }
        let output = outcome.output + outcome.errors
        let record: JSONValue = ["document": document.json, "output": .string(output)]
        try cache.write(cache.document(documentKey), record.serializedBytes())
        cache.prune()
        let confinement = outcome.warnings.map {
            Diagnostic(severity: .warning, code: "SC1257", summary: "the manifest's sandbox is weaker here: \($0)")
        }
        return Evaluation(document: document, output: output, time: elapsed, warnings: confinement)
    }

    /// The document that was handed over; nil where there is none.
    private static func document(of outcome: PluginOutcome) throws -> StackDocument? {
        guard case .document(let bytes) = PluginReport(outcome.result), let json = try? JSONValue.parse(bytes) else {
            return nil
        }
        return try StackDocument(json: json)
    }
}
