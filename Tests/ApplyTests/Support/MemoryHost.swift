import Apply
import Diagnostics
import JSONText
import StackModel
import Synchronization

/// The process is dead: nothing more happens on the host, nothing more is written.
struct SimulatedCrash: Error {}

/// A little host of its own: it has names, ports and users of objects, and refuses what a real one would.
///
/// It is the oracle's other half: what is on it after an apply is compared with what is recorded.
final class MemoryHost: Sendable {
    struct Object: Sendable {
        var id: String
        var stack: String
        var address: ResourceAddress
        var attributes: JSONObject
        var outputs: JSONObject
        /// Made in two strokes; a crash can come between them.
        var isWhole: Bool
        var stopped: String?
        var damaged: String?
        /// What goes with it beyond what its kind says.
        var data: String?
        var revision = 1
    }

    struct State: Sendable {
        var objects: [String: Object] = [:]
        var nextID = 1
        var isDead = false
        /// Acting strokes until the machine dies; `nil` for never.
        var strokesLeft: Int?
        /// Acting calls, "create container.web", that are to fail once per entry.
        var failures: [String] = []
        /// How often a call is still answered before it fails.
        var spared: [String: Int] = [:]
        /// Every acting call that began, in order.
        var calls: [String] = []
        var made: [String: Int] = [:]
        /// No container stops before so many are being stopped, or ten seconds have gone.
        var stopsTogether = 0
        /// Steps that are on it now, and the most there were, by call: "delete container".
        var present: [String: Int] = [:]
        var mostPresent: [String: Int] = [:]
    }

    let state = Mutex(State())

    func withState<Value: Sendable>(_ body: (inout State) throws -> Value) rethrows -> Value {
        try state.withLock { try body(&$0) }
    }

    /// The objects of one stack.
    func objects(of stack: String) -> [Object] {
        withState { state in state.objects.values.filter { $0.stack == stack } }
    }

    /// The one object at an address.
    func object(_ address: String) -> Object? {
        withState { state in state.objects.values.first { $0.address.description == address && $0.isWhole } }
    }

    /// Changes an object behind the tool's back.
    func meddle(_ address: String, _ body: (inout Object) -> Void) {
        withState { state in
            for (id, object) in state.objects where object.address.description == address {
                var changed = object
                body(&changed)
                changed.revision += 1
                state.objects[id] = changed
            }
        }
    }

    /// Takes an object away behind the tool's back, whatever uses it.
    func vanish(_ address: String) {
        withState { state in
            for (id, object) in state.objects where object.address.description == address {
                state.objects[id] = nil
            }
        }
    }

    /// The machine comes back; what was made is still there.
    func restart() {
        withState { state in
            state.isDead = false
            state.strokesLeft = nil
            state.failures = []
        }
    }

    /// Dies now.
    func die() { withState { $0.isDead = true } }

    var calls: [String] { withState { $0.calls } }

    func forgetCalls() { withState { $0.calls = [] } }

    func fail(_ call: String, after spared: Int = 0) {
        withState { state in
            state.failures.append(call)
            state.spared[call] = spared
        }
    }

    /// Counts those who are in `body` at a time.
    func counted<Value>(_ call: String, _ body: () async throws -> Value) async rethrows -> Value {
        withState { state in
            state.present[call, default: 0] += 1
            state.mostPresent[call] = max(state.mostPresent[call] ?? 0, state.present[call] ?? 0)
        }
        defer { withState { $0.present[call, default: 0] -= 1 } }
        return try await body()
    }

    // MARK: The strokes providers act with

    /// One stroke on the host: it happens whole or not at all.
    func stroke<Value: Sendable>(_ body: (inout State) throws -> Value) throws -> Value {
        try withState { state in
            if state.isDead { throw SimulatedCrash() }
            if let left = state.strokesLeft {
                if left == 0 {
                    state.isDead = true
                    throw SimulatedCrash()
                }
                state.strokesLeft = left - 1
            }
            return try body(&state)
        }
    }

    func begin(_ call: String) throws {
        try stroke { state in
            state.calls.append(call)
            if let position = state.failures.firstIndex(of: call) {
                if let spared = state.spared[call], spared > 0 {
                    state.spared[call] = spared - 1
                    return
                }
                state.failures.remove(at: position)
                throw Diagnostic(code: "TEST1", summary: "the host refuses: \(call)")
            }
        }
    }
}

extension MemoryHost.State {
    func users(of object: MemoryHost.Object) -> [MemoryHost.Object] {
        let handles = ["id", "name"].compactMap { object.outputs[$0] } + [.string(object.id)]
        return objects.values.filter { other in
            other.id != object.id && other.address.kind == .container
                && other.attributes.contains { member in handles.contains { member.value.contains($0) } }
        }
    }

    func checkRoom(for object: MemoryHost.Object) throws {
        let isBeside = object.attributes["update"]?["order"] == "startFirst"
        for other in objects.values where other.id != object.id {
            if isBeside, other.stack == object.stack, other.address == object.address { continue }
            if other.stack == object.stack, other.address == object.address, object.address.kind != .image {
                throw Diagnostic(code: "TEST2", summary: "the name of \(object.address) is taken by \(other.id)")
            }
            if let port = object.attributes["port"], other.attributes["port"] == port,
                other.address.kind == .container
            {
                throw Diagnostic(code: "TEST3", summary: "port \(port) is taken by \(other.address)")
            }
        }
    }

    func checkReferences(of object: MemoryHost.Object) throws {
        guard object.address.kind == .container else { return }
        let known = Set(objects.values.filter(\.isWhole).compactMap { $0.outputs["id"]?.stringValue })
        for key in ["image", "network", "volume"] {
            guard let id = object.attributes[key]?.stringValue, !known.contains(id) else { continue }
            throw Diagnostic(code: "TEST4", summary: "\(object.address) needs \(key) \(id), which is not there")
        }
    }
}

extension JSONValue {
    func contains(_ part: JSONValue) -> Bool {
        if self == part { return true }
        switch self {
        case .array(let elements): return elements.contains { $0.contains(part) }
        case .object(let object): return object.contains { $0.value.contains(part) }
        default: return false
        }
    }
}
