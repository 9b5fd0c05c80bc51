extension StageEvaluator {
    mutating func expose(_ written: [String]) throws(LineFault) {
        var ports: [String] = []
        for text in written {
            for word in try expansion(text).words {
                ports += try self.ports(word)
                guard ports.count <= 4 * 65536 else { throw LineFault("too many ports in one EXPOSE") }
            }
        }
        var known = Set(settings.exposedPorts)
        settings.exposedPorts += ports.filter { known.insert($0).inserted }
        try finish("EXPOSE \(GoText.list(ports))")
    }

    /// `[[address:]port:]port[-port][/protocol]`; only the last part counts.
    private mutating func ports(_ text: String) throws(LineFault) -> [String] {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let container = parts.last ?? ""
        let host = parts.count > 1 ? parts[parts.count - 2] : ""
        let address = parts.dropLast(2).joined(separator: ":")
        let slash = container.firstIndex(of: "/")
        let range = String(container[..<(slash ?? container.endIndex)])
        let named = slash.map { String(container[container.index(after: $0)...]) } ?? ""
        guard !range.isEmpty else { throw invalid(text, "no port specified") }
        let kind = named.isEmpty ? "tcp" : named.lowercased()
        guard ["tcp", "udp", "sctp"].contains(kind) else { throw invalid(text, "invalid proto: \(named)") }
        if named != named.lowercased() {
            remark(
                .exposeProtoCasing, "Defined protocol '\(text)' in EXPOSE instruction should be lowercase")
        }
        if !address.isEmpty || !host.isEmpty {
            remark(
                .exposeInvalidFormat,
                "EXPOSE instruction should not define an IP address or host-port mapping, found '\(text)'")
        }
        guard let wanted = Self.range(range) else { throw LineFault("invalid containerPort: \(range)") }
        if !host.isEmpty {
            guard let published = Self.range(host) else { throw LineFault("invalid hostPort: \(host)") }
            guard published.count == wanted.count || wanted.count == 1 else {
                throw LineFault("invalid ranges specified for container and host Ports: \(range) and \(host)")
            }
        }
        return wanted.map { "\($0)/\(kind)" }
    }

    private func invalid(_ text: String, _ reason: String) -> LineFault {
        LineFault("invalid port: \(GoText.quoted(text)): \(reason)")
    }

    private static func range(_ text: String) -> ClosedRange<Int>? {
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { UInt16($0) }
        guard let first = ends.first, let low = first, let last = ends.last, let high = last, low <= high else {
            return nil
        }
        return Int(low)...Int(high)
    }
}
