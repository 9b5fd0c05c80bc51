import Diagnostics

/// What a string must be like.
package struct SchemaText: Sendable {
    /// What is expected, in words.
    let words: String
    /// What is wrong with a text; nil where it is right.
    let problem: @Sendable (String, SourceLocation) -> Diagnostic?

    /// Any string.
    static let any = SchemaText("a string") { _ in true }

    private init(
        _ words: String, candidates: [String] = [], example: String? = nil,
        accepts: @escaping @Sendable (String) -> Bool
    ) {
        self.words = words
        problem = { text, location in
            if accepts(text) { return nil }
            var diagnostic = Diagnostic(
                code: "SC2022", summary: "\"\(ComposePath.shown(text))\" is not allowed", detail: "expected \(words)",
                location: location)
            if let near = nearest(text, among: candidates) {
                diagnostic.hint = "did you mean \"\(near)\"?"
            } else if let example {
                diagnostic.hint = "write it as \"\(example)\""
            }
            return diagnostic
        }
    }

    private init(_ words: String, problem: @escaping @Sendable (String, SourceLocation) -> Diagnostic?) {
        self.words = words
        self.problem = problem
    }

    /// One of these, or what `accepts` takes besides.
    static func one(
        of candidates: [String], orElse form: String? = nil,
        accepts: @escaping @Sendable (String) -> Bool = { _ in false }
    ) -> SchemaText {
        let all = candidates.map { "\"\($0)\"" } + (form.map { [$0] } ?? [])
        let words = all.count > 1 ? all.dropLast().joined(separator: ", ") + " or " + (all.last ?? "") : all.joined()
        return SchemaText(words, candidates: candidates) { candidates.contains($0) || accepts($0) }
    }

    static let duration = SchemaText("a duration such as \"1m30s\"", example: "10s") {
        ComposeDuration.nanoseconds($0) != nil
    }

    static let size = SchemaText("a size such as \"512m\"", example: "512m") { ComposeSize.bytes($0) != nil }

    static let notEmpty = SchemaText("a string that is not empty") { !$0.isEmpty }

    static let ipv4 = SchemaText("an IPv4 address", example: "172.20.0.10") { $0.isEmpty || AddressNotation.isIPv4($0) }

    static let ipv6 = SchemaText("an IPv6 address", example: "fd00::10") { $0.isEmpty || AddressNotation.isIPv6($0) }

    static let address = SchemaText("an address", example: "127.0.0.1") {
        AddressNotation.isIPv4($0) || AddressNotation.isIPv6($0)
    }

    static let subnet = SchemaText("a subnet such as \"172.20.0.0/16\"", example: "172.20.0.0/16") {
        AddressNotation.isSubnet($0)
    }

    static let hardwareAddress = SchemaText("a hardware address", example: "02:42:ac:11:00:02") { text in
        let parts = text.split(whereSeparator: { $0 == ":" || $0 == "-" })
        return text.isEmpty
            || parts.count == 6 && parts.allSatisfy { $0.utf8.count == 2 && $0.allSatisfy(\.isHexDigit) }
    }

    /// Names of containers, as the engine takes them.
    static let containerName = SchemaText(
        "at least two of letters, digits, \"_\", \".\" and \"-\", with a letter or digit first", example: "shop-web"
    ) { text in
        text.utf8.count > 1 && SchemaKey.name.accepts(text) && text.first.map { $0.isLetter || $0.isNumber } == true
    }

    /// Empty, as a variable without a value leaves it, is none.
    static let restart = one(
        of: ["no", "always", "unless-stopped", "on-failure"], orElse: "\"on-failure:COUNT\""
    ) { text in
        text.isEmpty
            || text.hasPrefix("on-failure:") && Int(text.dropFirst("on-failure:".count)).map { $0 >= 0 } == true
    }

    static let pullPolicy = one(
        of: ["always", "never", "missing", "if_not_present", "build", "refresh", "daily", "weekly"],
        orElse: "\"every_DURATION\""
    ) { $0.hasPrefix("every_") && ComposeDuration.nanoseconds(String($0.dropFirst("every_".count))) != nil }

    /// A port that is open within the network: "80", "80-90", "53/udp".
    static let expose = SchemaText("a port such as \"80\" or \"80-90/udp\"", example: "80/tcp") { text in
        (try? PortNotation.ports(text, at: SourceLocation(file: "", line: 0))) != nil && !text.contains(":")
    }

    static let port = SchemaText("a string") { text, location in
        do throws(Diagnostic) {
            _ = try PortNotation.ports(text, at: location)
            return nil
        } catch {
            return error
        }
    }

    static let volume = SchemaText("a string") { text, location in
        do throws(Diagnostic) {
            _ = try VolumeNotation.volume(text, at: location)
            return nil
        } catch {
            return error
        }
    }

    /// `published` of a port: a port or a range of them.
    static let published = SchemaText("a port or a range such as \"8000-8010\"", example: "8080") { text in
        text.isEmpty
            || !text.contains(":") && !text.contains("/")
                && (try? PortNotation.ports(text, at: SourceLocation(file: "", line: 0))) != nil
    }

    /// Names of users, groups and their numbers.
    static let identity = SchemaText("a number in quotes", example: "1000") { text in
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
    }
}
