import Apply
import Diagnostics
import Engine
import JSONText
import Linux
import StackModel

/// Volumes of a stack: directories that outlive containers.
///
/// The object's id is its name on the host.
struct VolumeProvider: ResourceProvider {
    let engine: HostEngine

    var kind: ResourceKind { .volume }

    func normalize(_ attributes: JSONObject) throws(DiagnosticList) -> JSONObject {
        var reader = AttributeReader(attributes)
        reader.dictionary("labels")
        reader.dictionary("content")
        reader.text("owner", Self.owner, expected: "uid or uid:gid in numbers")
        reader.text("name", { (try? Volume.check(name: $0)) == nil ? nil : $0 }, expected: "a volume's name")
        reader.text(
            "driver", { $0.isEmpty || $0 == "local" ? "local" : nil }, expected: "\"local\", the only driver there is")
        reader.dictionary("options")
        if let options = reader["options"]?.objectValue {
            do throws(EngineError) {
                _ = try VolumeSettings(attributes.strings("options"))
            } catch {
                reader.refuse("options: \(error.message)")
            }
            // None is as if nothing was said.
            if options.isEmpty { reader["options"] = nil }
        }
        return try reader.finished(known: ["labels", "content", "owner", "name", "driver", "options"])
    }

    /// `33` means `33:33`.
    private static func owner(_ text: String) -> String? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
        guard let first = parts.first, let uid = first, parts.count <= 2 else { return nil }
        guard parts.count == 2 else { return "\(uid):\(uid)" }
        return parts[1].map { "\(uid):\($0)" }
    }

    func changeClass(path: String, from: JSONValue?, to: JSONValue?) -> ChangeClass {
        // Files that are no longer declared stay: they may be somebody's data by now.
        if path.hasPrefix("content."), to == nil { return .none }
        // Another name or other options make another volume.
        return path == "name" || path.hasPrefix("options") ? .recreate : .live
    }

    func predictedOutputs(
        stack: String, address: ResourceAddress, attributes: JSONObject, prior: RecordedObject?, change: ChangeClass
    ) -> JSONObject {
        // Without a name of its own it keeps the one it has.
        if let prior, change <= .restart { return prior.outputs }
        return outputs(HostNames.shared(stack: stack, address, attributes))
    }

    private func outputs(_ name: String) -> JSONObject {
        ["name": .string(name), "path": .string(engine.volumes.dataPath(name))]
    }

    func preflight(_ desired: [PlannedResource]) async -> [Diagnostic] {
        var found: [Diagnostic] = []
        for resource in desired where resource.action == .create {
            let name = HostNames.shared(stack: resource.stack, resource.address, resource.attributes)
            guard let other = try? await engine.volumes.find(name), other.stack != resource.stack else { continue }
            if let adoption = VolumeAdoption(other, stack: resource.stack, address: resource.address) {
                found.append(adoption.judge(resource.attributes).about(resource))
                continue
            }
            found.append(
                Diagnostic(
                    code: "SC5111", summary: "the volume \(name) exists already and is not of this stack",
                    hint: "to use it as it is, say so: external: true in a compose file, Volume.existing in a manifest"
                        + "; or remove it with: stackctl volume rm \(name)"
                ).about(resource))
        }
        return found
    }

    func observe(stack: String, recorded: [RecordedObject]) async throws -> [ResourceAddress: ObservedObject] {
        var found: [(object: RecordedObject, volume: Volume, path: String, declared: [String])] = []
        let volumes = try await engine.volumes.find(recorded.map(\.objectID))
        for object in recorded {
            guard let volume = volumes[object.objectID] else { continue }
            let declared = object.attributes["content"]?.objectValue?.keys.map { $0 } ?? []
            found.append((object, volume, engine.volumes.dataPath(volume.name), declared))
        }
        // Many volumes have little to read: one job for all costs less than a job for each.
        let readings = await BlockingExecutor.shared.run { [found] in
            found.map { VolumeReading(path: $0.path, files: $0.declared) }
        }
        var result: [ResourceAddress: ObservedObject] = [:]
        for ((object, volume, path, declared), seen) in zip(found, readings) {
            let ours = HostNames.labels(stack: stack, object.address)
            var attributes: JSONObject = [
                "labels": .object(
                    JSONObject(
                        volume.labels.filter { ours[$0.key] == nil }.sorted { $0.key < $1.key }
                            .map { ($0.key, .string($0.value)) }))
            ]
            attributes["name"] = .string(volume.name)
            attributes["driver"] = "local"
            attributes["options"] = .object(.strings(volume.options ?? [:]))
            if !declared.isEmpty { attributes["content"] = .object(seen.content) }
            if let owner = seen.owner { attributes["owner"] = .string(owner) }
            result[object.address] = ObservedObject(
                volume.name, attributes: attributes, outputs: outputs(volume.name),
                condition: seen.owner == nil ? .damaged("its directory \(path) is missing") : .ok)
        }
        return result
    }

    func identify(stack: String, address: ResourceAddress, attributes: JSONObject) async throws -> ObjectIdentity {
        ObjectIdentity(id: HostNames.shared(stack: stack, address, attributes))
    }

    func create(
        stack: String, address: ResourceAddress, identity: ObjectIdentity, attributes: JSONObject,
        progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        let options = attributes.strings("options")
        var volume = Volume(
            name: identity.id,
            labels: attributes.strings("labels").merging(HostNames.labels(stack: stack, address)) { $1 },
            options: options.isEmpty ? nil : options)
        volume.stack = stack
        volume.address = address.description
        volume.content = attributes["content"] == nil ? nil : attributes.strings("content")
        volume.owner = attributes["owner"]?.stringValue
        let made = try await engine.createVolume(volume)
        if VolumeAdoption(made, stack: stack, address: address) != nil {
            try await engine.volumes.assign(made.name, stack: stack, address: address.description)
        }
        // A creation that was interrupted between the record and the files is finished here.
        try await rewrite(stack, address, identity.id, attributes)
        return outputs(identity.id)
    }

    func update(
        stack: String, address: ResourceAddress, objectID: String, from: JSONObject, to: JSONObject,
        changes: [AttributeChange], class: ChangeClass, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        try await rewrite(stack, address, objectID, to)
        return outputs(objectID)
    }

    func delete(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject, isReplaced: Bool,
        progress: @escaping ProgressSink
    ) async throws {
        try await engine.removeVolume(objectID, force: true)
    }

    func repair(
        stack: String, address: ResourceAddress, objectID: String, attributes: JSONObject,
        condition: ObjectCondition, progress: @escaping ProgressSink
    ) async throws -> JSONObject {
        try await rewrite(stack, address, objectID, attributes)
        return outputs(objectID)
    }

    private func rewrite(
        _ stack: String, _ address: ResourceAddress, _ name: String, _ attributes: JSONObject
    ) async throws {
        let path = engine.volumes.dataPath(name)
        try await BlockingExecutor.shared.run { try Files.makeDirectories(path, mode: 0o755) }
        try await engine.volumes.rewrite(
            name, content: attributes["content"] == nil ? nil : attributes.strings("content"),
            owner: attributes["owner"]?.stringValue,
            labels: attributes.strings("labels").merging(HostNames.labels(stack: stack, address)) { $1 })
    }
}
