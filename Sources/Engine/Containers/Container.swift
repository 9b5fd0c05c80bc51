import JSONText
import Linux
import OCI
import Runtime
import StateStore
import Synchronization

/// One container as the daemon knows it.
///
/// Facts are behind a lock and can be read at any time; operations go through `queue`.
package final class Container: Sendable {
    /// 64 hex digits.
    package let id: String
    /// One operation at a time.
    package let queue = OperationQueue()
    private let facts: Mutex<Facts>

    /// What can change.
    package struct Facts: Sendable {
        /// Its name, without a slash.
        package var name: String
        /// The image's id, `sha256:…`.
        package var imageID: String
        /// When it was made.
        package var created: Timestamp
        /// Whether the user last asked it to run.
        package var wantsToRun = false
        /// The stack that owns it.
        package var stack: String?
        /// Its address in the stack.
        package var address: String?
        /// How it was asked for, the image's defaults merged in.
        package var specification: ContainerSpecification
        /// What is known of its runs.
        package var state = ContainerState()
        /// What health checks found; `nil` without a check or while not running.
        package var health: HealthState?
        /// Executions in it, newest last.
        package var executions: [String] = []
        var connection: SupervisorConnection?
        var healthWork: BackgroundWork.Handle?
        var watch: BackgroundWork.Handle?
        var observers: [Int: AsyncStream<Change>.Continuation] = [:]
        var nextObserver = 0
        /// Set while its end is being worked up: links and ports are not yet released.
        var isSettling = false
        /// Set while it starts, and while a place of it is given to another: one keeps the other waiting.
        var arePlacesClaimed = false
        /// Set where it is stopped to be removed: nobody waits for its links to go.
        var isLeaving = false
        /// Restarts that users asked for and that are not over.
        var restartsUnderWay = 0
        /// Clients that are attached and have to see its last output.
        var attachments = 0
        /// Set when it is gone; who waits from then on waits for nothing.
        var isRemoved = false
    }

    /// What observers are told.
    package enum Change: Sendable, Hashable {
        /// A run began.
        case started
        /// A run ended, with its exit code; `isFinal` where no restart follows.
        case exited(code: Int32, isFinal: Bool)
        /// Links and ports of the last run are released.
        case settled
        /// A check changed the health.
        case health(HealthState.Status)
        /// A client let it go.
        case detached
        /// It is gone.
        case removed
    }

    init(id: String, facts: sending Facts) {
        self.id = id
        self.facts = Mutex(facts)
    }

    /// Everything at one moment.
    package var snapshot: Facts { facts.withLock { $0 } }

    /// The name.
    package var name: String { facts.withLock { $0.name } }

    /// The state.
    package var state: ContainerState { facts.withLock { $0.state } }

    /// The specification.
    package var specification: ContainerSpecification { facts.withLock { $0.specification } }

    /// Whether its run is the last one.
    var isOnLastRun: Bool { facts.withLock { $0.isLeaving || $0.specification.autoRemove } }

    var connection: SupervisorConnection? { facts.withLock { $0.connection } }

    func change<Value: Sendable>(_ body: (inout sending Facts) -> sending Value) -> Value {
        facts.withLock { body(&$0) }
    }

    /// Tells the observers.
    func notify(_ change: Change) {
        let observers = facts.withLock { Array($0.observers.values) }
        for observer in observers { observer.yield(change) }
    }

    /// What happens from now on.
    ///
    /// `initial` sees the facts at exactly that moment.
    package func observe<Value: Sendable>(
        _ initial: (Facts) -> Value
    ) -> (initial: Value, changes: AsyncStream<Change>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Change.self, bufferingPolicy: .bufferingNewest(256))
        let (value, id) = facts.withLock { facts in
            let id = facts.nextObserver
            facts.nextObserver += 1
            facts.observers[id] = continuation
            return (initial(facts), id)
        }
        continuation.onTermination = { [weak self] _ in
            self?.facts.withLock { $0.observers[id] = nil }
        }
        return (value, stream)
    }

    /// The row that keeps it.
    var row: ContainerRow {
        let facts = snapshot
        return ContainerRow(
            id: id, name: facts.name, image: facts.imageID, created: facts.created.nanosecondsSinceEpoch,
            desiredState: facts.wantsToRun ? "running" : facts.state.phase == .created ? "created" : "stopped",
            stack: facts.stack, address: facts.address, spec: facts.specification.json, status: facts.state.json)
    }

    /// A container from its row.
    convenience init(_ row: ContainerRow) throws {
        var facts = Facts(
            name: row.name, imageID: row.image, created: Timestamp(nanosecondsSinceEpoch: row.created),
            specification: try ContainerSpecification(stored: row.spec))
        facts.wantsToRun = row.desiredState == "running"
        facts.stack = row.stack
        facts.address = row.address
        facts.state = ContainerState(json: row.status)
        self.init(id: row.id, facts: facts)
    }

    /// Facts for its events.
    func eventAttributes(_ more: [String: String] = [:]) -> [String: String] {
        let facts = snapshot
        var attributes = facts.specification.labels
        attributes["image"] = facts.specification.image
        attributes["name"] = facts.name
        return attributes.merging(more) { $1 }
    }
}
