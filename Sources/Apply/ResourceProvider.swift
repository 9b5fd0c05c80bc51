import Diagnostics
import JSONText
import StackModel

/// The read-only half of what one kind of resource offers.
///
/// A planner is given nothing more, so a plan cannot mutate.
///
/// `normalize` is called after references have been replaced by values. A value that is known only after apply stays
/// as `{"$ref": …}` or `{"$text": …}`: pass it through unchanged, whatever type the attribute has.
package protocol ResourceObserver: Sendable {
    /// The kind this observer answers for.
    var kind: ResourceKind { get }

    /// Whether deleting an object of this kind loses what users put into it.
    var holdsData: Bool { get }

    /// Whether the new object is made before the old one is deleted when a resource is recreated with these attributes.
    ///
    /// Pure. True for images, and for a container that asks for it: both are there for a while. Then `identify` must
    /// choose another id for the new object, or the same id for the same content. A `create` that throws leaves the old
    /// one as it was, at the latest when `delete` has been called for the new one.
    func createsBeforeDeleting(_ attributes: JSONObject) -> Bool

    /// Whether an object that is no longer wanted stays until everything else is done.
    ///
    /// True for images: what used one by another name may have found the same content under a new one.
    var isDeletedLast: Bool { get }

    /// Whether the data in an object outlives its recreation with these attributes.
    ///
    /// Pure. True for a container whose anonymous volumes are handed on to the next one.
    func keepsData(_ attributes: JSONObject) -> Bool

    /// How replicas of one name with these attributes are replaced; nil for all at once.
    ///
    /// Pure.
    func rollout(_ attributes: JSONObject) -> Rollout?

    /// Whether an object that refers to one of this kind keeps it from being deleted: a mount, an endpoint.
    ///
    /// Then it is recreated together with it, whatever its own attributes say.
    var isHeldByDependents: Bool { get }

    /// Whether an object of this kind holds what it refers to.
    ///
    /// False for what only takes a value over, as a volume whose files name a network's subnet.
    var holdsWhatItRefersTo: Bool { get }

    /// Whether deleting or restarting an object of this kind is mostly waiting for its processes to end.
    ///
    /// True for containers: one that ignores its stop signal takes its whole time-out and costs the host nothing.
    var waitsToStop: Bool { get }

    /// The normal form of attributes: defaults of notation removed, units unified, lists that are sets sorted.
    ///
    /// Pure.
    ///
    /// - Throws: everything that is wrong with them. Address and location are filled in by the caller when missing.
    func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject

    /// What changing one attribute costs.
    ///
    /// Pure.
    ///
    /// `path` names a leaf of the normal form: `limits.memory`, `env.A`, `labels.a.b`, `ports`. Lists are leaves.
    /// `nil` means absent. A value known only after apply is `{"$ref": …}` or `{"$text": …}`.
    func changeClass(path: String, from: JSONValue?, to: JSONValue?) -> ChangeClass

    /// What is there, in the words of what is wanted wherever the two come to the same.
    ///
    /// Pure. Such as a flag that is off, and one that nothing is said of.
    func matched(_ observed: JSONObject, to wanted: JSONObject) -> JSONObject

    /// Why a change of one attribute is needed, in a user's words; nil where the values say it themselves.
    ///
    /// Pure.
    func words(path: String, from: JSONValue?, to: JSONValue?) -> String?

    /// What of the host only one object can have with these attributes: a published port.
    ///
    /// Pure. What takes one over is changed after the one that lets it go.
    func claims(_ attributes: JSONObject) -> Set<String>

    /// The attributes without these claims.
    ///
    /// Pure. Where resources exchange what only one can have, each lets go of it first.
    func releasing(_ claims: Set<String>, of attributes: JSONObject) -> JSONObject

    /// What is recorded as set once an object made with these attributes has these outputs.
    ///
    /// Pure. A wish such as "the newest packages" becomes what came of it, or it would be drift at once.
    func settled(_ attributes: JSONObject, outputs: JSONObject) -> JSONObject

    /// Outputs that are certain before the change is made.
    ///
    /// Pure. What is left out is "known after apply", and whatever refers to it is planned as changed.
    ///
    /// `prior` is `nil` when the resource is new. `change` is `.none` never, `.live` and `.restart` when the object
    /// stays, `.recreate` and `.dataLoss` when it is made anew.
    func predictedOutputs(
        stack: String, address: ResourceAddress, attributes: JSONObject, prior: RecordedObject?, change: ChangeClass
    ) -> JSONObject

    /// Problems that would make the apply fail: a port in use, a subnet that overlaps a route of the host, a bind
    /// source that is missing.
    ///
    /// Given all resources of the kind with what is planned for each, those to be deleted too. Reads the host only.
    func preflight(_ desired: [PlannedResource]) async -> [Diagnostic]

    /// What the host has, for all recorded objects of the kind at once.
    ///
    /// An absent key says the object is gone.
    ///
    /// What cannot be observed is to be echoed from `RecordedObject.attributes`, or it would be drift for ever.
    func observe(stack: String, recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject]

    /// An object of others that is what the resource would be, and goes when that is made.
    ///
    /// Nothing is waited for. `attributes` are as they are declared.
    func standIn(stack: String, address: ResourceAddress, attributes: JSONObject) -> ObservedObject?
}

extension ResourceObserver {
    package var holdsData: Bool { kind == .volume }

    package func createsBeforeDeleting(_ attributes: JSONObject) -> Bool { kind == .image }

    package var isDeletedLast: Bool { kind == .image }

    package func keepsData(_ attributes: JSONObject) -> Bool { false }

    package func rollout(_ attributes: JSONObject) -> Rollout? { nil }

    package var isHeldByDependents: Bool { kind == .volume || kind == .network }

    package var holdsWhatItRefersTo: Bool { kind == .container }

    package var waitsToStop: Bool { kind == .container }

    package func matched(_ observed: JSONObject, to wanted: JSONObject) -> JSONObject { observed }

    package func words(path: String, from: JSONValue?, to: JSONValue?) -> String? { nil }

    package func claims(_ attributes: JSONObject) -> Set<String> { [] }

    package func releasing(_ claims: Set<String>, of attributes: JSONObject) -> JSONObject { attributes }

    package func settled(_ attributes: JSONObject, outputs: JSONObject) -> JSONObject { attributes }

    package func predictedOutputs(
        stack: String, address: ResourceAddress, attributes: JSONObject, prior: RecordedObject?, change: ChangeClass
    ) -> JSONObject {
        guard let prior, change <= .restart else { return JSONObject() }
        return prior.outputs
    }

    package func preflight(_ desired: [PlannedResource]) async -> [Diagnostic] { [] }

    package func standIn(stack: String, address: ResourceAddress, attributes: JSONObject) -> ObservedObject? { nil }
}

/// One kind of resource: how it is read, and how it is made, changed and deleted.
///
/// Every acting function is idempotent on the object's id: after a crash it is called again with the same arguments.
package protocol ResourceProvider: ResourceObserver {
    /// Chooses the identity of a new object: its id and whatever must be reserved with it (addresses, subnet).
    ///
    /// Called under the stack's lock, before anything is made; the answer is committed to the journal.
    func identify(stack: String, address: ResourceAddress, attributes: JSONObject) async throws -> ObjectIdentity

    /// What the resources need from elsewhere and the host does not have, such as an image of a registry.
    ///
    /// It is brought before anything is changed, so that a registry that does not answer costs no running container.
    ///
    /// - Parameter desired: the resources of the kind that will be made, with what is planned for each.
    func missing(for desired: [PlannedResource]) async throws -> [Fetch]

    /// Makes the object and gives its outputs.
    ///
    /// References in `attributes` are resolved.
    func create(
        stack: String, address: ResourceAddress, identity: ObjectIdentity, attributes: JSONObject,
        progress: @escaping ProgressSink
    ) async throws -> JSONObject

    /// Changes the object in place, `.live` or `.restart`, and gives its outputs.
    func update(
        stack: String, address: ResourceAddress, objectID: String, from: JSONObject, to: JSONObject,
        changes: [AttributeChange], class: ChangeClass, progress: @escaping ProgressSink
    ) async throws -> JSONObject

    /// Deletes the object.
    ///
    /// One that is gone, or was made by half, is a success once nothing of it is left.
    ///
    /// - Parameter isReplaced: whether its address gets, or has got, another object in this apply.
    func delete(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject, isReplaced: Bool,
        progress: @escaping ProgressSink
    ) async throws

    /// Makes a stopped object run, a damaged one whole, and gives its outputs.
    func repair(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject,
        condition: ObjectCondition, progress: @escaping ProgressSink
    ) async throws -> JSONObject

    /// Returns when the object has come as far as `until`; throws when it cannot any more.
    func wait(
        stack: String, address: ResourceAddress, objectID: String, until: DependencyCondition,
        progress: @escaping ProgressSink
    ) async throws
}

extension ResourceProvider {
    package func missing(for desired: [PlannedResource]) async throws -> [Fetch] { [] }

    /// An object that has been made is as far as it will come.
    package func wait(
        stack: String, address: ResourceAddress, objectID: String, until: DependencyCondition,
        progress: @escaping ProgressSink
    ) async throws {}
}
