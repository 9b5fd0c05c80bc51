import Diagnostics
import JSONText
import StackModel
import StateStore

extension Walk {
    typealias Work = @Sendable () async throws -> StepRunner.Result?

    /// The line of the manifest a step is about.
    func location(of step: Int) -> SourceLocation? {
        switch graph.steps[step].work {
        case .apply(let position), .deleteToRecreate(let position), .retire(let position), .release(let position),
            .wait(let position, _):
            planned.desired[position].resource.location
        case .delete(let address): planned.recorded.resources[address]?.location
        case .barrier, .pause: nil
        }
    }

    /// What a child task has to do for a step whose needs are met; `nil` when the step is over without one.
    mutating func prepare(_ step: Int) -> Work? {
        let runner = runner
        switch graph.steps[step].work {
        case .barrier(nil): return retire { runner.providers[$0.kind].map { !$0.isDeletedLast } ?? false }
        case .barrier:
            finish(step, .done)
            return nil
        case .wait(let position, let until):
            let address = planned.desired[position].resource.address
            let objectID = objectIDs[position]
            return {
                try await runner.wait(address, objectID: objectID, until: until)
                return nil
            }
        case .delete(let address):
            guard let resource = planned.recorded.resources[address] else {
                finish(step, .done)
                return nil
            }
            // Where volumes stay, so do those without a name, for the next container of this address.
            let isHandedOn = address.kind == .container && planned.plan.scope.keptKinds.contains(.volume)
            return {
                try await runner.delete(resource, isReplaced: isHandedOn)
                return nil
            }
        case .deleteToRecreate(let position):
            return prepareDelete(step, position)
        case .retire(let position):
            let address = planned.desired[position].resource.address
            return retire { $0 == address }
        case .pause(_, let nanoseconds):
            return {
                try await Task.sleep(for: .nanoseconds(nanoseconds))
                return nil
            }
        case .release(let position):
            return prepareRelease(step, position)
        case .apply(let position):
            return prepareApply(step, position)
        }
    }

    /// Deletes objects that new ones have taken the place of.
    ///
    /// One that cannot go yet is told, and stays for the next apply.
    private func retire(where isMeant: @escaping @Sendable (ResourceAddress) -> Bool) -> Work {
        let (runner, events) = (runner, events)
        return {
            for finding in try await Recovery(runner: runner).sweepDeferred(where: isMeant) {
                if let diagnostic = finding.diagnostic { events(.diagnostic(diagnostic)) }
            }
            return nil
        }
    }

    /// Deletes to recreate, unless what was unknown when planning has turned out to change nothing.
    private mutating func prepareDelete(_ step: Int, _ position: Int) -> Work? {
        let item = planned.desired[position]
        guard let resource = planned.recorded.resources[item.resource.address] else {
            finish(step, .done)
            return nil
        }
        if item.hasUnknowns, !item.isForced, let known = try? resolved(position), !known.hasUnknowns {
            let change = compare(position, known.attributes).change
            if change.changeClass < .recreate {
                finish(step, .done)
                return nil
            }
        }
        deleted.insert(position)
        let runner = runner
        return {
            try await runner.delete(resource, isReplaced: true)
            return nil
        }
    }

    /// Takes from an object what others take over, and records it so.
    private mutating func prepareRelease(_ step: Int, _ position: Int) -> Work? {
        let item = planned.desired[position]
        let address = item.resource.address
        guard let recorded = planned.recorded.resources[address], var observed = planned.observed[address],
            let observer = try? observers.observer(for: address.kind)
        else {
            finish(step, .done)
            return nil
        }
        let leaving = observer.claims(observed.attributes).subtracting(observer.claims(item.attributes))
        let reduced = observer.releasing(leaving, of: observed.attributes)
        var row = recorded.row
        row.attributes = observer.releasing(leaving, of: recorded.object.attributes)
        // Whatever else is wrong with it is put right by its own step.
        observed.condition = .ok
        let changes = observed.attributes.compactMap { key, value in
            value == reduced[key] ? nil : AttributeChange(path: key, from: value, to: reduced[key])
        }
        let change = StepRunner.InPlaceChange(
            recorded: recorded.object, observed: observed, row: row, changes: changes, changeClass: .live)
        let runner = runner
        return { try await runner.change(change) }
    }

    private mutating func prepareApply(_ step: Int, _ position: Int) -> Work? {
        do {
            let known = try resolved(position)
            guard !known.hasUnknowns else { throw Self.stillUnknown(planned.desired[position].resource) }
            return try work(step, position, known.attributes)
        } catch {
            fail(step, error)
            return nil
        }
    }

    private mutating func work(_ step: Int, _ position: Int, _ attributes: JSONObject) throws -> Work? {
        let item = planned.desired[position]
        let address = item.resource.address
        var row = ResourceRow(
            stack: planned.plan.stack, resource: item.resource, dependencies: dependencies(of: position),
            objectID: objectIDs[position], attributes: attributes, outputs: outputs[position], updated: runner.now())
        if item.part == .left, let recorded = planned.recorded.resources[address] { row = recorded.row }
        let made = row
        let runner = runner
        let old = planned.recorded.resources[address]?.object
        if deleted.contains(position) {
            let rollsBack = try observers.observer(for: address.kind).rollout(attributes)?.rollsBack ?? false
            let before = rollsBack ? planned.recorded.resources[address]?.row : nil
            return { try await runner.create(made, at: address, orAgain: before) }
        }
        guard item.change.action != .create, let old, let observed = planned.observed[address] else {
            return {
                if let old { try await runner.sweep(old) }
                return try await runner.create(made, at: address, replacing: nil)
            }
        }
        let actual = item.hasUnknowns ? compare(position, attributes).change : item.change
        if item.change.action == .recreate {
            let keepsOld = item.createsFirst
            if item.isForced || actual.changeClass >= .recreate {
                return { try await runner.create(made, at: address, replacing: keepsOld ? old : nil) }
            }
        } else if actual.changeClass > max(item.change.changeClass, .live) {
            throw Self.costsMore(item.resource, actual.changeClass)
        }
        if actual.action == .noChange {
            unneeded.insert(position)
            outputs[position] = observed.outputs.overlaid(on: old.outputs)
            finish(step, .done)
            return nil
        }
        let change = StepRunner.InPlaceChange(
            recorded: old, observed: observed, row: made, changes: actual.attributeChanges,
            changeClass: actual.changeClass)
        return { try await runner.change(change) }
    }

    /// The attributes with everything replaced that has become known.
    func resolved(_ position: Int) throws -> (attributes: JSONObject, hasUnknowns: Bool) {
        let item = planned.desired[position]
        guard item.hasUnknowns else { return (item.attributes, false) }
        let observer = try observers.observer(for: item.resource.address.kind)
        let attributes = try Normalisation.attributes(of: item.resource, observer) { reference in
            guard let target = planned.graph?.position(of: reference.address) else { return nil }
            return outputs[target].value(at: reference.attribute)
        }
        return (attributes, attributes.contains { $0.value.holdsReference })
    }

    private func compare(_ position: Int, _ attributes: JSONObject) -> DesiredResource {
        let item = planned.desired[position]
        let address = item.resource.address
        guard let observer = try? observers.observer(for: address.kind) else { return item }
        return ResourcePlanning(
            resource: item.resource, observer: observer, recorded: planned.recorded.resources[address]?.object,
            observed: planned.observed[address]
        ).compare(attributes)
    }

    /// What the resource at a position is made after, as it is recorded.
    func dependencies(of position: Int) -> JSONObject { planned.dependencies(of: position) }

    private static func stillUnknown(_ resource: StackResource) -> Diagnostic {
        Diagnostic(
            code: "SC3210", summary: "\(resource.address) refers to an output that does not exist",
            address: resource.address.description, location: resource.location)
    }

    private static func costsMore(_ resource: StackResource, _ changeClass: ChangeClass) -> Diagnostic {
        Diagnostic(
            code: "SC3211", summary: "\(resource.address) needs more than was planned: \(changeClass.name)",
            detail: "A value that was known only during the apply asks for it.", hint: "plan and apply again",
            address: resource.address.description, location: resource.location)
    }
}

extension PlannedStack {
    /// What the resource at a position is made after, as it is recorded.
    func dependencies(of position: Int) -> JSONObject {
        guard let graph else { return JSONObject() }
        var found = JSONObject()
        for edge in graph.edges[position] {
            found[graph.resources[edge.target].address.description] = .string(edge.until.rawValue)
        }
        return found
    }
}
