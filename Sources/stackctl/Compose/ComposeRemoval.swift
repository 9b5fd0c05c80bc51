import Apply
import Diagnostics
import StackModel

/// Removes containers: those of the stack by a destroy of just them, so that what is recorded stays right, and the others
/// by the API.
///
/// It removes just the containers that it is given: one that was started, or made anew, since they were listed stays.
struct ComposeRemoval: Sendable {
    private let session: ComposeSession
    private let target: ComposeTarget
    private let stack: ComposeStack

    init(_ session: ComposeSession, _ target: ComposeTarget) {
        self.session = session
        self.target = target
        stack = ComposeStack(session, target)
    }

    /// Removes containers that do not run.
    func remove(_ containers: [ComposeContainer], volumes: Bool) async throws -> ExitCode {
        let recorded = containers.filter { $0.address != nil }
        var kept: Set<String> = []
        var code = ExitCode.success
        if !recorded.isEmpty {
            (code, kept) = try await ComposeStack.whileStale { try await destroy(recorded, volumes: volumes) }
        }
        let others = try await stillThere(containers, recorded).filter { !kept.contains($0.id) }
        guard !others.isEmpty else { return code }
        let daemon = try await session.daemon()
        let work = ComposeWork(
            session: session, order: ComposeOrder(target, others), operation: "remove", direction: .dependentsFirst)
        let result = try await work.run(others) { container, _ in
            do {
                _ = try await daemon.delete(Target("containers", container.id).with("v", volumes).text)
            } catch let failure as StatusFailure where failure.status == 404 {}
        }
        return code == .success ? result : code
    }

    /// Destroys recorded containers.
    ///
    /// - Returns: the identifiers of those that stay, beside the exit code.
    private func destroy(
        _ recorded: [ComposeContainer], volumes: Bool
    ) async throws -> (ExitCode, kept: Set<String>) {
        var scope = PlanScope()
        scope.targets = Set(recorded.compactMap(\.address))
        if !volumes { scope.keptKinds.insert(.volume) }
        guard let first = try await stack.planDestroy(scope) else { return (.success, []) }
        // What happens after this look makes the plan stale, and then all is looked at anew.
        let now = try await session.containers(of: target)
        let kept = recorded.filter { container in
            guard let address = container.address else { return false }
            let planned = first.fingerprints[address]?.objectID
            // A dry run has stopped nothing.
            let isRunning = !session.isDryRun && now.first { $0.id == container.id }?.isRunning == true
            return isRunning || planned != nil && planned != container.id
        }
        tell(kept, now)
        scope.targets?.subtract(kept.compactMap(\.address))
        let identifiers = Set(kept.map(\.id))
        let plan = kept.isEmpty ? first : try await stack.planDestroy(scope)
        guard let plan, !plan.isEmpty, scope.targets?.isEmpty == false else { return (.success, identifiers) }
        if session.isDryRun {
            stack.show(plan, isShort: true)
            return (.success, identifiers)
        }
        return (try await stack.destroy(plan, scope), identifiers)
    }

    private func tell(_ kept: [ComposeContainer], _ now: [ComposeContainer]) {
        session.output.show(
            kept.map { container in
                let isThere = now.contains { $0.id == container.id }
                return Diagnostic(
                    severity: .warning, code: "SC0239",
                    summary: "\(container.name) was \(isThere ? "started" : "made anew") meanwhile, so it stays",
                    hint: "remove it: stackctl compose rm -s \(container.service)")
            })
    }

    /// Those that no destroy has taken away.
    private func stillThere(
        _ containers: [ComposeContainer], _ recorded: [ComposeContainer]
    ) async throws -> [ComposeContainer] {
        guard !recorded.isEmpty else { return containers }
        if session.isDryRun { return containers.filter { $0.address == nil } }
        let ids = Set(try await session.containers(of: target, oneOff: .included).map(\.id))
        return containers.filter { ids.contains($0.id) }
    }
}
