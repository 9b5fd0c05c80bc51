import JSONText

/// When a container is started again after its process ended.
package struct RestartSettings: Sendable, Hashable {
    /// Docker's policies.
    package enum Name: String, Sendable, Hashable {
        case no
        case always
        case onFailure = "on-failure"
        case unlessStopped = "unless-stopped"
    }

    /// The policy.
    package var name: Name
    /// For `on-failure`: how often at most; 0 is without end.
    package var maximumRetryCount: Int

    /// A policy.
    package init(_ name: Name = .no, maximumRetryCount: Int = 0) {
        self.name = name
        self.maximumRetryCount = maximumRetryCount
    }

    /// Reads Docker's `RestartPolicy`.
    package init(_ reader: FieldReader) throws(EngineError) {
        let text = try reader.text("Name")
        guard let name = Name(rawValue: text.isEmpty ? "no" : text) else {
            throw EngineError(
                .invalid,
                "invalid restart policy: unknown policy '\(text)'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
            )
        }
        let count = Int(try reader.integer("MaximumRetryCount", in: 0...1_000_000) ?? 0)
        try reader.require(
            count == 0 || name == .onFailure,
            "invalid restart policy: maximum retry count can only be used with 'on-failure'")
        self.init(name, maximumRetryCount: count)
    }

    var json: JSONObject { ["Name": .string(name.rawValue), "MaximumRetryCount": .int(Int64(maximumRetryCount))] }
}
