import HTTP
import Linux

/// Gets files of the web: what ADD and remote build contexts name.
///
/// Every call blocks.
package final class WebFetch: Sendable {
    /// What a server answered.
    package struct Answer: Sendable {
        package var status: Int
        package var headers: HTTPHeaders
    }

    private let transport: Transport

    /// - Parameters:
    ///   - settings: paths of configuration files, which name authorities of hosts; later ones are stronger.
    ///   - isCancelled: asked several times a second while something is waited for.
    /// - Throws: `RegistryError.configuration`.
    package init(
        settings: [String] = [RegistrySettings.path], isCancelled: @escaping @Sendable () -> Bool
    ) throws(RegistryError) {
        transport = Transport(
            settings: try RegistrySettings.load(settings), retry: RetryPolicy(), limits: TransferLimits(),
            isCancelled: isCancelled)
    }

    /// Whether a text is an address that can be got.
    package static func isAddress(_ text: String) -> Bool { WebAddress(text) != nil }

    /// Gets an address, following redirects.
    ///
    /// - Parameters:
    ///   - headers: conditions such as `If-None-Match`.
    ///   - body: gets the body of a 200, in pieces; what it throws ends the call.
    /// - Throws: `RegistryError`, or what `body` throws.
    package func get(
        _ text: String, headers: HTTPHeaders, body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Answer {
        guard let address = WebAddress(text) else {
            throw RegistryError.redirect(
                RequestName(method: "GET", address: text), "this is no http or https address that can be asked for")
        }
        let request = WireRequest(
            method: "GET", address: address, headers: headers,
            trust: transport.settings.trust(for: address.authority))
        let response = try transport.follow(request) { () throws(RegistryError) in .none }
        defer { response.close() }
        let answer = Answer(status: response.status, headers: response.headers)
        guard response.status == 200 else { return answer }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count: Int
            do throws(TransportFailure) {
                count = try response.read(into: buffer)
            } catch {
                throw RegistryError(error, response.name)
            }
            if count == 0 { return answer }
            try body(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
        }
    }
}
