import Diagnostics
import JSONText
import StackModel
import StateStore

/// Carries out single steps: intent, act, done.
///
/// Knows nothing of their order.
struct StepRunner: Sendable {
    let stack: String
    let providers: [ResourceKind: any ResourceProvider]
    let journal: Journal
    let progress: ProgressSink
    /// Nanoseconds since 1970 UTC.
    let now: @Sendable () -> Int64

    /// What a step left behind.
    struct Result: Sendable {
        var objectID: String
        var outputs: JSONObject
    }

    /// The provider of a kind.
    func provider(_ kind: ResourceKind) throws(Diagnostic) -> any ResourceProvider {
        guard let provider = providers[kind] else {
            throw Diagnostic(
                code: "SC3105", summary: "this stackctl cannot manage resources of kind \(kind.rawValue)")
        }
        return provider
    }

    /// Deletes an object and forgets it.
    ///
    /// - Parameter isReplaced: whether its address gets another object then.
    func delete(_ resource: RecordedResource, isReplaced: Bool) async throws {
        let object = resource.object
        let provider = try provider(object.address.kind)
        var intent = Intent(
            operation: .delete, address: object.address, objectID: object.objectID, attributes: object.attributes)
        intent.outputs = object.outputs
        intent.isReplaced = isReplaced
        let entry = try await journal.intend(intent)
        try await journal.act(entry)
        do {
            try await provider.delete(
                stack: stack, address: object.address, objectID: object.objectID, attributes: object.attributes,
                isReplaced: isReplaced, progress: progress)
        } catch {
            try await journal.failed(entry, Self.text(error))
            throw error
        }
        let stack = stack
        try await journal.done(entry) { transaction in
            try transaction.deleteResource(
                stack: stack, address: object.address.description, objectID: object.objectID)
        }
    }

    /// Clears what may be left of an object that is gone from the host, so that its name and addresses are free.
    ///
    /// What holds data is not touched: the host may only have lost sight of it.
    func sweep(_ object: RecordedObject) async throws {
        let provider = try provider(object.address.kind)
        guard !provider.holdsData else { return }
        try await provider.delete(
            stack: stack, address: object.address, objectID: object.objectID, attributes: object.attributes,
            isReplaced: true, progress: progress)
    }

    /// Waits until an object has come as far as those who depend on it need.
    func wait(_ address: ResourceAddress, objectID: String, until: DependencyCondition) async throws {
        try await provider(address.kind).wait(
            stack: stack, address: address, objectID: objectID, until: until, progress: progress)
    }

    /// The error in one line, as the journal keeps it.
    static func text(_ error: any Error) -> String {
        let diagnostic = Failure.diagnostic(error)
        return diagnostic.detail.map { "\(diagnostic.summary): \($0)" } ?? diagnostic.summary
    }
}
