import Archives
import Dockerfile
import ImageStore
import JSONText
import Linux
import OCI

extension BuildEngine {
    /// The digest of everything a transfer's result depends on, beside the layers below.
    ///
    /// Paths, contents, modes, owners, attributes and link targets of the files that are selected, and the options; not
    /// times.
    ///
    /// - Throws: `BuildFailure`.
    package func contentDigest(of step: TransferStep) async throws -> String {
        do {
            let root = try await accountFiles(of: step)
            let fetched = try await fetch(step, isForDigest: true)
            return try await reading(step.origin) { cancellation in
                // Over nothing: what the layers below have is not in this digest. Archives count as they are.
                let sources = try TransferSources(step, fetched: fetched, spool: nil, cancellation)
                let owner = try step.transfer.owner.map { try TransferOwner($0).resolved(in: root) }
                // What is fetched may be another each time.
                let memo = fetched.contains { $0 != nil } ? nil : step.origin?.memo
                let key = DigestMemo.Key(
                    transfer: step.transfer, owner: owner, path: step.workingDirectory,
                    ignored: step.origin?.ignored ?? [])
                if let digest = memo?.digest(key) { return digest }
                var plan = try Self.plan(sources, over: nil, owner: owner)
                let digest = try TransferDigest.digest(of: &plan, step, fetched: fetched, cancellation)
                memo?.set(digest, for: key)
                return digest
            }
        } catch {
            throw BuildFailure.transferring(step.title, error)
        }
    }

    /// Whether a transfer that fetches nothing copies contents that nobody has read, so that its digest is told soonest
    /// by copying them.
    func copiesUntold(_ step: TransferStep) async throws -> Bool {
        guard step.origin?.hasUntold ?? false else { return false }
        do {
            return try await BlockingExecutor.shared.run {
                let nothing = step.transfer.sources.map { _ in TransferSources.Fetched?.none }
                let sources = try TransferSources(step, fetched: nothing, spool: nil, CancellationFlag())
                return try Self.plan(sources, over: nil, owner: nil).nodes.values.contains { node in
                    guard case .file(let reader, let path)? = node.content else { return false }
                    return reader.tree.held[path].map { $0.digest == nil } ?? false
                }
            }
        } catch {
            throw BuildFailure.transferring(step.title, error)
        }
    }

    /// Makes the layer of a transfer.
    ///
    /// The layer is kept for the caller, who gives it back.
    ///
    /// - Parameter progress: told now and then how many bytes were copied.
    /// - Throws: `BuildFailure`.
    package func transfer(
        _ step: TransferStep, progress: @escaping @Sendable (Int64) -> Void
    ) async throws -> StepLayer {
        do {
            let lower = step.transfer.isLinked ? nil : try TreeReader(try await tree(of: step.layers))
            let accounts = if let lower { lower } else { try await accountFiles(of: step) }
            let fetched = try await fetch(step, isForDigest: false)
            let spool = contextDirectory
            let plan = try await reading(step.origin) { cancellation in
                let sources = try TransferSources(step, fetched: fetched, spool: spool, cancellation)
                let owner = try step.transfer.owner.map { try TransferOwner($0).resolved(in: accounts) }
                return try Planned(Self.plan(sources, over: lower, owner: owner), epoch: step.epoch)
            }
            return try await write(
                plan, title: step.title, on: step.origin?.readers ?? .shared, progress: progress)
        } catch {
            throw BuildFailure.transferring(step.title, error)
        }
    }

    /// Makes the layer with a directory that is not there yet, as WORKDIR does; without a layer where it is.
    ///
    /// - Parameter user: whose what is made is, as USER says it; root's where it is empty or the image does not know it.
    package func makeDirectory(
        _ path: String, of user: String = "", on layers: [Digest], epoch: Timestamp?
    ) async throws -> StepLayer {
        let title = "WORKDIR \(path)"
        do {
            let lower = try TreeReader(try await tree(of: layers))
            let plan = try await BlockingExecutor.shared.run {
                let owner = user.isEmpty ? nil : try TransferOwner(user, whereUnknown: .root).resolved(in: lower)
                var plan = TransferPlan(over: lower, owner: owner, mode: nil)
                try plan.makeDirectories(try plan.resolve(TreePath.clean(path)))
                return try Planned(plan, epoch: epoch)
            }
            return try await write(plan, title: title, on: .shared) { _ in }
        } catch {
            throw BuildFailure.transferring(title, error)
        }
    }

    /// What is written, in its order.
    private struct Planned: Sendable {
        let nodes: [TransferPlan.Node]
        let newest: Timestamp?

        init(_ plan: TransferPlan, epoch: Timestamp?) throws {
            var plan = plan
            newest = plan.newest
            nodes = plan.hasChanges ? try plan.ordered(epoch: epoch) : []
        }
    }

    private func write(
        _ plan: Planned, title: String, on executor: BlockingExecutor, progress: @escaping @Sendable (Int64) -> Void
    ) async throws -> StepLayer {
        guard !plan.nodes.isEmpty else { return StepLayer(layer: nil, newest: plan.newest) }
        let cancellation = CancellationFlag()
        let layer = try await withTaskCancellationHandler {
            try await images.addLayer(origin: ["build": .string(title)], doing: title, on: executor) { draft in
                let tar = TransferTar(plan.nodes, progress: progress) { cancellation.isCancelled }
                return try LayerWriter.write(
                    tar: tar, to: draft.image, recipe: try draft.startRecipe(), limits: Self.layerLimits)
            }
        } onCancel: {
            cancellation.cancel()
        }
        return StepLayer(layer: layer, newest: plan.newest)
    }

    /// Bounds of layers that are made here: names are checked already.
    private static var layerLimits: TarLimits {
        var limits = TarLimits()
        limits.isConfined = true
        limits.totalBytes = 1 << 43
        return limits
    }

    /// The files in which names of owners are looked up; nil where no name is asked for.
    private func accountFiles(of step: TransferStep) async throws -> TreeReader? {
        guard let text = step.transfer.owner, TransferOwner(text).hasNames else { return nil }
        return try TreeReader(try await tree(of: step.layers))
    }

    private static func plan(
        _ sources: TransferSources, over lower: TreeReader?, owner: FileOwner?
    ) throws -> TransferPlan {
        let mode = try sources.step.transfer.mode.map { try TransferMode($0) }
        var plan = TransferPlan(over: lower, owner: owner, mode: mode)
        try sources.add(to: &plan)
        return plan
    }
}
