import JSONText
import StackModel

/// A stack of about as many resources as asked for, as a large site would have it: networks and volumes shared by
/// containers with a dozen attributes each, in chains of five.
func generateStack(resources count: Int, name: String = "large") throws -> StackDocument {
    var resources: [StackResource] = [try Make.resource("image.app", ["suite": "bookworm"])]
    let groups = max(1, (count - 1) / 10)
    for group in 0..<groups {
        resources.append(
            try Make.resource("network.n\(group)", ["subnet": .string("10.\(group / 250).\(group % 250).0/24")]))
        resources.append(try Make.resource("volume.v\(group)", ["labels": ["group": .int(Int64(group))]]))
        for member in 0..<8 {
            resources.append(try container(group, member))
        }
    }
    return Make.stack(resources, name: name)
}

private func container(_ group: Int, _ member: Int) throws -> StackResource {
    let name = "container.c\(group)-\(member)"
    var environment: JSONObject = [:]
    for number in 0..<6 { environment["VARIABLE_\(number)"] = .string("value \(group) \(number)") }
    if member % 5 > 0 { environment["PEER"] = Make.reference("container.c\(group)-\(member - 1)", "host") }
    return try Make.resource(
        name,
        [
            "image": Make.reference("image.app", "id"), "command": ["serve", "--port", "8080"],
            "env": .object(environment), "labels": ["tier": "web", "group": .int(Int64(group))],
            "networks": [["network": Make.reference("network.n\(group)", "id"), "aliases": [.string("m\(member)")]]],
            "mounts": [["type": "volume", "source": Make.reference("volume.v\(group)", "id"), "target": "/data"]],
            "limits": ["memory": 268_435_456, "nanoCPUs": 500_000_000, "pids": 100],
            "restart": ["policy": "on-failure", "maximumRetryCount": 3], "stopTimeout": 10,
        ],
        after: member % 5 > 0 ? [("container.c\(group)-\(member - 1)", .started)] : [],
        line: 10 + group * 10 + member, lines: ["env.PEER": 3, "limits.memory": 4])
}
