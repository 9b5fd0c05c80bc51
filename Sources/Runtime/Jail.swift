import LaunchProgram
import Linux
import Synchronization

/// Runs a program nobody trusts: own namespaces without a network, an empty root with only the paths it was given, no
/// capabilities, a number of its own, limits, a system call filter.
///
/// It dies with the task that runs it.
package enum Jail {
    /// Runs a program to its end.
    ///
    /// Descriptors in the jail: 0 the input, 1 and 2 the outputs, 3 the result, 5 the report; 4 is closed.
    ///
    /// - Throws: `RuntimeError` when it could not be started. How it ended is in the result.
    package static func run(_ request: JailRequest) async throws(RuntimeError) -> JailResult {
        let uid = CurrentProcess.uid
        let identity: JailCompiler.Identity =
            uid == 0
            ? .alone(numbers.wrappingAdd(1, ordering: .relaxed).newValue)
            : .namespaced(user: uid, group: CurrentProcess.gid)
        let plan = try JailCompiler.plan(for: request, identity: identity)
        let program = try await programs.copy(of: request.initBinary)
        let streams: Streams
        let link: ExecutionLink
        do throws(SystemError) {
            (streams, link) = try Streams.launch(request, plan, program.raw)
        } catch {
            throw .system(error, doing: "starting a jail")
        }
        let outcome = await withTaskCancellationHandler {
            await follow(link, streams, request, plan)
        } onCancel: {
            link.close()
        }
        return try outcome.get()
    }

    private static func follow(
        _ link: ExecutionLink, _ streams: Streams, _ request: JailRequest, _ plan: ExecutionPlan
    ) async -> Result<JailResult, RuntimeError> {
        async let outputs = streams.collect(request)
        do throws(RuntimeError) {
            let ended = try await waitForEnd(link, plan)
            await link.reap()
            return .success(result(ended, await outputs))
        } catch {
            link.close()
            streams.close()
            _ = await outputs
            await link.reap()
            return .failure(error)
        }
    }

    /// Numbers that no account has: above 2 billion, far from the ranges of subordinate ids; each jail takes the next,
    /// so that no two share limits.
    private static let numbers = Atomic<UInt32>(2_090_000_000 &+ UInt32(CurrentProcess.pid % 32_768) &* 1000)
    private static let programs = SealedPrograms()

    private static func waitForEnd(
        _ link: ExecutionLink, _ plan: ExecutionPlan
    ) async throws(RuntimeError) -> SupervisorMessage {
        while true {
            let (message, _) = try await link.next()
            switch message {
            case .ended: return message
            case .failed(let failure):
                throw .launchFailed(name: "the jail", operation: plan.program.summary(of: failure), failure: failure)
            default: continue
            }
        }
    }

    private static func result(_ message: SupervisorMessage, _ outputs: [Streams.Output]) -> JailResult {
        var result = JailResult(
            exitCode: 125, signal: 0, standardOutput: outputs[0].bytes, standardError: outputs[1].bytes,
            result: outputs[2].bytes, report: outputs[3].bytes,
            truncated: outputs.contains { $0.truncated }, peakMemoryBytes: 0, timedOut: false, warnings: [])
        if case .ended(let exitCode, let signal, let timedOut, let peak) = message {
            result.exitCode = exitCode
            result.signal = signal
            result.timedOut = timedOut
            result.peakMemoryBytes = peak
        }
        return result
    }
}

/// Sealed copies of `stack-init`, one for each path, for the life of the process.
private actor SealedPrograms {
    private var copies: [String: SharedDescriptor] = [:]

    func copy(of path: String) throws(RuntimeError) -> SharedDescriptor {
        if let known = copies[path] { return known }
        let copy = try ContainerRuntime.sealedProgram(path)
        copies[path] = copy
        return copy
    }
}

/// The streams of a jailed program, on our side.
private struct Streams: Sendable {
    struct Output: Sendable {
        var bytes: [UInt8] = []
        var truncated = false
    }

    /// A socket: writing to a program that is gone is an error, and no signal.
    private let input: AsyncSocket
    private let outputs: [AsyncDescriptor]

    static func launch(
        _ request: JailRequest, _ plan: ExecutionPlan, _ program: Int32
    ) throws(SystemError) -> (Streams, ExecutionLink) {
        let input = try SocketPair().separate()
        var pipes: [(reading: SharedDescriptor, writing: SharedDescriptor)] = []
        for _ in 0..<4 { pipes.append(try Pipe().separate()) }
        var descriptors = request.descriptors
        descriptors[0] = input.second.raw
        for (index, number) in [Int32(1), 2, 3, 5].enumerated() { descriptors[number] = pipes[index].writing.raw }
        // All that can fail comes before the child.
        var outputs: [AsyncDescriptor] = []
        for pipe in pipes { outputs.append(try AsyncDescriptor(try pipe.reading.duplicate())) }
        let streams = Streams(input: try AsyncSocket(try input.first.duplicate()), outputs: outputs)
        let link = try withExtendedLifetime((input, pipes)) { () throws(SystemError) in
            try ExecutionLink(
                program: program, plan: plan, container: nil, descriptors: descriptors, name: "the jail")
        }
        return (streams, link)
    }

    func close() {
        input.close()
        for output in outputs { output.close() }
    }

    /// Feeds the input and reads every output to its end; what is too much is read and dropped.
    func collect(_ request: JailRequest) async -> [Output] {
        let limits = [request.outputLimit, request.outputLimit, request.resultLimit, request.reportLimit]
        let input = input
        let bytes = request.input
        return await withTaskGroup(of: (Int, Output).self) { group in
            group.addTask {
                if !bytes.isEmpty { try? await input.writeAll(bytes) }
                input.close()
                return (-1, Output())
            }
            for (index, output) in outputs.enumerated() {
                group.addTask { (index, await Self.read(output, limit: limits[index])) }
            }
            var collected = [Output](repeating: Output(), count: outputs.count)
            for await (index, output) in group where index >= 0 { collected[index] = output }
            return collected
        }
    }

    private static func read(_ descriptor: AsyncDescriptor, limit: Int) async -> Output {
        var output = Output()
        while let piece = try? await descriptor.read(), !piece.isEmpty {
            let room = limit - output.bytes.count
            output.bytes += piece.prefix(max(room, 0))
            if piece.count > room { output.truncated = true }
        }
        descriptor.close()
        return output
    }
}
