import Diagnostics
import HTTP
import JSONText
import Linux

/// `stackctl logs`: what a container printed.
enum LogsCommand {
    private static let follow = OptionDeclaration.flag("follow", "f", "Go on with what it prints from now on")
    private static let tail = OptionDeclaration.value("tail", "n", .text("LINES"), "Only the last lines (default: all)")
    private static let since = OptionDeclaration.value(
        "since", nil, .text("TIME"), "Only lines since a time (2026-01-02T03:04:05Z) or age (10m)")
    private static let until = OptionDeclaration.value("until", nil, .text("TIME"), "Only lines before a time or age")
    private static let timestamps = OptionDeclaration.flag("timestamps", "t", "Put the time before each line")
    private static let details = OptionDeclaration.flag(
        "details", nil, "Put labels and variables that the log driver keeps before each line")

    static let declaration = CommandDeclaration(
        "logs", summary: "Show what a container printed", operands: [SharedOptions.container],
        options: [details, follow, tail, since, until, timestamps], action: run)

    private static func run(_ invocation: Invocation) async throws -> ExitCode {
        let arguments = invocation.arguments
        let name = arguments.operand(0) ?? ""
        let lines = try lines(arguments.value(of: tail))
        let target = Target("containers", name, "logs").with("stdout", true).with("stderr", true)
            .with("follow", arguments.isSet(follow)).with("timestamps", arguments.isSet(timestamps))
            .with("tail", lines).with("details", arguments.isSet(details))
            .with("since", try arguments.value(of: since).map { try PointInTime.unixSeconds($0, option: "--since") })
            .with("until", try arguments.value(of: until).map { try PointInTime.unixSeconds($0, option: "--until") })
        let daemon = try await invocation.daemon()
        let container = try await daemon.get(Target("containers", name, "json").text)
        let isRaw = container["Config"]?["Tty"]?.boolValue ?? false
        let response = try await daemon.open("GET", target.text)
        defer { response.close() }
        var decoder = StreamFrameDecoder()
        while let piece = try await response.body.next() {
            if isRaw {
                invocation.output.write(bytes: piece)
                continue
            }
            for frame in try decoder.decode(piece) { invocation.output.write(frame) }
        }
        return .success
    }

    /// The value of `--tail`, checked.
    static func lines(_ text: String?) throws(Diagnostic) -> String? {
        guard let text, text != "all", Int(text).map({ $0 < 0 }) ?? true else { return text }
        throw Diagnostic(code: "SC0130", summary: "--tail wants a number of lines or `all`, found `\(text)`")
    }
}

extension Output {
    /// Writes one frame of a multiplexed stream to the stream it names.
    func write(_ frame: StreamFrame) {
        switch frame.stream {
        case .stdout, .stdin: write(bytes: frame.bytes)
        case .stderr, .system: writeError(bytes: frame.bytes)
        }
    }
}

/// Times as users write them.
enum PointInTime {
    /// Seconds since 1970 of an RFC 3339 time or its beginning, a number of seconds, or an age such as `90s`, `10m`, `2h`, `1d`.
    static func unixSeconds(_ text: String, option: String, now: Int64 = Clock.now().seconds) throws -> String {
        if Double(text) != nil { return text }
        if let time = Timestamp(abbreviated: text) {
            let nanoseconds = String(time.nanoseconds)
            return "\(time.seconds)." + String(repeating: "0", count: 9 - nanoseconds.count) + nanoseconds
        }
        if let seconds = age(text) { return String(now - seconds) }
        throw Diagnostic(
            code: "SC0131", summary: "\(option): `\(text)` is neither a time nor an age",
            hint: "write 2026-01-02T03:04:05Z, or an age such as 10m or 1h30m")
    }

    /// Seconds of `1h30m`.
    static func age(_ text: String) -> Int64? {
        var total: Int64 = 0
        var digits = ""
        var sawUnit = false
        for character in text {
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
            guard let unit = units[character], let number = Int64(digits) else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: unit)
            let (sum, tooLarge) = total.addingReportingOverflow(product)
            guard !overflow, !tooLarge else { return nil }
            total = sum
            digits = ""
            sawUnit = true
        }
        return sawUnit && digits.isEmpty ? total : nil
    }
}
