import Diagnostics
import JSONText
import StackModel
import StateStore

extension Walk {
    /// Puts back the replicas that were replaced before one of their name failed, where they ask for that.
    ///
    /// One after the other, the last one first, each as it was replaced: start-first, or the new one goes first.
    mutating func rollBack() async {
        guard outcome.broken == nil, !Task.isCancelled else { return }
        let failed = Set(
            graph.steps.indices.compactMap { index -> ResourceAddress? in
                guard case .failed = status[index], let name = graph.steps[index].name(in: planned),
                    name.address.index != nil, name.operation == .create || name.operation == .delete
                else { return nil }
                return Self.unnumbered(name.address)
            })
        guard !failed.isEmpty else { return }
        for position in replaced.sorted(by: >) {
            let item = planned.desired[position]
            let address = item.resource.address
            guard failed.contains(Self.unnumbered(address)), rollsBack(position),
                let before = planned.recorded.resources[address]?.row
            else { continue }
            await putBack(position, before, startsFirst: item.createsFirst)
            if outcome.broken != nil { return }
        }
    }

    private static func unnumbered(_ address: ResourceAddress) -> ResourceAddress {
        ResourceAddress(kind: address.kind, name: address.name)
    }

    /// What is declared now says it, as for the one that failed.
    private func rollsBack(_ position: Int) -> Bool {
        let item = planned.desired[position]
        let observer = try? observers.observer(for: item.resource.address.kind)
        return observer?.rollout(item.attributes)?.rollsBack ?? false
    }

    private mutating func putBack(_ position: Int, _ before: ResourceRow, startsFirst: Bool) async {
        let address = planned.desired[position].resource.address
        let location = planned.desired[position].resource.location
        let runner = runner
        do {
            let database = runner.journal.database
            let now = try await database.reading { transaction in
                try transaction.resource(stack: before.stack, address: before.address)
            }
            guard let now else { return }
            let current = try RecordedResource(now)
            let result: StepRunner.Result
            if startsFirst {
                result = try await runner.create(before, at: address, replacing: current.object)
                for finding in try await Recovery(runner: runner).sweepDeferred(where: { $0 == address }) {
                    if let diagnostic = finding.diagnostic { events(.diagnostic(diagnostic)) }
                }
            } else {
                try await runner.delete(current, isReplaced: true)
                result = try await runner.create(before, at: address, replacing: nil)
            }
            outputs[position] = result.outputs
            objectIDs[position] = result.objectID
            events(
                .diagnostic(
                    Diagnostic(
                        severity: .warning, code: "SC3212", summary: "\(address) has been put back as it was",
                        detail: "Another replica failed, and then all of them are to be rolled back.",
                        address: address.description, location: location)))
        } catch let unwritable as Journal.Unwritable {
            outcome.broken = Failure.diagnostic(unwritable.cause, address, location)
        } catch {
            var failure = Failure.diagnostic(error, address, location, doing: "putting back of \(address)")
            failure.notes.append("plan and apply again")
            events(.diagnostic(failure))
        }
        outcome.skipped.append(address)
    }
}
