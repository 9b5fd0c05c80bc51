import Diagnostics
import JSONText
import Linux
import StackModel
import StateStore

extension StackEngine {
    /// Compares the host with what the last apply set.
    ///
    /// Needs no manifest and changes nothing. Waits its turn while the stack is being changed: in the middle of an
    /// apply everything is drift.
    ///
    /// - Throws: `DiagnosticList` when the stack is not known; a `Diagnostic` that says who changes it when that does
    ///   not end within the options' patience.
    package func drift(_ stack: String, options: Options = Options()) async throws -> DriftReport {
        let holder = LockHolder(uid: options.uid, pid: options.pid, operation: "drift")
        return try await locks.withLock(stack, holder, patience: options.patience) { [self] in
            let start = Clock.monotonic()
            let recorded = try await load(stack)
            guard recorded.header != nil else { throw try await unknown(stack) }
            var report = DriftReport.compare(stack, recorded, try await observe(stack, recorded), observers)
            report.milliseconds = Double(Clock.monotonic() - start) / 1e6
            return report
        }
    }

    /// One output of a stack with its value, a sensitive one too.
    ///
    /// - Throws: `DiagnosticList` when the stack or the output is not known.
    package func output(_ name: String, of stack: String) async throws -> ResolvedOutput {
        let outputs = try await show(stack).outputs
        if let output = outputs.first(where: { $0.name == name }) { return output }
        let names = outputs.map(\.name)
        throw DiagnosticList(
            Diagnostic(
                code: "SC3145", summary: "stack \(stack) has no output named \(name)",
                detail: names.isEmpty ? "It has none." : "It has: \(names.joined(separator: ", ")).",
                hint: nearest(name, among: names).map { "did you mean \($0)?" }))
    }

    /// What the last applies set, by resource; empty for a stack that is not known.
    package func recordedAttributes(_ stack: String) async throws -> [ResourceAddress: JSONObject] {
        try await load(stack).resources.mapValues(\.object.attributes)
    }

    /// What came of the last applies, by resource; empty for a stack that is not known.
    package func recordedOutputs(_ stack: String) async throws -> [ResourceAddress: JSONObject] {
        try await load(stack).resources.mapValues(\.object.outputs)
    }

    /// What a stack has, and how it is.
    ///
    /// - Throws: `DiagnosticList` when the stack is not known.
    package func show(_ stack: String) async throws -> StackStatus {
        let recorded = try await load(stack)
        guard let header = recorded.header else { throw try await unknown(stack) }
        let observed = try await observe(stack, recorded)
        let open = try await database.reading { transaction in try transaction.openJournal(stack: stack) }
        let busy = await locks.holder(of: stack)
        var status = StackStatus(
            stack: stack, generation: header.generation, updated: header.updated, origin: header.origin,
            operation: busy?.operation, resources: [], outputs: [],
            openSteps: open.count { Intent($0)?.isDeferred != true })
        for (address, resource) in recorded.resources.sorted(by: { $0.key < $1.key }) {
            let found = observed[address]
            status.resources.append(
                StackStatus.Resource(
                    address: address, objectID: resource.object.objectID,
                    condition: found == nil ? "gone" : found?.condition.text ?? "ok", isFine: found?.condition == .ok,
                    protect: resource.protect, outputs: found?.outputs ?? resource.object.outputs,
                    location: resource.location))
        }
        status.outputs = outputs(header, recorded, observed)
        return status
    }

    /// The newest applies of a stack, newest first.
    ///
    /// Also of one that has been destroyed.
    package func history(_ stack: String, limit: Int = 100) async throws -> [HistoryRow] {
        let rows = try await database.reading { transaction in try transaction.history(stack: stack, limit: limit) }
        if rows.isEmpty { throw try await unknown(stack) }
        return rows
    }

    private func outputs(
        _ header: StackRow, _ recorded: RecordedStack, _ observed: [ResourceAddress: ObservedObject]
    ) -> [ResolvedOutput] {
        let addresses = recorded.resources.keys.sorted()
        let index = AddressIndex(addresses)
        let declared = (header.outputs.arrayValue ?? []).compactMap { value -> StackOutput? in
            guard let name = value["name"]?.stringValue else { return nil }
            return StackOutput(
                name: name, value: value["value"] ?? .null,
                location: value["location"].flatMap(SourceLocation.init(json:)) ?? SourceLocation(file: "", line: 0),
                sensitive: value["sensitive"]?.boolValue ?? false)
        }
        return StackOutputs.resolve(declared) { reference in
            guard let position = index.targets(of: reference.address).first else { return nil }
            let address = addresses[position]
            return observed[address]?.outputs.value(at: reference.attribute)
                ?? recorded.resources[address]?.object.outputs.value(at: reference.attribute)
        }
    }
}

/// What a stack has, and how it is.
package struct StackStatus: Sendable, Hashable {
    /// One resource with its object.
    package struct Resource: Sendable, Hashable {
        package var address: ResourceAddress
        package var objectID: String
        /// `ok`, `gone`, or what is wrong in words.
        package var condition: String
        package var isFine: Bool
        package var protect: Bool
        package var outputs: JSONObject
        package var location: SourceLocation?
    }

    package var stack: String
    package var generation: Int64
    /// When it was last applied.
    ///
    /// Nanoseconds since 1970 UTC.
    package var updated: Int64
    package var origin: String?
    /// What is being done with it right now.
    package var operation: String?
    package var resources: [Resource]
    package var outputs: [ResolvedOutput]
    /// Steps an interrupted apply left open.
    package var openSteps: Int

    /// The status as versioned JSON.
    package var json: JSONValue {
        var object: JSONObject = [
            "version": 1, "stack": .string(stack), "generation": .int(generation), "updated": .int(updated),
            "openSteps": .int(Int64(openSteps)), "resources": .array(resources.map(\.json)),
            "outputs": .array(outputs.map(\.json)),
        ]
        if let origin { object["origin"] = .string(origin) }
        if let operation { object["operation"] = .string(operation) }
        return .object(object)
    }
}

extension StackStatus.Resource {
    var json: JSONValue {
        var object: JSONObject = [
            "address": .string(address.description), "object": .string(objectID), "condition": .string(condition),
            "ok": .bool(isFine), "outputs": .object(outputs),
        ]
        if protect { object["protect"] = true }
        if let location { object["location"] = location.json }
        return .object(object)
    }
}

extension HistoryRow {
    /// The row as JSON, without the document and its images.
    package var json: JSONValue {
        var summary = summary
        if var members = summary.objectValue {
            members["images"] = nil
            summary = .object(members)
        }
        var object: JSONObject = [
            "stack": .string(stack), "generation": .int(generation), "run": .string(run),
            "operation": .string(operation), "uid": .int(Int64(uid)), "started": .int(started),
            "outcome": .string(outcome), "summary": summary,
        ]
        if let finished { object["finished"] = .int(finished) }
        return .object(object)
    }
}
