import Apply
import Diagnostics
import Engine
import JSONText
import Linux
import StackModel
import StateStore

/// Containers of another client that a new one takes the place of.
///
/// They are there until the new one has started: what was done to them is written down first, so that they get their names
/// back, and run again, whenever the new one fails.
struct ReplacedContainers {
    let engine: HostEngine
    let stack: String
    let address: ResourceAddress
    /// The id of the new one.
    let successor: String

    private var note: StoredNote {
        StoredNote(database: engine.database, key: "replaced-containers.\(successor)")
    }

    /// Frees the name that the new one is to have.
    func giveWay(_ containers: [Container], to name: String) async throws {
        try await write(containers)
        for container in containers where container.name == name {
            try await engine.rename(container, to: "\(name)-old-\(container.id.prefix(12))")
        }
    }

    /// Ends those that run: two containers would want the same ports, addresses and data.
    func end(_ containers: [Container], _ progress: ProgressSink) async throws {
        for container in containers where container.state.isActive {
            progress(ProgressUpdate(address: address, message: "stopping \(container.name) of another client"))
            do {
                try await engine.stop(container)
            } catch let error as EngineError where error.kind == .notModified {}
        }
    }

    /// Removes them: the new one is in their place.
    ///
    /// What cannot be done is told, no more: the new one runs, and is not undone for an old one that stays, stopped.
    func remove(_ containers: [Container], _ progress: ProgressSink) async {
        let carried = CarriedVolumes(engine: engine, stack: stack, address: address)
        for container in containers {
            progress(ProgressUpdate(address: address, message: "removing \(container.name) of another client"))
            do {
                try await carried.keep(of: container)
                try await engine.remove(container, force: true)
            } catch {
                progress(
                    ProgressUpdate(
                        address: address,
                        warning: Diagnostic(
                            severity: .warning, code: "SC5150",
                            summary: "\(container.name) of another client, which is replaced, cannot be removed",
                            detail: "it stays, stopped: \(error)",
                            hint: "remove it with: stackctl rm -f \(container.name)", address: address.description)))
            }
        }
        // Notes that stay name containers that are gone.
        try? await carried.settle()
        try? await write([])
    }

    /// Puts those back that the new one, which is gone, was to replace.
    func putBack() async throws {
        for note in try await noted() {
            guard let id = note["id"]?.stringValue, let name = note["name"]?.stringValue,
                let container = engine.containers.container(id: id)
            else { continue }
            if container.name != name { try await engine.rename(container, to: name) }
            guard note["ran"] == true, !container.state.isActive else { continue }
            do {
                try await engine.start(container)
            } catch let error as EngineError where error.kind == .notModified {}
        }
        try await write([])
    }

    private func noted() async throws -> [JSONValue] {
        try await note.read()?.arrayValue ?? []
    }

    /// What is noted already stays: an apply that was interrupted has stopped them, and renamed them.
    private func write(_ containers: [Container]) async throws {
        let before = try await noted()
        guard containers.isEmpty != before.isEmpty else { return }
        let notes = containers.map { container -> JSONValue in
            [
                "id": .string(container.id), "name": .string(container.name),
                "ran": .bool(container.state.isActive),
            ]
        }
        try await note.write(notes.isEmpty ? nil : .array(notes))
    }
}
