import Diagnostics
import JSONText
import StackModel

/// Ports of the host that two containers of a document want.
struct PortClashes {
    /// One published port.
    private struct Place {
        let resource: StackResource
        let location: SourceLocation
        let address: String

        /// Whether both cannot be had: on one address, or where one is on all of them.
        func clashes(with other: Place) -> Bool {
            if address == other.address || address.isEmpty || other.address.isEmpty { return true }
            let isOfVersion6 = address.contains(":")
            guard isOfVersion6 == other.address.contains(":") else { return false }
            let all = isOfVersion6 ? "::" : "0.0.0.0"
            return address == all || other.address == all
        }
    }

    private var places: [String: [Place]] = [:]
    private(set) var problems: [Diagnostic] = []

    /// The clashes among resources; each pair of services is told once for a port.
    static func problems(of resources: some Sequence<StackResource>) -> [Diagnostic] {
        var clashes = PortClashes()
        for resource in resources where resource.attributes["networkMode"] != "host" { clashes.add(resource) }
        return clashes.problems
    }

    private mutating func add(_ resource: StackResource) {
        for (offset, port) in (resource.attributes["ports"]?.arrayValue ?? []).enumerated() {
            // Any of a range will do.
            guard let number = port["published"]?.intValue, number > 0, port["publishedLast"] == nil else { continue }
            let key = "\(number)/\(port["protocol"]?.stringValue ?? "tcp")"
            let place = Place(
                resource: resource, location: resource.location(of: "ports[\(offset)]"),
                address: port["hostAddress"]?.stringValue ?? "")
            let other = places[key]?.first { $0.clashes(with: place) && $0.resource.address != resource.address }
            guard let other else {
                places[key, default: []].append(place)
                continue
            }
            report(key, place, other)
        }
    }

    private mutating func report(_ key: String, _ place: Place, _ other: Place) {
        let (name, otherName) = (place.resource.address.name, other.resource.address.name)
        let summary =
            name == otherName
            ? "several containers of \(name) want port \(key) of the host"
            : "\(otherName) and \(name) both want port \(key) of the host"
        guard !problems.contains(where: { $0.summary == summary }) else { return }
        problems.append(
            Diagnostic(
                code: "SC2427", summary: summary,
                hint: name == otherName
                    ? "publish a range, as in 8080-8089:80, or keep one replica" : "give one of them another port",
                address: place.resource.address.description, location: place.location,
                notes: name == otherName ? [] : ["\(otherName) has it at \(other.location)"]))
    }
}
