import Diagnostics
import JSONText
import Linux
import OCI
import StateStore
import Synchronization

/// Layers that have their name and can be mounted, while their files are still on the way to the disk.
///
/// The database does not know them before they are there: what a crash cuts off is removed when the store opens.
final class UnsettledLayers: Sendable {
    private struct Entry {
        let layer: LayerStore.Staged
        let origin: JSONObject
    }

    private struct State {
        var entries: [Digest: Entry] = [:]
        var queue: [Digest] = []
        var isRunning = false
        /// Why layers could not be kept, until they are made again.
        var failures: [Digest: Diagnostic] = [:]
        var waiting: [Digest: [CheckedContinuation<Diagnostic?, Never>]] = [:]
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private static let failureLimit = 64

    /// All of them.
    var names: Set<Digest> { state.withLock { Set($0.entries.keys) } }

    /// How a layer is kept; nil where it is none of them.
    func form(of diffID: Digest) -> LayerForm? { state.withLock { $0.entries[diffID]?.layer.form } }

    /// Takes up a layer that has its name already; in the store's turn.
    ///
    /// - Parameter settle: makes layers last, as many as there are at a time; blocking. Gives the failures.
    func add(
        _ layer: LayerStore.Staged, origin: JSONObject,
        settle: @escaping @Sendable ([(LayerStore.Staged, JSONObject)]) -> [Digest: Diagnostic]
    ) {
        let starts = state.withLock { state in
            state.entries[layer.diffID] = Entry(layer: layer, origin: origin)
            state.failures[layer.diffID] = nil
            state.queue.append(layer.diffID)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { BlockingExecutor.shared.submit { self.work(settle) } }
    }

    private func work(_ settle: ([(LayerStore.Staged, JSONObject)]) -> [Digest: Diagnostic]) {
        while let batch = next() { end(batch.map(\.0.diffID), failures: settle(batch)) }
    }

    private func next() -> [(LayerStore.Staged, JSONObject)]? {
        let (batch, idle) = state.withLock { state in
            let batch = state.queue.compactMap { state.entries[$0] }.map { ($0.layer, $0.origin) }
            state.queue = []
            guard batch.isEmpty else { return (batch, [CheckedContinuation<Void, Never>]()) }
            state.isRunning = false
            defer { state.idle = [] }
            return (batch, state.idle)
        }
        for continuation in idle { continuation.resume() }
        return batch.isEmpty ? nil : batch
    }

    private func end(_ layers: [Digest], failures: [Digest: Diagnostic]) {
        let waiting = state.withLock { state in
            var waiting: [(CheckedContinuation<Diagnostic?, Never>, Diagnostic?)] = []
            if state.failures.count > Self.failureLimit { state.failures = [:] }
            for layer in layers {
                state.entries[layer] = nil
                if let failure = failures[layer] { state.failures[layer] = failure }
                waiting += (state.waiting.removeValue(forKey: layer) ?? []).map { ($0, failures[layer]) }
            }
            return waiting
        }
        for (continuation, failure) in waiting { continuation.resume(returning: failure) }
    }

    /// Waits until layers are on the disk and in the database; those that are none of them are fine.
    ///
    /// - Throws: why one of them could not be kept.
    func wait(for layers: some Sequence<Digest>) async throws(Diagnostic) {
        for layer in layers {
            let failure = await withCheckedContinuation { (continuation: CheckedContinuation<Diagnostic?, Never>) in
                let answer: Diagnostic?? = state.withLock { state in
                    if state.entries[layer] != nil {
                        state.waiting[layer, default: []].append(continuation)
                        return .none
                    }
                    return .some(state.failures[layer])
                }
                if let answer { continuation.resume(returning: answer) }
            }
            if let failure { throw failure }
        }
    }

    /// Forgets why a layer could not be kept, for whoever brings it anew.
    func forgetFailure(of layer: Digest) { state.withLock { $0.failures[layer] = nil } }

    /// Waits until there are none.
    func finish() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.isRunning { state.idle.append(continuation) }
                return !state.isRunning
            }
            if isIdle { continuation.resume() }
        }
    }
}

/// Makes layers last that have their names already.
///
/// Blocking.
struct LayerSettling: Sendable {
    let layers: LayerStore
    let mounts: LayerMounts
    let database: StateDatabase
    let turn: StoreTurn

    /// Waits until the files are on the disk, then lets the database know them.
    ///
    /// - Returns: why layers could not be kept; they are gone.
    func run(_ batch: [(LayerStore.Staged, JSONObject)]) -> [Digest: Diagnostic] {
        var failures: [Digest: Diagnostic] = [:]
        var settled: [(LayerStore.Staged, JSONObject)] = []
        for (layer, origin) in batch {
            do throws(Diagnostic) {
                try reporting("storing layer \(layer.diffID)") { try layers.synchronize(named: layer.diffID) }
                settled.append((layer, origin))
            } catch {
                failures[layer.diffID] = error
            }
        }
        do throws(Diagnostic) {
            try reporting("storing layers") { try record(settled) }
        } catch {
            for (layer, _) in settled { failures[layer.diffID] = error }
        }
        turn.run {
            for layer in failures.keys {
                // What cannot be removed now is removed at the next start.
                try? mounts.unmount(layer)
                try? layers.remove(layer)
            }
        }
        return failures
    }

    private func record(_ settled: [(LayerStore.Staged, JSONObject)]) throws {
        guard !settled.isEmpty else { return }
        try layers.synchronizeNames()
        layers.steps.reached()
        let now = Clock.now().nanosecondsSinceEpoch
        try turn.run {
            try database.write { tables in
                for (layer, origin) in settled where try tables.layer(diffID: layer.diffID.description) == nil {
                    try tables.save(
                        SettledLayer(layer: layer, hash: layer.checksum).row(attributes: origin, created: now))
                }
            }
        }
        layers.steps.reached()
    }
}
