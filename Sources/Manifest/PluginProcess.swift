import Linux
import Runtime

/// Runs a plugin's loader in a jail.
struct PluginProcess: Sendable {
    /// The program that makes the jail.
    var initBinary: String

    private static let outputLimit = 256 << 10
    /// How much longer than the loader's own limits the jail waits.
    private static let grace = Duration.seconds(3)
    private static let environment = ["LC_ALL=C.UTF-8"]

    /// Where the loader of dynamic programs and the C library are.
    private static let systemLibraries = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache"]

    /// Runs to the end.
    ///
    /// The loader's own filter and limits hold in any case; the jail takes the file system, the network and the other
    /// processes out of sight as well. On a host that cannot make it the run goes on without, with a warning.
    func run(_ run: PluginRun) async throws -> PluginOutcome {
        do throws(RuntimeError) {
            return try await jailed(run)
        } catch {
            guard error.isIsolationUnavailable else { throw error }
            return try await unconfined(run, because: "\(error)")
        }
    }

    private func jailed(_ run: PluginRun) async throws(RuntimeError) -> PluginOutcome {
        var request = JailRequest(
            initBinary: initBinary, executable: run.executable, arguments: [run.executable] + run.arguments)
        request.environment = Self.environment
        request.readOnlyPaths = view(of: run)
        request.input = run.input
        request.limits.memoryBytes = Int64(clamping: run.limits.memoryBytes)
        request.limits.cpuSeconds = run.limits.milliseconds / 1000 + 5
        request.limits.wallTime = run.limits.time + Self.grace
        request.outputLimit = Self.outputLimit
        // For the loader's own arguments and the size of its address space; the filter then closes it to the manifest.
        request.mountProc = true
        let result = try await Jail.run(request)
        return PluginOutcome(
            result: result.result, output: String(decoding: result.standardOutput, as: UTF8.self),
            errors: String(decoding: result.standardError, as: UTF8.self), exitCode: result.exitCode,
            signal: result.signal == 0 ? nil : result.signal, timedOut: result.timedOut, warnings: result.warnings)
    }

    /// The paths of a run and of the C library, each once and none inside another.
    private func view(of run: PluginRun) -> [JailRequest.Path] {
        let system = Self.systemLibraries.filter { Files.exists($0) }
        let own = run.readable.filter { path in !system.contains { path.hasPrefix($0 + "/") } }
        return (system + own).map { JailRequest.Path($0) }
    }

    private func unconfined(_ run: PluginRun, because reason: String) async throws -> PluginOutcome {
        var (reader, writer) = try Self.resultPipe()
        let collector = Task { [reader] in await Self.collect(reader) }
        var request = SpawnRequest(executable: .path(run.executable), arguments: [run.executable] + run.arguments)
        request.environment = Self.environment
        request.descriptors = writer.map { [3: $0.raw] } ?? [:]
        request.workingDirectory = "/"
        let ended: Result<ProcessResult, any Error>
        do {
            ended = .success(
                try await Spawn.run(
                    request, input: run.input, timeout: run.limits.time + Self.grace, outputLimit: Self.outputLimit))
        } catch {
            ended = .failure(error)
        }
        // Our copy of the write end goes, so that the reader sees the end.
        writer = nil
        let result = await collector.value
        let process = try ended.get()
        var signal: Int32?
        if case .signaled(let number, _) = process.status { signal = number }
        return PluginOutcome(
            result: result, output: process.outputText, errors: process.errorText, exitCode: process.status.code,
            signal: signal, timedOut: process.timedOut, warnings: [reason])
    }

    private static func resultPipe() throws(SystemError) -> (AsyncDescriptor, SharedDescriptor?) {
        let (reading, writing) = try Pipe().separate()
        return (try AsyncDescriptor(try reading.duplicate()), writing)
    }

    private static func collect(_ descriptor: AsyncDescriptor) async -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try? await descriptor.read(), !chunk.isEmpty, bytes.count < 64 << 20 { bytes += chunk }
        return bytes
    }
}
