/// The filters lists of containers have.
extension FilterSet {
    /// Their names.
    package static let forContainers: Set<String> = [
        "ancestor", "before", "exited", "expose", "health", "id", "is-task", "isolation", "label", "label!", "name",
        "network", "publish", "since", "status", "volume",
    ]

    private static let words: [(name: String, values: Set<String>)] = [
        ("status", ["created", "restarting", "running", "removing", "paused", "exited", "dead"]),
        ("health", ["none", "starting", "healthy", "unhealthy"]),
        ("is-task", ["1", "true", "True", "TRUE", "t", "T", "0", "false", "False", "FALSE", "f", "F"]),
    ]

    /// Refuses values that no container can have.
    ///
    /// - Throws: Docker's texts.
    package func checkForContainers() throws(EngineError) {
        for (name, values) in Self.words {
            for value in self[name] where !values.contains(value) {
                throw EngineError(.invalid, "invalid filter '\(name)=\(value)'")
            }
        }
        for value in self["exited"] where Int32(value) == nil {
            throw EngineError(.invalid, "invalid filter 'exited=\(value)'")
        }
        for name in ["expose", "publish"] {
            for value in self[name] where Self.range(value) == nil {
                throw EngineError(.invalid, "invalid filter '\(name)=\(value)'")
            }
        }
    }

    /// Whether `80`, `80/udp` or `8000-8010/tcp` names a port.
    package static func ports(_ text: String, name port: ContainerPort) -> Bool {
        guard let (numbers, transport) = range(text) else { return false }
        return numbers.contains(port.number) && transport == port.transport
    }

    private static func range(_ text: String) -> (numbers: ClosedRange<UInt16>, transport: String)? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let ends = (parts.first ?? "").split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            .map { UInt16($0) }
        guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else { return nil }
        let transport = parts.count == 2 ? parts[1].lowercased() : "tcp"
        return ["tcp", "udp", "sctp"].contains(transport) ? (first...last, transport) : nil
    }
}

/// Docker takes the values of `name` as regular expressions that may fit anywhere, with or without the slash.
package struct NamePatterns {
    private enum Pattern {
        case expression(Regex<AnyRegexOutput>)
        case text(String)
    }

    private let patterns: [Pattern]
    /// A longer one is no pattern anybody types, and its time can grow without end.
    private static let longest = 256

    /// Patterns; what is no regular expression is taken as plain text.
    package init(_ texts: [String]) {
        patterns = texts.map { text in
            guard text.utf8.count <= Self.longest, let expression = try? Regex(text) else { return .text(text) }
            return .expression(expression)
        }
    }

    /// Whether there is no pattern, or one fits.
    package func allow(_ name: String) -> Bool {
        patterns.isEmpty
            || patterns.contains { pattern in
                switch pattern {
                case .text(let text): name.contains(text) || "/\(name)".contains(text)
                case .expression(let expression):
                    name.firstMatch(of: expression) != nil || "/\(name)".firstMatch(of: expression) != nil
                }
            }
    }
}
