import Archives
import Diagnostics
import Dockerfile
import ImageStore
import JSONText
import Linux
import OCI
import Runtime

extension BuildEngine {
    /// Runs the process of a step in a container of its own, and gives the layer of what it wrote.
    ///
    /// Times of files are at most the step's. The layer is kept (`ImageStore.keep`) for the caller, who gives it back.
    /// Cancelling the task ends the process with all its children; whatever happens, nothing else is left.
    ///
    /// - Parameter output: told what the process writes; it is not read on while this is under way.
    /// - Throws: `BuildFailure`: `.process` for a process that failed, `.notFound`, `.forbidden`, `.cancelled`, `.failed`.
    package func run(
        _ step: RunStep, output: @escaping @Sendable (_ isError: Bool, _ bytes: [UInt8]) async -> Void
    ) async throws -> StepLayer {
        // What the process had goes before the directory that some of it is in.
        let (running, files) = (UndoList(), UndoList())
        let result: Result<StepLayer, any Error>
        do {
            result = .success(try await perform(step, running, files, output))
        } catch {
            result = .failure(error)
        }
        await running.perform()
        await files.perform()
        do {
            return try result.get()
        } catch let error as BuildFailure where !Task.isCancelled || error.kind == .cancelled {
            throw error
        } catch {
            if Task.isCancelled { throw RunFailure.cancelled(step) }
            throw Self.failure(error, step)
        }
    }

    private static func failure(_ error: any Error, _ step: RunStep) -> BuildFailure {
        switch error {
        case let error as RuntimeError: RunFailure.of(error, step)
        case let error as SystemError: RunFailure.of(error, doing: step.title)
        case let error as Diagnostic: BuildFailure(.failed, error)
        default: BuildFailure(.failed, Diagnostic(code: BuildCode.failed, summary: "\(step.title): \(error)"))
        }
    }

    /// - Parameters:
    ///   - running: gets what is done once the process has ended.
    ///   - files: gets what is done once its files are not needed any more.
    private func perform(
        _ step: RunStep, _ running: UndoList, _ files: UndoList, _ output: @escaping StepOutput.Sink
    ) async throws -> StepLayer {
        try Self.checkEntitlements(of: step)
        let id = try Random.hex(bytes: 8)
        let group = cgroupPath(step, id: id)
        async let held = holdLayers(step.layers, running)
        async let joined = joinNetwork(step, id: id, running)
        let (layers, network) = try await (held, joined)
        let steps = stepsDirectory
        let workspace = try await BlockingExecutor.shared.run { () throws(SystemError) in
            try StepWorkspace.make(in: steps, id: id, cgroupPath: group, rootLike: layers.first)
        }
        files.add { [host] in
            do {
                try await BlockingExecutor.shared.run { () throws(SystemError) in try workspace.remove() }
            } catch {
                host.note("what a step of a build wrote cannot be removed: \(error)")
            }
        }
        var preparation = RunMountPreparation(self, step, workspace, running)
        let mounts = try await preparation.prepare()
        var plan = RunConfiguration.make(step, workspace, layers: layers, cgroupPath: group, network: network)
        plan.mounts += mounts.mounts
        plan.process.environment = RunConfiguration.merged(plan.process.environment + mounts.environment)
        plan.process.additionalGroups += mounts.devices.groups
        plan.devices += mounts.devices.nodes
        try await runProcess(plan, mounts.handed, step, network, running, output)
        // Who waits for a cache or a network need not wait for the layer.
        async let ended: Void = running.perform()
        let layer = try await capture(workspace, step)
        await ended
        return layer
    }

    /// Where steps have their directories while they run.
    var stepsDirectory: String { "\(directory)/steps" }

    private func cgroupPath(_ step: RunStep, id: String) -> String {
        let parent = step.limits.cgroupParent.split(separator: "/").joined(separator: "/")
        return "\(parent.isEmpty ? "stackctl" : parent)/build-\(id)"
    }

    func holdLayers(_ layers: [Digest], _ undo: UndoList) async throws -> [String] {
        guard !layers.isEmpty else { return [] }
        let directories = try await host.holdLayers(layers)
        undo.add { [host] in await host.giveBackLayers(layers) }
        return directories
    }

    private func joinNetwork(_ step: RunStep, id: String, _ undo: UndoList) async throws -> StepNetwork {
        let network = try await host.network(step.network, named: step.networkName, step: id)
        var left = network
        // What a process with every capability changed in it stays changed.
        left.isSpent = left.isSpent || step.run.isInsecure
        undo.add { [host, left] in await host.leave(left) }
        return network
    }

    /// Runs the process to its end.
    private func runProcess(
        _ plan: ContainerConfiguration, _ handed: [SharedDescriptor], _ step: RunStep, _ network: StepNetwork,
        _ undo: UndoList, _ sink: @escaping StepOutput.Sink
    ) async throws {
        try Task.checkCancellation()
        let (container, readers) = try await start(plan, handed, network)
        undo.add { [host] in
            do { try await container.remove() } catch { host.note("a step of a build left something: \(error)") }
        }
        let output = StepOutput(sink)
        let end = try await withTaskCancellationHandler {
            async let first: Void = output.pass(readers.output, isError: false)
            async let second: Void = output.pass(readers.error, isError: true)
            let end = try await container.end()
            _ = await (first, second)
            return end
        } onCancel: {
            container.kill()
        }
        await output.finish()
        await container.waitUntilGone()
        try Task.checkCancellation()
        guard end.exitCode != 0 else { return }
        let steps = stepsDirectory
        throw await BlockingExecutor.shared.run { RunFailure.ended(end, step, directory: steps) }
    }

    private func start(
        _ plan: ContainerConfiguration, _ handed: [SharedDescriptor], _ network: StepNetwork
    ) async throws -> (TransientContainer, (output: AsyncDescriptor, error: AsyncDescriptor)) {
        // The ends that are written to are closed here when this returns, or the ends of the streams would never come.
        let output = try Pipe().separate()
        let error = try Pipe().separate()
        let readers = (
            output: try AsyncDescriptor(try output.reading.duplicate()),
            error: try AsyncDescriptor(try error.reading.duplicate())
        )
        let container = try await runtime.startTransient(
            plan, networkNamespace: network.namespace, output: output.writing, error: error.writing, handed: handed)
        return (container, readers)
    }

    /// Makes a layer of what the process wrote.
    private func capture(_ workspace: StepWorkspace, _ step: RunStep) async throws -> StepLayer {
        let upper = workspace.upper
        let root = try await BlockingExecutor.shared.run { () throws(SystemError) in
            try Files.open(upper, [.directory]).shared()
        }
        var choices = DirectoryWalker.Choices()
        choices.latest = step.epoch
        let chosen = choices
        let cancellation = CancellationFlag()
        let layer = try await withTaskCancellationHandler {
            try await images.addLayer(origin: ["build": .string(step.title)], doing: step.title) { draft in
                try LayerWriter.write(
                    directory: root, to: draft.image, recipe: try draft.startRecipe(), choices: chosen
                ) { _ throws(ArchiveError) in
                    try cancellation.check()
                }
            }
        } onCancel: {
            cancellation.cancel()
        }
        return StepLayer(layer: layer)
    }

    private static func checkEntitlements(of step: RunStep) throws(BuildFailure) {
        func require(_ entitlement: String, for what: String) throws(BuildFailure) {
            guard !step.entitlements.contains(entitlement) else { return }
            throw BuildFailure(
                .forbidden,
                Diagnostic(
                    code: BuildCode.forbidden, summary: "\(step.title): \(entitlement) is not allowed",
                    detail: "\(what) needs the entitlement \(entitlement)",
                    hint: "allow it with --allow \(entitlement), if you trust the Dockerfile"))
        }
        if step.network == .host { try require("network.host", for: "--network=host") }
        if !step.run.devices.isEmpty { try require("device", for: "--device") }
        if step.run.isInsecure { try require("security.insecure", for: "--security=insecure") }
    }
}
