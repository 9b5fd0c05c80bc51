import Diagnostics
import JSONText
import StackModel

/// The read-only halves of the providers, by kind.
package struct Observers: Sendable {
    private let byKind: [ResourceKind: any ResourceObserver]

    package init(_ observers: [any ResourceObserver]) {
        byKind = Dictionary(observers.map { ($0.kind, $0) }) { first, _ in first }
    }

    /// The observer of a kind.
    ///
    /// - Throws: a diagnostic when this daemon has none for it.
    func observer(for kind: ResourceKind) throws(Diagnostic) -> any ResourceObserver {
        guard let observer = byKind[kind] else {
            throw Diagnostic(
                code: "SC3105", summary: "this stackctl cannot manage resources of kind \(kind.rawValue)",
                hint: "install a stackctl that knows this kind")
        }
        return observer
    }

    /// What the host has for everything recorded, asked for all kinds at once.
    func observe(stack: String, _ recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject] {
        let groups = Dictionary(grouping: recorded, by: \.address.kind)
        return try await withThrowingTaskGroup(of: [ResourceAddress: ObservedObject].self) { tasks in
            for (kind, objects) in groups {
                let observer = try observer(for: kind)
                tasks.addTask { try await observer.observe(stack: stack, recorded: objects) }
            }
            var all: [ResourceAddress: ObservedObject] = [:]
            all.reserveCapacity(recorded.count)
            for try await found in tasks { all.merge(found) { first, _ in first } }
            return all
        }
    }

    /// Problems the hosts would refuse the plan for.
    ///
    /// Kinds are asked at once.
    func preflight(_ planned: [PlannedResource]) async throws -> [Diagnostic] {
        let groups = Dictionary(grouping: planned, by: \.address.kind)
        return try await withThrowingTaskGroup(of: [Diagnostic].self) { tasks in
            for (kind, resources) in groups where resources.contains(where: { $0.action != .noChange }) {
                let observer = try observer(for: kind)
                tasks.addTask { await observer.preflight(resources) }
            }
            var all: [Diagnostic] = []
            for try await found in tasks { all += found }
            return DiagnosticList(all).sorted
        }
    }
}
