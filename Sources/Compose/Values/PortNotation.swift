import Diagnostics

/// The short notation of ports: `[[ADDRESS:][HOST[-HOST]]:]CONTAINER[-CONTAINER][/PROTOCOL]`.
package enum PortNotation {
    /// The ports of a text in their long notation, each `{mode, host_ip?, target, published?, protocol}`.
    ///
    /// A range of container ports is one each, in the order Docker prints them. A range of host ports for one container
    /// port stays a range.
    ///
    /// - Throws: what is no port, or ranges of different lengths (SC2050).
    package static func ports(_ text: String, at location: SourceLocation) throws(Diagnostic) -> [ComposeNode] {
        let parts = try Parts(text, location)
        var ports: [(key: String, node: ComposeNode)] = []
        for offset in 0..<parts.container.count {
            let target = parts.container.lowerBound + offset
            var members: [(String, ComposeNode.Value)] = [("mode", .string("ingress"))]
            if let address = parts.address { members.append(("host_ip", .string(address))) }
            members.append(("target", .int(Int64(target))))
            if let host = parts.host {
                let isPool = host.count > 1 && parts.container.count == 1
                let published = isPool ? "\(host.lowerBound)-\(host.upperBound)" : String(host.lowerBound + offset)
                members.append(("published", .string(published)))
            }
            members.append(("protocol", .string(parts.proto)))
            let entries = members.map {
                ComposeMap.Entry(key: $0.0, value: ComposeNode($0.1, at: location), location: location)
            }
            ports.append(("\(target)", ComposeNode(.map(ComposeMap(entries)), at: location)))
        }
        return ports.sorted { $0.key < $1.key }.map(\.node)
    }

    private struct Parts {
        var address: String?
        var host: ClosedRange<Int>?
        var container: ClosedRange<Int>
        var proto: String

        init(_ text: String, _ location: SourceLocation) throws(Diagnostic) {
            let problem = PortProblem(text: text, location: location)
            let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            proto = halves.count > 1 ? halves[1].lowercased() : "tcp"
            guard ["tcp", "udp", "sctp"].contains(proto) else {
                throw problem.with("\"\(proto)\" is no protocol", "one of tcp, udp and sctp follows the slash")
            }
            let fields = (halves.first ?? "").split(separator: ":", omittingEmptySubsequences: false)
            container = try problem.range(fields.last ?? "", of: "container")
            let published = fields.count > 1 ? fields[fields.count - 2] : ""
            if fields.count == 2, AddressNotation.isIPv4(published) {
                throw problem.with(
                    "\"\(published)\" is an address, and what follows it may be either port",
                    "write it as ADDRESS:HOST:CONTAINER, such as \"\(published):8080:80\"")
            }
            if !published.isEmpty { host = try problem.range(published, of: "host") }
            if fields.count > 2 {
                address = try problem.address(fields.dropLast(2).joined(separator: ":"))
            }
            if let host, container.count > 1, host.count != container.count {
                throw problem.with(
                    "\(host.count) ports of the host cannot be \(container.count) of the container",
                    "give both ranges the same length")
            }
        }
    }
}

/// Says what is wrong with one port.
private struct PortProblem {
    let text: String
    let location: SourceLocation

    func with(_ detail: String, _ hint: String) -> Diagnostic {
        Diagnostic(
            code: "SC2050", summary: "\"\(ComposePath.shown(text))\" is no port", detail: detail, hint: hint,
            location: location)
    }

    func range(_ field: Substring, of side: String) throws(Diagnostic) -> ClosedRange<Int> {
        let ends = field.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let low = port(ends.first ?? ""), let high = ends.count > 1 ? port(ends[1]) : low else {
            let what = field.isEmpty ? "the \(side)'s port is missing" : "\"\(field)\" is no port of the \(side)"
            throw with(what, "write it as HOST:CONTAINER, such as \"8080:80\", with ports from 1 to 65535")
        }
        guard low <= high else {
            throw with("the range \(field) ends before it begins", "write it as \"\(high)-\(low)\"")
        }
        return low...high
    }

    private func port(_ text: Substring) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 5, text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let port = Int(text),
            (0...65535).contains(port)
        else { return nil }
        return port
    }

    func address(_ text: String) throws(Diagnostic) -> String? {
        if text.isEmpty { return nil }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.count > 2
        let address = isBracketed ? String(text.dropFirst().dropLast()) : text
        guard AddressNotation.isIPv6(address) || !isBracketed && AddressNotation.isIPv4(address) else {
            throw with("\"\(text)\" is no address", "write it as ADDRESS:HOST:CONTAINER, such as \"127.0.0.1:8080:80\"")
        }
        return address
    }
}
