import JSONText

/// How a health check looks at its container.
public struct HealthTest: Sendable {
    let words: [String]
    let problem: String?

    /// A command inside the container; exit code 0 is healthy.
    public static func command(_ words: String...) -> HealthTest {
        HealthTest(words: ["CMD"] + words, problem: words.isEmpty ? "the command of the health check is empty" : nil)
    }

    /// A line for the container's `/bin/sh`; exit code 0 is healthy.
    public static func shell(_ line: String) -> HealthTest {
        HealthTest(words: ["CMD-SHELL", line], problem: line.isEmpty ? "the health check's shell line is empty" : nil)
    }

    /// A GET request to the container's own address; a status from 200 to 399 is healthy.
    public static func http(_ path: String, port: UInt16) -> HealthTest { http(path, number: Int64(port)) }

    /// A GET request to a port from a variable, such as an input.
    @_disfavoredOverload
    public static func http(_ path: String, port: some BinaryInteger) -> HealthTest {
        http(path, number: Int64(clamping: port))
    }

    /// None, although the image has one.
    public static let none = HealthTest(words: ["NONE"], problem: nil)

    /// The image's test, for one with other times.
    public static let ofImage = HealthTest(words: [], problem: nil)

    private static func http(_ path: String, number: Int64) -> HealthTest {
        var problem: String?
        if !path.hasPrefix("/") { problem = "the path \"\(path)\" of the health check does not start with \"/\"" }
        if !(1...65535).contains(number) { problem = "a health check cannot use port \(number)" }
        return HealthTest(words: ["HTTP", path, String(number)], problem: problem)
    }
}

/// Tells whether the container does its work.
public struct Healthcheck: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A check, repeated while the container runs.
    ///
    /// - Parameters:
    ///   - test: what is tried.
    ///   - interval: the time between tries.
    ///   - timeout: how long a try may take.
    ///   - retries: how many failures in a row make the container unhealthy.
    ///   - startPeriod: how long failures do not count after the start.
    ///   - startInterval: the time between tries during the start period.
    public init(
        _ test: HealthTest, every interval: Duration? = nil, timeout: Duration? = nil, retries: Int? = nil,
        startPeriod: Duration? = nil, startInterval: Duration? = nil, fileID: String = #fileID, line: Int = #line
    ) {
        var element = BlockElement("Healthcheck", fileID, line)
        var check = JSONObject()
        if !test.words.isEmpty { check["test"] = .array(test.words.map { .string($0) }) }
        if let problem = test.problem { element.problem("SC1119", problem) }
        let times = [
            ("interval", "every:", interval), ("timeout", "timeout:", timeout),
            ("startInterval", "startInterval:", startInterval),
        ]
        for (key, name, value) in times {
            guard let value else { continue }
            check[key] = .int(value.nanoseconds ?? 0)
            if value < .milliseconds(1) || value > .hours(24 * 365) {
                element.problem(
                    "SC1105", "\(name) \(value) is no usable time", hint: "use a positive duration such as .seconds(5)")
            }
        }
        if let retries {
            check["retries"] = .int(Int64(retries))
            if retries < 1 { element.problem("SC1106", "\(retries) is no number of retries", hint: "use 1 or more") }
        }
        if let startPeriod {
            check["startPeriod"] = .int(startPeriod.nanoseconds ?? 0)
            if startPeriod < .zero || startPeriod > .hours(24 * 365) {
                element.problem(
                    "SC1105", "startPeriod: \(startPeriod) is no usable time", hint: "use .zero or more")
            }
        }
        element.changes = [.set("healthcheck", .object(check))]
        self.element = element
    }
}

/// When a container that ended is started again.
public struct RestartPolicy: Sendable {
    let policy: String
    let maximumRetryCount: Int?

    /// Never.
    public static let no = RestartPolicy(policy: "no", maximumRetryCount: nil)
    /// Always, also after the daemon starts.
    public static let always = RestartPolicy(policy: "always", maximumRetryCount: nil)
    /// Always, unless someone stopped it.
    public static let unlessStopped = RestartPolicy(policy: "unless-stopped", maximumRetryCount: nil)

    /// After an exit code other than 0, at most `max` times in a row; without limit when nil.
    public static func onFailure(max: Int? = nil) -> RestartPolicy {
        RestartPolicy(policy: "on-failure", maximumRetryCount: max)
    }
}

/// Starts the container again when it ends.
public struct Restart: ContainerSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A policy.
    public init(_ policy: RestartPolicy, fileID: String = #fileID, line: Int = #line) {
        var value: JSONObject = ["policy": .string(policy.policy)]
        if let count = policy.maximumRetryCount { value["maximumRetryCount"] = .int(Int64(count)) }
        var element = BlockElement("Restart", fileID, line, changes: [.set("restart", .object(value))])
        if let count = policy.maximumRetryCount, count < 1 {
            element.problem("SC1106", "\(count) is no number of restarts", hint: "use 1 or more, or Restart(.no)")
        }
        self.element = element
    }
}

/// Free text for tools, on a container or an image.
public struct Label: ContainerSetting, ImageSetting {
    /// What the element changes.
    public let element: BlockElement

    /// A label.
    public init(_ key: String, _ value: String, fileID: String = #fileID, line: Int = #line) {
        var element = BlockElement(
            "Label", fileID, line, changes: [.insert(map: "labels", key: key, .string(value))])
        if let problem = labelProblem(key) { element.problem("SC1120", problem) }
        self.element = element
    }
}
