import Diagnostics
import Linux
import RegistryServer

/// The options of `stackctl registry serve`, from the command line first, then from `STACKCTL_REGISTRY_…`.
struct RegistryServeOptions: Sendable {
    let arguments: ParsedArguments
    let environment: [String: String]

    private static let listen = OptionDeclaration.value(
        "listen", nil, .text("ADDRESS:PORT"), "Where clients connect (default: 127.0.0.1:5000)")
    private static let certificate = OptionDeclaration.value(
        "tls-cert", nil, .path("FILE"), "Speak TLS with this certificate (PEM)")
    private static let key = OptionDeclaration.value("tls-key", nil, .path("FILE"), "The certificate's key (PEM)")
    private static let passwords = OptionDeclaration.value(
        "htpasswd", nil, .path("FILE"), "Users, as `htpasswd -B` writes them")
    private static let token = OptionDeclaration.flag("token", nil, "Issue tokens, as Docker Hub does")
    private static let anonymousPull = OptionDeclaration.flag(
        "anonymous-pull", nil, "Let everybody pull (implies --token)")
    private static let url = OptionDeclaration.value(
        "url", nil, .text("URL"), "How clients reach it, where that is not as it listens")
    private static let proxy = OptionDeclaration.list(
        "proxy", nil, .text("[PREFIX=]URL"), "Keep images of this registry")
    private static let freshness = OptionDeclaration.value(
        "proxy-ttl", nil, .text("TIME"), "How long a tag from there is believed (default: 5m)")
    private static let cacheLimit = OptionDeclaration.value(
        "max-size", nil, .text("SIZE"), "Most bytes kept of other registries, such as 50g")
    private static let blobLimit = OptionDeclaration.value(
        "max-blob", nil, .text("SIZE"), "Most bytes of one blob that is pushed")
    private static let uploadLimit = OptionDeclaration.value(
        "max-uploads", nil, .integer("N"), "Most uploads under way (default: 1000)")
    private static let uploadExpiry = OptionDeclaration.value(
        "upload-expiry", nil, .text("TIME"), "Drop uploads that rest so long (default: 24h)")
    private static let interval = OptionDeclaration.value(
        "gc-interval", nil, .text("TIME"), "Collect garbage so often (default: never)")
    private static let grace = OptionDeclaration.value(
        "gc-grace", nil, .text("TIME"), "Time from a blob to its manifest (default: 1h)")
    private static let untagged = OptionDeclaration.flag(
        "gc-untagged", nil, "Manifests that no tag leads to are garbage")
    private static let metrics = OptionDeclaration.value(
        "metrics", nil, .text("ADDRESS:PORT"), "Where /metrics is read (default: as --listen)")
    private static let noLog = OptionDeclaration.flag("no-access-log", nil, "Do not log each request")
    private static let stopTimeout = OptionDeclaration.value(
        "stop-timeout", nil, .text("TIME"), "Time for requests when it stops (default: 8s)")

    static let all = [
        listen, certificate, key, passwords, token, anonymousPull, url, proxy, freshness, cacheLimit, blobLimit,
        uploadLimit, uploadExpiry, interval, grace, untagged, metrics, noLog, stopTimeout,
    ]

    // MARK: Values

    private static func variable(_ option: OptionDeclaration) -> String {
        "STACKCTL_REGISTRY_" + option.long.uppercased().replacing("-", with: "_")
    }

    private func fromEnvironment(_ option: OptionDeclaration) -> String? {
        environment[Self.variable(option)].flatMap { $0.isEmpty ? nil : $0 }
    }

    func value(of option: OptionDeclaration) -> String? {
        arguments.value(of: option) ?? fromEnvironment(option)
    }

    private func isSet(_ option: OptionDeclaration) throws(Diagnostic) -> Bool {
        if arguments.isSet(option) { return true }
        switch fromEnvironment(option)?.lowercased() {
        case nil, "0", "false", "no": return false
        case "1", "true", "yes": return true
        case let other?: throw bad(option, other, "1 or 0")
        }
    }

    func duration(of option: OptionDeclaration) throws(Diagnostic) -> Duration? {
        guard let text = value(of: option) else { return nil }
        guard let duration = QuantityText.duration(text) else { throw bad(option, text, "a time such as 90s, 5m, 24h") }
        return duration
    }

    private func size(of option: OptionDeclaration) throws(Diagnostic) -> Int64? {
        guard let text = value(of: option) else { return nil }
        guard let size = QuantityText.bytes(text) else { throw bad(option, text, "a size such as 500m or 50g") }
        return size
    }

    private func address(of option: OptionDeclaration) throws(Diagnostic) -> (IPAddress, UInt16)? {
        guard let text = value(of: option) else { return nil }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw bad(option, text, "ADDRESS:PORT, such as 127.0.0.1:5000, :5000 or [::1]:5000")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        if host.isEmpty { return (.any, port) }
        guard let address = IPAddress(host == "localhost" ? "127.0.0.1" : String(host)) else {
            throw bad(option, text, "ADDRESS:PORT with an IP address, such as 127.0.0.1:5000")
        }
        return (address, port)
    }

    private func bad(_ option: OptionDeclaration, _ text: String, _ expected: String) -> Diagnostic {
        let name = arguments.isSet(option) ? "option `--\(option.long)`" : "variable `\(Self.variable(option))`"
        return Diagnostic(code: "SC0106", summary: "\(name): \(expected) is expected, found `\(text)`")
    }

    // MARK: The configuration

    func configuration() throws(Diagnostic) -> RegistryConfiguration {
        var configuration = RegistryConfiguration()
        if let (address, port) = try address(of: Self.listen) {
            configuration.address = address
            configuration.port = port
        }
        configuration.certificate = value(of: Self.certificate)
        configuration.key = value(of: Self.key)
        configuration.passwordFile = value(of: Self.passwords)
        configuration.issuesTokens = try isSet(Self.token)
        configuration.anonymousPull = try isSet(Self.anonymousPull)
        configuration.publicAddress = try publicAddress()
        configuration.uploadLimit = value(of: Self.uploadLimit).flatMap { Int($0) } ?? configuration.uploadLimit
        configuration.uploadExpiry = try duration(of: Self.uploadExpiry) ?? configuration.uploadExpiry
        configuration.blobLimit = try size(of: Self.blobLimit) ?? 0
        configuration.collectionInterval = try duration(of: Self.interval)
        configuration.grace = try duration(of: Self.grace) ?? configuration.grace
        configuration.collectsUntagged = try isSet(Self.untagged)
        configuration.metricsAddress = try address(of: Self.metrics)
        configuration.logsRequests = !(try isSet(Self.noLog))
        configuration.stopPatience = try duration(of: Self.stopTimeout) ?? configuration.stopPatience
        try setUpstreams(&configuration)
        try check(configuration)
        return configuration
    }

    private func publicAddress() throws(Diagnostic) -> String? {
        guard var url = value(of: Self.url) else { return nil }
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), !url.contains("\"") else {
            throw bad(Self.url, url, "an address such as https://registry.example")
        }
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }

    private func setUpstreams(_ configuration: inout RegistryConfiguration) throws(Diagnostic) {
        var texts = arguments.values(of: Self.proxy)
        if texts.isEmpty { texts = (fromEnvironment(Self.proxy) ?? "").split(separator: " ").map(String.init) }
        for text in texts { configuration.upstreams.append(try Upstream(text)) }
        configuration.freshness = try duration(of: Self.freshness) ?? configuration.freshness
        configuration.cacheLimit = try size(of: Self.cacheLimit) ?? 0
    }

    private func check(_ configuration: RegistryConfiguration) throws(Diagnostic) {
        guard (configuration.certificate == nil) == (configuration.key == nil) else {
            throw Diagnostic(
                code: "SC4212", summary: "--tls-cert and --tls-key need each other", hint: "give both, or none")
        }
        if configuration.passwordFile == nil, configuration.issuesTokens || configuration.anonymousPull {
            throw Diagnostic(
                code: "SC4213", summary: "--token and --anonymous-pull mean nothing without users",
                hint: "name a file of users: --htpasswd FILE")
        }
    }
}
