import Diagnostics

extension LongNotation {
    /// Ports, each with its own element.
    func ports(_ node: ComposeNode) -> ComposeNode {
        guard let list = node.list else { return node }
        return node.with(.list(list.flatMap(port)))
    }

    private func port(_ node: ComposeNode) -> [ComposeNode] {
        guard node.instruction != .reset else { return [node] }
        if let text = node.text {
            do {
                return try PortNotation.ports(text, at: node.location)
            } catch {
                if !isLenient { findings.add(error) }
                return [node]
            }
        }
        let long = change(
            node,
            [
                "target": number, "published": { $0.asText }, "name": { $0.asText },
                "protocol": { $0.string.map { ComposeNode.text($0.lowercased(), at: node.location) } ?? $0 },
            ])
        guard let address = long["host_ip"], let text = address.string, !isLenient || !text.contains("$"),
            !AddressNotation.isIPv4(text), !AddressNotation.isIPv6(text)
        else { return [long] }
        findings.error(
            "SC2207", "`\(text)` is no address", at: address.location, hint: "write one such as 127.0.0.1 or ::1")
        return [long]
    }

    /// A mount of a service.
    func volume(_ node: ComposeNode) -> ComposeNode {
        if let text = node.text {
            do {
                return try VolumeNotation.volume(text, at: node.location)
            } catch {
                if !isLenient { findings.add(error) }
                return node
            }
        }
        return change(
            node,
            [
                "volume": { change($0, ["labels": mapping]) },
                "tmpfs": { change($0, ["size": size, "mode": octal]) },
            ])
    }

    /// A number that a text gives in octal digits.
    private func octal(_ node: ComposeNode) -> ComposeNode {
        node.string.flatMap { Int64($0, radix: 8) }.map { node.with(.int($0)) } ?? node
    }
}
