import Diagnostics
import Networking

extension EngineError {
    /// What the network layer refused, with Docker's status, and its words where clients know them.
    static func network(_ error: any Error) -> EngineError {
        guard let diagnostic = error as? Diagnostic else { return .wrapping(error) }
        func said(_ kind: Kind, _ text: String? = nil) -> EngineError {
            let detail = diagnostic.detail.map { ": \($0)" } ?? ""
            return EngineError(kind, text ?? diagnostic.summary + detail, diagnostics: [diagnostic])
        }
        switch diagnostic.code {
        case "SC6012": return said(.forbidden)
        case "SC6015": return said(.conflict)
        case "SC6016", "SC6017", "SC6034", "SC6035", "SC6036", "SC6037", "SC6038": return said(.invalid)
        case "SC6039": return said(.unavailable)
        case "SC6018": return said(.failed, "all predefined address pools have been fully subnetted")
        case "SC6019":
            return said(.forbidden, "invalid pool request: Pool overlaps with other one on this address space")
        case "SC6020": return said(.forbidden)
        case "SC6021":
            return said(.failed, "no available addresses on this network's address pools: \(diagnostic.summary)")
        case "SC6022": return said(.invalid, "no configured subnet contains the address: \(diagnostic.summary)")
        case "SC6023": return said(.forbidden, "Address already in use: \(diagnostic.summary)")
        default: return .wrapping(error)
        }
    }

    /// Why a container's network could not be set up, with Docker's words for a port that is taken.
    static func networkStart(
        _ error: any Error, name: String, endpoint: String, ports: [PublishedPort]
    ) -> EngineError {
        guard let diagnostic = error as? Diagnostic, let reason = bindFailure(diagnostic, ports) else {
            return .network(error)
        }
        return EngineError(
            .failed,
            "failed to set up container networking: driver failed programming external connectivity on endpoint "
                + "\(name) (\(endpoint)): \(reason)", diagnostics: [diagnostic])
    }

    private static func bindFailure(_ diagnostic: Diagnostic, _ ports: [PublishedPort]) -> String? {
        // "port 80/tcp of the host …".
        let words = diagnostic.summary.split(separator: " ")
        guard words.count > 1, words[0] == "port" else { return nil }
        let text = words[1].split(separator: "/").first.flatMap { UInt16($0) }
        let port = ports.first { port in
            text.map { (port.hostPort...max(port.hostPort, port.lastHostPort)).contains($0) } ?? false
        }
        let number = text.map(String.init) ?? String(words[1])
        let address = port.map { $0.isIPv6 ? "[\($0.hostAddressText)]" : $0.hostAddressText } ?? "0.0.0.0"
        let transport = port?.transport.rawValue ?? "tcp"
        switch diagnostic.code {
        case "SC6025", "SC6027": return "Bind for \(address):\(number) failed: port is already allocated"
        case "SC6026":
            let owner = diagnostic.detail.map { " (\($0))" } ?? ""
            return "failed to bind host port \(address):\(number)/\(transport): address already in use\(owner)"
        case "SC6032":
            return "failed to bind host port \(address):\(number)/\(transport): cannot assign requested address"
        default: return nil
        }
    }
}
