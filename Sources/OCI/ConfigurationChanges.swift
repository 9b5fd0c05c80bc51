import JSONText

/// What a manifest's image declares on top of its root file system.
///
/// Absent fields leave the base's value.
package struct ConfigurationChanges: Sendable, Hashable {
    /// Replaces the command.
    package var command: [String]?
    /// Replaces the entrypoint, and drops the base's command where none is given, as Docker does.
    package var entrypoint: [String]?
    /// Added to the environment; a name that is there already is replaced in place.
    package var env: [String: String] = [:]
    /// Replaces the working directory.
    package var workdir: String?
    /// Replaces the user.
    package var user: String?
    /// Added to the labels.
    package var labels: [String: String] = [:]
    /// Added to the exposed ports, such as `80/tcp`.
    package var exposed: [String] = []
    /// Replaces the stop signal.
    package var stopSignal: String?

    package init() {}

    /// Reads the attributes of an image resource; keys that are not configuration, such as `from`, are passed over.
    ///
    /// - Throws: `OCIError`, with the attribute that has a wrong type.
    package init(attributes: JSONObject) throws(OCIError) {
        let fields = FieldReader(document: "image's attributes", object: attributes)
        command = try fields.strings("command")
        entrypoint = try fields.strings("entrypoint")
        env = try fields.dictionary("env")
        workdir = try fields.string("workdir")
        user = try fields.string("user")
        labels = try fields.dictionary("labels")
        exposed = try fields.strings("exposed") ?? []
        stopSignal = try fields.string("stopSignal")
    }

    /// Whether nothing is changed.
    package var isEmpty: Bool { self == ConfigurationChanges() }

    /// The parameters with the changes made.
    package func applied(to base: ExecutionParameters) -> ExecutionParameters {
        var result = base
        if let entrypoint {
            result.entrypoint = entrypoint
            result.command = nil
        }
        if let command { result.command = command }
        for (name, value) in env.sorted(by: { $0.key < $1.key }) {
            let entry = name + "=" + value
            if let index = result.env.firstIndex(where: { $0.hasPrefix(name + "=") }) {
                result.env[index] = entry
            } else {
                result.env.append(entry)
            }
        }
        if let workdir { result.workingDirectory = workdir }
        if let user { result.user = user }
        result.labels.merge(labels) { _, new in new }
        for port in exposed {
            let port = port.contains("/") ? port : port + "/tcp"
            if !result.exposedPorts.contains(port) { result.exposedPorts.append(port) }
        }
        if let stopSignal { result.stopSignal = stopSignal }
        return result
    }
}
