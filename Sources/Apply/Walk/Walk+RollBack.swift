import Diagnostics
import JSONText
import Linux
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
                guard case .failed = status[index], let change = replacement(graph.steps[index]),
                    change.address.index != nil
                else { return nil }
                return Self.unnumbered(change.address)
            })
        guard !failed.isEmpty else { return }
        for position in replaced.sorted(by: >) {
            let item = planned.desired[position]
            let address = item.resource.address
            guard failed.contains(Self.unnumbered(address)), rollsBack(position),
                let before = planned.recorded.resources[address]?.row
            else { continue }
            // One that cannot be put back says nothing good of the next one, which runs.
            guard !Task.isCancelled, await putBack(position, before, startsFirst: item.createsFirst) else { return }
        }
    }

    /// The change that a step carries out, where that replaces an object.
    private func replacement(_ step: WalkStep) -> Change? {
        switch step.work {
        case .apply(let position), .deleteToRecreate(let position):
            let change = planned.desired[position].change
            return change.action == .recreate ? change : nil
        default: return nil
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

    /// Tells whether that was done; where not, the replica is as it was before the attempt.
    private mutating func putBack(_ position: Int, _ before: ResourceRow, startsFirst: Bool) async -> Bool {
        let address = planned.desired[position].resource.address
        let location = planned.desired[position].resource.location
        let runner = runner
        let name = StepName(address: address, operation: .create)
        let start = Clock.monotonic()
        events(.stepStarted(name, location))
        do {
            let database = runner.journal.database
            let now = try await database.reading { transaction in
                try transaction.resource(stack: before.stack, address: before.address)
            }
            guard let now else {
                events(.stepSkipped(name, cause: address, reason: "it is not there any more"))
                return true
            }
            let current = try RecordedResource(now)
            let result: StepRunner.Result
            if startsFirst {
                result = try await runner.create(before, at: address, replacing: current.object)
                for finding in try await Recovery(runner: runner).sweepDeferred(where: { $0 == address }) {
                    if let diagnostic = finding.diagnostic { events(.diagnostic(diagnostic)) }
                }
            } else {
                try await runner.delete(current, isReplaced: true)
                result = try await runner.create(before, at: address, orAgain: now)
            }
            outputs[position] = result.outputs
            objectIDs[position] = result.objectID
            events(.stepDone(name, milliseconds: Double(Clock.monotonic() - start) / 1e6))
            events(.diagnostic(putBack(address, location)))
            // What was done to it is undone.
            for operation in [StepName.Operation.create, .delete] {
                let count = outcome.done[operation.rawValue, default: 0] - 1
                outcome.done[operation.rawValue] = count > 0 ? count : nil
            }
            outcome.skipped.append(address)
            return true
        } catch let unwritable as Journal.Unwritable {
            outcome.broken = Failure.diagnostic(unwritable.cause, address, location)
        } catch {
            var failure = Failure.diagnostic(error, address, location, doing: "putting back of \(address)")
            failure.notes.append("plan and apply again")
            events(.stepFailed(name, failure))
            outcome.failed.append(address)
        }
        return false
    }

    /// Says that a replica has been put back, and who has to follow.
    private func putBack(_ address: ResourceAddress, _ location: SourceLocation) -> Diagnostic {
        let followers = planned.desired.map(\.resource).filter { resource in
            Self.unnumbered(resource.address) != Self.unnumbered(address)
                && StackReference.references(in: .object(resource.attributes)).contains { $0.address == address }
        }
        var told = Diagnostic(
            severity: .warning, code: "SC3212", summary: "\(address) has been put back as it was",
            detail: "Another replica failed, and then all of them are to be rolled back.",
            address: address.description, location: location)
        if !followers.isEmpty {
            let names = followers.map(\.address.description).joined(separator: ", ")
            told.notes.append("still set up for the one that was taken back: \(names)")
            told.hint = "mend what failed, and apply again: they follow"
        }
        return told
    }
}
