import Linux

/// Links on their way out.
///
/// The kernel takes some 30 ms for each removal, in which it does nothing else to links; of many links that go together
/// it takes the time of one. So whoever comes while others are being removed goes with the next lot.
struct LinkRemovals {
    /// Those that are waited for now, and who waits.
    private(set) var names: [String] = []
    /// The number of the lot that is being gathered.
    private(set) var gathering = 0
    /// The number of the lot that was removed last.
    private var removed = -1
    private var failures: [Int: any Error] = [:]
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private(set) var isRemoving = false

    /// Adds links.
    ///
    /// - Returns: the number of their lot.
    mutating func add(_ names: [String]) -> Int {
        self.names += names
        return gathering
    }

    /// Takes the lot that was gathered, to remove it.
    mutating func begin() -> [String] {
        isRemoving = true
        gathering += 1
        defer { names = [] }
        return names
    }

    /// Says how it went, and wakes those who wait.
    mutating func end(_ failure: (any Error)?) {
        isRemoving = false
        removed = gathering - 1
        // Whoever was in a lot has asked about it long before.
        failures[removed - 100] = nil
        failures[removed] = failure
        let waiting = self.waiting
        self.waiting = []
        for continuation in waiting { continuation.resume() }
    }

    /// How a lot went; nil where it has not been removed.
    func outcome(of lot: Int) -> Result<Void, any Error>? {
        guard lot <= removed else { return nil }
        return failures[lot].map { .failure($0) } ?? .success(())
    }

    mutating func wait(_ continuation: CheckedContinuation<Void, Never>) { waiting.append(continuation) }
}

extension NetworkController {
    /// Removes links of this host, together with those that others remove at the same time; already gone is fine.
    func removeLinks(_ names: [String]) async throws {
        guard !names.isEmpty else { return }
        let lot = removals.add(names)
        while true {
            if let outcome = removals.outcome(of: lot) { return try outcome.get() }
            if removals.isRemoving {
                await withCheckedContinuation { removals.wait($0) }
                continue
            }
            let doomed = removals.begin()
            do {
                try await blocking { links in try links.routes.delete(named: doomed) }
                removals.end(nil)
            } catch {
                removals.end(error)
            }
        }
    }
}
