import Diagnostics
import JSONText
import StackModel
import StateStore

/// What the last applies set, as a value.
package struct RecordedStack: Sendable {
    /// `nil` when the stack was never applied.
    package var header: StackRow?
    package var resources: [ResourceAddress: RecordedResource]

    package init(header: StackRow? = nil, resources: [ResourceAddress: RecordedResource] = [:]) {
        self.header = header
        self.resources = resources
    }

    /// Rises with every apply that changed something; 0 before the first.
    package var generation: Int64 { header?.generation ?? 0 }

    /// Reads the stack in one view of the database.
    static func load(_ name: String, _ transaction: borrowing ReadTransaction) throws -> RecordedStack {
        var resources: [ResourceAddress: RecordedResource] = [:]
        for row in try transaction.resources(stack: name) {
            let resource = try RecordedResource(row)
            resources[resource.object.address] = resource
        }
        return RecordedStack(header: try transaction.stack(name: name), resources: resources)
    }
}

/// What was set for one resource, with what a plan must know of its declaration even when that is gone.
package struct RecordedResource: Sendable {
    package var object: RecordedObject
    package var protect: Bool
    /// What it was made after.
    package var dependencies: [ResourceAddress]
    /// As stored; the declaration's places are read only where something is to be said about them.
    package var row: ResourceRow

    package init(_ row: ResourceRow) throws(Diagnostic) {
        guard let address = ResourceAddress(row.address) else {
            throw Diagnostic(
                code: "SC3104", summary: "the database records a resource of an unknown kind: \(row.address)",
                detail: "It was written by another version of stackctl.", address: row.address)
        }
        object = RecordedObject(
            address: address, objectID: row.objectID, attributes: row.attributes, outputs: row.outputs)
        protect = row.protect
        dependencies = row.dependencies.compactMap { ResourceAddress($0.key) }
        self.row = row
    }

    /// Where it was declared at the last apply.
    package var location: SourceLocation? { SourceLocation(json: row.location) }

    /// Where its attributes were declared at the last apply, by path.
    var places: [String: SourceLocation] {
        var places: [String: SourceLocation] = [:]
        for (key, value) in row.locations { places[key] = SourceLocation(json: value) }
        return places
    }

    /// Where an attribute was declared at the last apply.
    package func location(of path: String) -> SourceLocation? {
        guard let location else { return nil }
        return StackResource(address: object.address, location: location, locations: places).place(of: path)
    }
}

extension ResourceRow {
    /// What is recorded once a resource of the manifest has come to be this object.
    init(
        stack: String, resource: StackResource, dependencies: JSONObject, objectID: String, attributes: JSONObject,
        outputs: JSONObject, updated: Int64
    ) {
        var locations = JSONObject()
        for (path, place) in resource.locations.sorted(by: { $0.key < $1.key }) { locations[path] = place.json }
        self.init(
            stack: stack, address: resource.address.description, kind: resource.address.kind.rawValue,
            objectID: objectID, attributes: attributes, outputs: outputs, location: resource.location.json,
            locations: locations, dependencies: dependencies, protect: resource.protect, updated: updated)
    }

    /// Whether both say the same, whenever they were written.
    func saysTheSame(as other: ResourceRow) -> Bool {
        objectID == other.objectID && protect == other.protect && location == other.location
            && locations == other.locations && dependencies == other.dependencies && outputs == other.outputs
            && attributes == other.attributes
    }
}

extension StackResource {
    /// The place of an attribute.
    ///
    /// A list's elements have places of their own: the first known one stands for it.
    func place(of path: String) -> SourceLocation {
        if locations[path] != nil { return location(of: path) }
        return locations["\(path)[0]"] ?? location(of: path)
    }
}
