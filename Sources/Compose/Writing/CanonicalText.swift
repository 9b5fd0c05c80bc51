import JSONText
import YAMLText

extension ComposeProject {
    /// What `config` prints in YAML: members sorted as Docker's does, two spaces of indentation.
    package func yaml() -> String {
        let writer = CanonicalYAML(doublesDollars: isInterpolated)
        var members: [(key: String, value: YAMLNode)] = []
        if !name.isEmpty { members.append(("name", .string(name))) }
        members.append(("services", writer.node(services, .each(.service))))
        for (key, map, shape) in sections where !map.isEmpty { members.append((key, writer.node(map, .each(shape)))) }
        for entry in extensions.entries.sorted(by: { YAMLWriter.precedes($0.key, $1.key) }) {
            members.append((entry.key, writer.node(entry.value, .any)))
        }
        return YAMLWriter.text(.map(members))
    }

    /// What `config --format json` prints.
    package var json: JSONValue {
        let writer = CanonicalJSON(doublesDollars: isInterpolated)
        var members: [(String, JSONValue)] = [
            ("name", .string(name)), ("services", writer.value(services, .each(.service))),
        ]
        for (key, map, shape) in sections where !map.isEmpty { members.append((key, writer.value(map, .each(shape)))) }
        for entry in extensions.entries { members.append((entry.key, writer.value(entry.value, .any))) }
        return .object(JSONObject(members).sortedByKey())
    }

    private var sections: [(key: String, map: ComposeMap, shape: CanonicalShape)] {
        [
            ("networks", networks, .network), ("volumes", volumes, .volume), ("secrets", secrets, .file),
            ("configs", configs, .file), ("models", models, .model),
        ]
    }
}
