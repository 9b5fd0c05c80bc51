import Archives
import Diagnostics
import JSONText
import Linux

/// A compiled manifest, ready to be loaded.
struct CompiledManifest: Sendable {
    /// The plugin's file.
    var plugin: String
    /// What the compiler had to say about sources that compile.
    var warnings: [Diagnostic]
    /// Time the compiler took; nil when nothing was compiled.
    var compileTime: Duration?
}

/// Compiles the sources of a folder to a plugin, at most once for the same sources, compiler and DSL.
struct ManifestCompiler: Sendable {
    var toolchain: Toolchain
    var installation: ManifestInstallation
    var cache: ManifestCache

    private static let timeout = Duration.seconds(180)
    private var flags: [String] {
        [
            "-swift-version", "6", "-parse-as-library", "-Onone", "-emit-library", "-module-name", "Manifest",
            "-diagnostic-style", "llvm", "-use-ld=lld", "-I", installation.modules, "-L", installation.libraries,
            "-lStackDSL", "-Xlinker", "-rpath", "-Xlinker", installation.libraries,
        ]
    }

    /// The key of a folder's program: everything that the plugin's bytes depend on.
    func key(of folder: StackFolder) throws(SystemError) -> String {
        let hash = SHA256()
        for part in try [toolchain.identity(), installation.identity(), flags.joined(separator: " ")] {
            hash.update(Array((part + "\0").utf8))
        }
        for source in folder.sources {
            hash.update(Array("\(source.relativePath)\0\(source.bytes.count)\0".utf8))
            hash.update(source.bytes)
        }
        return hash.finishHex()
    }

    /// The compiled program, from the cache or new.
    ///
    /// - Throws: `DiagnosticList` with the compiler's errors.
    func program(of folder: StackFolder, key: String, warnings: inout [Diagnostic]) async throws -> CompiledManifest {
        if let known = cached(key, folder, warnings: &warnings) { return known }
        try cache.prepare()
        // Another stackctl may be compiling the same sources: the second one waits and finds the first one's result.
        let lock = try await HeldFileLock.wait(for: cache.program(key) + ".lock")
        defer { lock.release() }
        var ignored: [Diagnostic] = []
        if let known = cached(key, folder, warnings: &ignored) { return known }
        return try await compile(folder, key: key)
    }

    private func cached(_ key: String, _ folder: StackFolder, warnings: inout [Diagnostic]) -> CompiledManifest? {
        guard let record = cache.record(cache.program(key), warnings: &warnings),
            let digest = record["plugin"]?.stringValue, let output = record["output"]?.stringValue,
            isHexDigest(digest)
        else { return nil }
        let plugin = "\(cache.programs)/\(digest).so"
        guard let bytes = try? Files.readAll(plugin, limit: 256 << 20) else { return nil }
        guard SHA256.hex(of: bytes) == digest else {
            warnings.append(ManifestCache.warning(plugin))
            return nil
        }
        return CompiledManifest(plugin: plugin, warnings: diagnostics(output, folder), compileTime: nil)
    }

    private func isHexDigest(_ text: String) -> Bool { text.count == 64 && text.allSatisfy(\.isHexDigit) }

    private func compile(_ folder: StackFolder, key: String) async throws -> CompiledManifest {
        let temporary = cache.buildPrefix + (try Random.hex(bytes: 8))
        let sources = temporary + "/sources"
        try Files.makeDirectories(sources, mode: 0o700)
        defer { try? Files.removeTree(temporary) }
        // What the key was made of, and not what the files hold meanwhile.
        for source in folder.sources { try source.write(below: sources) }
        var request = SpawnRequest(toolchain.compiler, [])
        let output = temporary + "/plugin.so"
        request.arguments =
            [toolchain.compiler] + flags + ["-module-cache-path", cache.moduleCache]
            + folder.sources.map(\.relativePath).map { $0.hasPrefix("-") ? "./" + $0 : $0 } + ["-o", output]
        request.workingDirectory = sources
        // The driver gives each compiler it starts a process group of its own: an interrupt has to reach them all.
        request.newSession = true
        request.environment = [
            "PATH=\(parent(of: toolchain.compiler)):/usr/local/bin:/usr/bin:/bin", "HOME=\(temporary)",
            "TMPDIR=\(temporary)", "LC_ALL=C.UTF-8",
        ]
        let start = ContinuousClock.now
        let result = try await Spawn.run(request, timeout: Self.timeout)
        let elapsed = start.duration(to: .now)
        if result.timedOut {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1203", summary: "the compiler took longer than \(Self.timeout.components.seconds) seconds",
                    hint: "split large expressions, or give variables their types"))
        }
        let text = result.errorText + result.outputText
        guard result.status.isSuccess else { throw DiagnosticList(failure(text, result.status, folder)) }
        let plugin = try store(output, key: key, compilerOutput: text)
        return CompiledManifest(plugin: plugin, warnings: diagnostics(text, folder), compileTime: elapsed)
    }

    private func failure(_ text: String, _ status: ExitStatus, _ folder: StackFolder) -> [Diagnostic] {
        let diagnostics = diagnostics(text, folder)
        if DiagnosticList(diagnostics).hasErrors { return diagnostics }
        return [
            Diagnostic(
                code: "SC1202", summary: "the compiler \(toolchain.compiler) \(status)",
                detail: text.isEmpty ? nil : text)
        ]
    }

    /// The plugin is named by its content, so an entry never points at another compile's bytes.
    private func store(_ built: String, key: String, compilerOutput: String) throws(SystemError) -> String {
        let bytes = try Files.readAll(built, limit: 256 << 20)
        let digest = SHA256.hex(of: bytes)
        let plugin = "\(cache.programs)/\(digest).so"
        // Whoever runs it in the jail is somebody else; the cache's directory keeps others out.
        try Files.chmod(built, mode: 0o755)
        try Files.rename(built, to: plugin)
        let record: JSONValue = ["plugin": .string(digest), "output": .string(compilerOutput)]
        try cache.write(cache.program(key), record.serializedBytes())
        return plugin
    }

    /// What the compiler said, with the paths that the user knows: it saw names relative to the folder.
    private func diagnostics(_ output: String, _ folder: StackFolder) -> [Diagnostic] {
        compilerDiagnostics(output) { file in
            folder.sources.contains { $0.relativePath == file } ? folder.userPath(file) : file
        }
    }
}

extension StackFolder.Source {
    /// Writes the source at its path below a directory.
    fileprivate func write(below directory: String) throws(SystemError) {
        let path = "\(directory)/\(relativePath)"
        try Files.makeDirectories(parent(of: path), mode: 0o700)
        try Files.write(path, bytes, mode: 0o600)
    }
}
