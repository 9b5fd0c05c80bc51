import HTTP
import Linux

/// How often and after what wait a request is made again.
package struct RetryPolicy: Sendable, Hashable {
    /// Tries of one request; of a download, tries without progress.
    package var attempts = 5
    /// The wait before the second try; each later one is twice as long.
    package var first = Duration.milliseconds(500)
    /// The longest wait of our own choice.
    package var longest = Duration.seconds(15)
    /// The longest wait a server may ask for by `Retry-After`; one that asks for more is not asked again.
    package var longestAsked = Duration.seconds(60)

    /// The defaults.
    package init() {}

    /// The wait before try `attempt` (2 is the first repetition): exponential, with half of it by chance so that many
    /// clients of one server do not come back together.
    func delay(before attempt: Int, random: Double = Double.random(in: 0..<1)) -> Duration {
        let doublings = min(max(0, attempt - 2), 20)
        let full = min(first * (1 << doublings), longest)
        return full / 2 + full * (random / 2)
    }

    /// The wait before try `attempt`, given the response to the last one; nil when it is not worth it.
    func delay(before attempt: Int, headers: HTTPHeaders) -> Duration? {
        guard attempt <= attempts else { return nil }
        guard let asked = Self.retryAfter(headers["Retry-After"], now: Clock.now()) else {
            return delay(before: attempt)
        }
        return asked <= longestAsked ? max(asked, .zero) : nil
    }

    /// Statuses that may be gone a moment later.
    static func isTransient(_ status: Int) -> Bool {
        [408, 429, 500, 502, 503, 504].contains(status)
    }

    /// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date.
    static func retryAfter(_ text: String?, now: Timestamp) -> Duration? {
        guard let text else { return nil }
        if !text.isEmpty, text.utf8.count <= 9, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
            return Int64(text).map { .seconds($0) }
        }
        return date(text).map { $0.since(now) }
    }

    /// Reads `Fri, 02 Jan 2026 03:04:05 GMT`.
    private static func date(_ text: String) -> Timestamp? {
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z")
    }
}
