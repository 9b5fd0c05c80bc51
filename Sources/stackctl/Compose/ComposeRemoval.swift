import Apply
import StackModel

/// Removes containers: those of the stack by a destroy of just them, so that what is recorded stays right, and the others
/// by the API.
struct ComposeRemoval: Sendable {
    private let session: ComposeSession
    private let target: ComposeTarget

    init(_ session: ComposeSession, _ target: ComposeTarget) {
        self.session = session
        self.target = target
    }

    /// Removes containers that do not run.
    func remove(_ containers: [ComposeContainer], volumes: Bool) async throws -> ExitCode {
        let recorded = containers.filter { $0.address != nil }
        var code = ExitCode.success
        if !recorded.isEmpty {
            var scope = PlanScope()
            scope.targets = Set(recorded.compactMap(\.address))
            if !volumes { scope.keptKinds.insert(.volume) }
            let stack = ComposeStack(session, target)
            if let plan = try await stack.planDestroy(scope), !plan.isEmpty {
                if session.isDryRun {
                    stack.show(plan, isShort: true)
                } else {
                    code = try await stack.destroy(plan, scope)
                }
            }
        }
        let others = try await stillThere(containers, recorded)
        guard !others.isEmpty else { return code }
        let daemon = try await session.daemon()
        let work = ComposeWork(
            session: session, order: ComposeOrder(target, others), operation: "remove", direction: .dependentsFirst)
        let result = try await work.run(others) { container, _ in
            do {
                _ = try await daemon.delete(
                    Target("containers", container.id).with("force", true).with("v", volumes).text)
            } catch let failure as StatusFailure where failure.status == 404 {}
        }
        return code == .success ? result : code
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
