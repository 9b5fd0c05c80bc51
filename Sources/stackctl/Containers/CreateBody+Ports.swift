import Diagnostics
import JSONText
import Linux

extension CreateBody {
    /// Ports that are exposed and published.
    mutating func addPorts() throws(Diagnostic) {
        var exposed: JSONObject = [:]
        var bindings: [String: [JSONValue]] = [:]
        var order: [String] = []
        for text in arguments.values(of: CreateOptions.publish) {
            for published in try PublishedPort.parse(text) {
                if bindings[published.port] == nil { order.append(published.port) }
                bindings[published.port, default: []].append(published.binding)
                exposed[published.port] = [:]
            }
        }
        for text in arguments.values(of: CreateOptions.expose) {
            let (ports, given) = CommaSeparated.cut(text, at: "/")
            let proto = given.map { $0.isEmpty ? "tcp" : $0.lowercased() } ?? "tcp"
            guard ["tcp", "udp", "sctp"].contains(proto), let range = PublishedPort.range(ports) else {
                throw FlagProblem.sentence(
                    "invalid range format for --expose: \(text)", hint: "write --expose 8000-8010/tcp")
            }
            for port in range { exposed["\(port)/\(proto)"] = [:] }
        }
        if !exposed.isEmpty { set("ExposedPorts", .object(exposed)) }
        if !order.isEmpty {
            setHost("PortBindings", .object(JSONObject(order.map { ($0, .array(bindings[$0] ?? [])) })))
        }
        setHost("PublishAllPorts", flag(CreateOptions.publishAll))
    }
}

/// One port of a container and where it is published, from `[ip:][host[-range]:]container[-range][/proto]`.
struct PublishedPort: Equatable {
    /// `80/tcp`.
    let port: String
    /// An address, or empty for all.
    let hostIP: String
    /// A port, a range to choose from, or empty for the daemon's choice.
    let hostPort: String

    var binding: JSONValue { ["HostIp": .string(hostIP), "HostPort": .string(hostPort)] }

    /// Reads what follows `-p`; also `published=8080,target=80,protocol=tcp`.
    ///
    /// - Throws: `Diagnostic` (SC0201) with Docker's sentence.
    static func parse(_ text: String) throws(Diagnostic) -> [PublishedPort] {
        let text = text.contains("=") ? try long(text) : text
        var (ip, hostPort, inside) = split(text)
        let (ports, given) = CommaSeparated.cut(inside, at: "/")
        let proto = (given ?? "").isEmpty ? "tcp" : (given ?? "tcp").lowercased()
        inside = ports
        guard !inside.isEmpty else { throw FlagProblem.sentence("no port specified: \(text)<empty>") }
        guard ["tcp", "udp", "sctp"].contains(proto) else {
            throw FlagProblem.sentence("invalid proto: \(proto)", hint: "it is tcp, udp or sctp")
        }
        if ip.hasPrefix("["), ip.hasSuffix("]") { ip = String(ip.dropFirst().dropLast()) }
        guard ip.isEmpty || IPText.isAddress(ip) else {
            throw FlagProblem.sentence(
                "invalid IP address: \(ip)", hint: "write -p 127.0.0.1:8080:80 or -p [::1]:8080:80")
        }
        guard let range = range(inside) else { throw FlagProblem.sentence("invalid containerPort: \(inside)") }
        guard !hostPort.isEmpty else {
            return range.map { PublishedPort(port: "\($0)/\(proto)", hostIP: ip, hostPort: "") }
        }
        guard let hostRange = PublishedPort.range(hostPort) else {
            throw FlagProblem.sentence("invalid hostPort: \(hostPort)")
        }
        if hostRange.count != range.count {
            guard range.count == 1 else {
                throw FlagProblem.sentence(
                    "invalid ranges specified for container and host Ports: \(inside) and \(hostPort)",
                    hint: "both ranges must be of one length")
            }
            return [PublishedPort(port: "\(range.lowerBound)/\(proto)", hostIP: ip, hostPort: hostPort)]
        }
        return zip(range, hostRange).map { PublishedPort(port: "\($0)/\(proto)", hostIP: ip, hostPort: "\($1)") }
    }

    /// `80` or `80-90`; nil for anything else.
    static func range(_ text: String) -> ClosedRange<Int>? {
        let (first, last) = CommaSeparated.cut(text, at: "-")
        guard let start = UInt16(first), let end = UInt16(last ?? first), start <= end else { return nil }
        return Int(start)...Int(end)
    }

    private static func long(_ text: String) throws(Diagnostic) -> String {
        var words = ["protocol": "tcp", "published": "", "target": ""]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let (key, value) = CommaSeparated.cut(String(part))
            guard let value, !key.isEmpty else {
                throw FlagProblem.sentence("invalid publish opts format (should be name=value but got '\(part)')")
            }
            words[key] = value
        }
        return "\(words["published"] ?? ""):\(words["target"] ?? "")/\(words["protocol"] ?? "tcp")"
    }

    /// The last two parts are ports; an address may have colons itself.
    private static func split(_ text: String) -> (ip: String, host: String, inside: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1: return ("", "", parts[0])
        case 2: return ("", parts[0], parts[1])
        default:
            return (parts.dropLast(2).joined(separator: ":"), parts[parts.count - 2], parts[parts.count - 1])
        }
    }
}
