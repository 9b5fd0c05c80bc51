import Diagnostics
import JSONText
import StackModel

extension ContainerSource {
    mutating func writeNetworks() throws(Diagnostic) {
        for var endpoint in try attributes.groups("networks") {
            guard let network = endpoint.take("network") else { throw endpoint.failure("network", "is missing") }
            var call = SourceCall("Attach")
            call.add(try scope.existing(.network, network, "\(endpoint.path).network"))
            let aliases = try endpoint.words("aliases").map { SourceText.literal($0) }
            if !aliases.isEmpty { call.add("aliases", aliases.joined(separator: ", ")) }
            call.add("address", try endpoint.text("address"))
            call.add("address6", try endpoint.text("address6"))
            call.add("macAddress", try endpoint.text("macAddress"))
            call.add("linkLocal", try endpoint.list("linkLocal"))
            call.add("options", try endpoint.dictionary("driverOptions"))
            call.add("gatewayPriority", try endpoint.integer("gatewayPriority"))
            call.add("interfaceName", try endpoint.text("interfaceName"))
            try endpoint.finish()
            lines.append(call.text)
        }
        if let mode = attributes.take("networkMode") {
            lines.append("NetworkMode(\(try namespace(mode, "networkMode", ["host", "none", "bridge"])))")
        }
        write("MACAddress", try attributes.text("macAddress"))
        for text in try attributes.words("extraHosts") {
            let sides = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2 else {
                throw attributes.failure("extraHosts", "has \"\(text)\", which is no host:address")
            }
            lines.append("ExtraHost(\(SourceText.literal(sides[0])), \(SourceText.literal(sides[1])))")
        }
        var resolver = SourceCall("Resolver")
        resolver.add("servers", try attributes.list("dns"))
        resolver.add("search", try attributes.list("dnsSearch"))
        resolver.add("options", try attributes.list("dnsOptions"))
        write(resolver)
        for link in try attributes.values("links") {
            lines.append("Link(\(try scope.text(link, "\(group.address).links")))")
        }
        try writePorts()
    }

    /// `.host`, `.container(db)`, `.container("name")`.
    func namespace(_ value: JSONValue, _ key: String, _ words: [String]) throws(Diagnostic) -> String {
        if let text = value.stringValue {
            if words.contains(text) { return ".\(text)" }
            guard text.hasPrefix("container:") else {
                throw attributes.failure(key, "is \"\(text)\", which is none of \(words.joined(separator: ", "))")
            }
            return ".container(\(SourceText.literal(String(text.dropFirst("container:".count)))))"
        }
        let parts = value["$text"]?.arrayValue ?? []
        guard parts.count == 2, parts[0] == "container:", let reference = StackReference(json: parts[1]),
            reference.address.kind == .container, reference.attribute == "id",
            let variable = scope.names[reference.address]
        else { throw attributes.failure(key, "is no mode of a namespace") }
        return ".container(\(variable)\(reference.address.index.map { "[\($0)]" } ?? ""))"
    }

    private mutating func writePorts() throws(Diagnostic) {
        for var port in try attributes.groups("ports") {
            let published = try port.number("published") ?? 0
            guard let target = try port.number("target") else { throw port.failure("target", "is missing") }
            var call = SourceCall("Publish")
            if let last = try port.number("publishedLast") {
                call.add("anyOf", "\(published)...\(last)")
                call.add("to", "\(target)")
            } else if published == 0 {
                call.add("anyTo", "\(target)")
            } else {
                call.add("\(published)")
                call.add("to", "\(target)")
            }
            let transport = try port.plain("protocol") ?? "tcp"
            if transport != "tcp" { call.add("protocol", ".\(try Self.transport(transport, port))") }
            call.add("on", try port.text("hostAddress"))
            try port.finish()
            lines.append(call.text)
        }
        for port in try attributes.words("expose") {
            lines.append(try Self.expose(port, attributes, "expose"))
        }
    }

    static func transport(_ text: String, _ attributes: SourceAttributes) throws(Diagnostic) -> String {
        guard ["tcp", "udp", "sctp"].contains(text) else {
            throw attributes.failure("protocol", "is \"\(text)\", which is none of tcp, udp, sctp")
        }
        return text
    }

    /// `Expose(80)` of "80/tcp".
    static func expose(_ text: String, _ attributes: SourceAttributes, _ key: String) throws(Diagnostic) -> String {
        let sides = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard let port = sides.first.flatMap({ UInt16($0) }) else {
            throw attributes.failure(key, "has \"\(text)\", which is no port")
        }
        guard sides.count == 2, sides[1] != "tcp" else { return "Expose(\(port))" }
        return "Expose(\(port), protocol: .\(try transport(sides[1], attributes)))"
    }
}
