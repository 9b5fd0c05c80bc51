import JSONText

/// Docker's `LogConfig`.
enum LogSettings {
    private static let common: Set<String> = ["mode", "max-buffer-size"]
    /// Docker's other drivers.
    private static let absent: Set<String> = [
        "awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "journald", "logentries", "splunk", "syslog",
    ]
    private static let options: [String: Set<String>] = [
        "json-file": [
            "max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag", "cache-disabled",
            "cache-max-size", "cache-max-file", "cache-compress",
        ],
        "local": ["max-size", "max-file", "compress", "labels", "labels-regex", "env", "env-regex", "tag"],
        "none": [],
    ]

    /// Reads driver and options.
    ///
    /// - Throws: Docker's texts for drivers and options there are not.
    static func read(_ log: FieldReader) throws(EngineError) -> (driver: String, options: [String: String]) {
        let type = try log.text("Type")
        let driver = type.isEmpty ? "json-file" : type
        let given = try log.dictionary("Config")
        guard let known = options[driver] else {
            try log.require(
                false,
                absent.contains(driver)
                    ? "logger: no log driver named '\(driver)' is registered"
                    : "error looking up logging plugin \(driver): plugin \"\(driver)\" not found")
            return ("json-file", [:])
        }
        for name in given.keys.sorted() {
            try log.require(
                known.contains(name) || common.contains(name),
                "unknown log opt '\(name)' for \(driver) log driver")
        }
        if let size = given["max-size"], size != "-1" {
            try log.require(HostEngine.bytes(size) != nil, "invalid value for max-size: \(size)")
        }
        if let count = given["max-file"] {
            try log.require(UInt32(count).map { $0 > 0 } ?? false, "max-file cannot be less than 1")
        }
        for name in ["labels-regex", "env-regex"] {
            guard let pattern = given[name], (try? Regex(pattern)) == nil else { continue }
            try log.require(false, "\(name): invalid regular expression: \(pattern)")
        }
        if let mode = given["mode"] {
            try log.require(
                ["blocking", "non-blocking"].contains(mode), "logger: logging mode not supported: \(mode)")
            try log.require(
                mode == "non-blocking" || given["max-buffer-size"] == nil,
                "logger: max-buffer-size option is only supported with 'mode=non-blocking'")
        }
        return (driver, given)
    }
}

/// What `docker logs --details` shows before each line.
package enum LogDetails {
    /// The facts that log options ask for of a container, as `name=value` joined by commas, sorted.
    package static func text(_ specification: ContainerSpecification, id: String, name: String, imageID: String)
        -> String
    {
        let options = specification.logOptions
        var facts: [String: String] = [:]
        func names(_ option: String) -> [String] { (options[option] ?? "").split(separator: ",").map(String.init) }
        for label in names("labels") { if let value = specification.labels[label] { facts[label] = value } }
        let environment = specification.environment
        for variable in names("env") { if let value = environment[variable] { facts[variable] = value } }
        if let pattern = options["labels-regex"] { facts.merge(matching(pattern, specification.labels)) { $1 } }
        if let pattern = options["env-regex"] { facts.merge(matching(pattern, environment)) { $1 } }
        if let tag = options["tag"] {
            facts["tag"] = Self.tag(tag, specification, id: id, name: name, imageID: imageID)
        }
        return facts.sorted { $0.key < $1.key }.map { "\(escaped($0.key))=\(escaped($0.value))" }
            .joined(separator: ",")
    }

    /// The members whose names a regular expression fits.
    private static func matching(_ pattern: String, _ members: [String: String]) -> [String: String] {
        guard let expression = try? Regex(pattern) else { return [:] }
        return members.filter { $0.key.firstMatch(of: expression) != nil }
    }

    /// Docker's template of tags, of which only plain members are used.
    private static func tag(
        _ template: String, _ specification: ContainerSpecification, id: String, name: String, imageID: String
    ) -> String {
        let digest = imageID.split(separator: ":").last.map(String.init) ?? imageID
        let members = [
            "ID": String(id.prefix(12)), "FullID": id, "Name": name, "ImageID": String(digest.prefix(12)),
            "ImageFullID": imageID, "ImageName": specification.image, "DaemonName": "docker",
            "Hostname": specification.hostname,
        ]
        var result = ""
        var rest = template[...]
        while let start = rest.firstRange(of: "{{"), let end = rest[start.upperBound...].firstRange(of: "}}") {
            result += rest[..<start.lowerBound]
            let word = rest[start.upperBound..<end.lowerBound].filter { $0 != " " }
            result += word.hasPrefix(".") ? members[String(word.dropFirst())] ?? "" : ""
            rest = rest[end.upperBound...]
        }
        return result + rest
    }

    /// As in a query: Go's `url.QueryEscape`.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case 0x20: result += "+"
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
