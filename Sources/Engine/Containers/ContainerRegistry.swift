import Synchronization

/// Every container by id and name.
///
/// Names are reserved here before anything is made.
package final class ContainerRegistry: Sendable {
    private struct State {
        var containers: [String: Container] = [:]
        var names: [String: String] = [:]
        var damaged: [String: DamagedContainer] = [:]
    }

    private let state = Mutex(State())

    /// An empty registry.
    package init() {}

    /// All containers, newest first.
    package var all: [Container] {
        // A snapshot takes a lock and copies: one of each is enough.
        unordered.map { (created: $0.snapshot.created, container: $0) }
            .sorted { ($0.created, $0.container.id) > ($1.created, $1.container.id) }
            .map(\.container)
    }

    /// All containers, for those to whom no order matters.
    package var unordered: [Container] { state.withLock { Array($0.containers.values) } }

    /// Takes a name for `id`.
    ///
    /// - Throws: Docker's conflict where another has it.
    package func reserve(name: String, id: String) throws(EngineError) {
        let holder = state.withLock { state -> String? in
            if let holder = state.names[name], holder != id { return holder }
            state.names[name] = id
            return nil
        }
        guard let holder else { return }
        throw EngineError(
            .conflict,
            "Conflict. The container name \"/\(name)\" is already in use by container \"\(holder)\". You have to remove (or rename) that container to be able to reuse that name."
        )
    }

    /// Gives a name back.
    package func release(name: String, id: String) {
        state.withLock { if $0.names[name] == id { $0.names[name] = nil } }
    }

    /// Adds a container whose name is reserved.
    package func insert(_ container: Container) {
        let name = container.name
        state.withLock {
            $0.containers[container.id] = container
            $0.names[name] = container.id
        }
    }

    /// Forgets a container and its name.
    package func remove(_ container: Container) {
        state.withLock { state in
            state.containers[container.id] = nil
            for (name, id) in state.names where id == container.id { state.names[name] = nil }
        }
    }

    /// Notes a container that cannot be read; its name stays taken.
    func insert(damaged container: DamagedContainer) {
        state.withLock {
            $0.damaged[container.id] = container
            $0.names[container.name] = container.id
        }
    }

    /// Those whose rows cannot be read.
    ///
    /// Nothing of theirs may be touched.
    package var damaged: [DamagedContainer] { state.withLock { Array($0.damaged.values) } }

    /// Whether an id is that of a container that cannot be read.
    package func isDamaged(_ id: String) -> Bool { state.withLock { $0.damaged[id] != nil } }

    /// The container of exactly this id.
    package func container(id: String) -> Container? { state.withLock { $0.containers[id] } }

    /// The container of an id, a name (also `/name`) or an unambiguous start of an id.
    package func find(_ text: String) throws(EngineError) -> Container {
        let name = text.hasPrefix("/") ? String(text.dropFirst()) : text
        guard !name.isEmpty else { throw .noContainer(text) }
        let found = state.withLock { state -> [Container] in
            if let exact = state.containers[name] { return [exact] }
            if let id = state.names[name], let named = state.containers[id] { return [named] }
            return state.containers.values.filter { $0.id.hasPrefix(name) }
        }
        if found.isEmpty, let damaged = damaged(named: name) { throw damaged.error }
        if found.count > 1 {
            throw EngineError(.invalid, "Multiple IDs found with provided prefix: \(text)")
        }
        guard let container = found.first else { throw .noContainer(text) }
        return container
    }

    private func damaged(named text: String) -> DamagedContainer? {
        damaged.first { $0.name == text || $0.id.hasPrefix(text) }
    }
}
