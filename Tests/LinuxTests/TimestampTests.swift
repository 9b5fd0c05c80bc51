import Testing

@testable import Linux

@Suite("Moments in time")
struct TimestampTests {
    @Test(
        "a moment is written with nine digits and read back the same",
        arguments: [
            (0, 0, "1970-01-01T00:00:00.000000000Z"), (1_767_323_045, 123_456_789, "2026-01-02T03:04:05.123456789Z"),
            (-1, 5, "1969-12-31T23:59:59.000000005Z"), (951_782_400, 0, "2000-02-29T00:00:00.000000000Z"),
            (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
        ] as [(Int64, Int32, String)])
    func roundTrip(seconds: Int64, nanoseconds: Int32, text: String) throws {
        let moment = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        #expect(moment.rfc3339 == text)
        #expect(Timestamp(rfc3339: text) == moment)
    }

    @Test("an offset and a short fraction are understood")
    func offsets() throws {
        #expect(Timestamp(rfc3339: "2026-01-02T05:04:05.5+02:00")?.rfc3339 == "2026-01-02T03:04:05.500000000Z")
        #expect(Timestamp(rfc3339: "2026-01-01t22:04:05-05:00")?.rfc3339 == "2026-01-02T03:04:05.000000000Z")
        #expect(Timestamp(rfc3339: "2026-01-02T03:04:05.1234567891234Z")?.nanoseconds == 123_456_789)
    }

    @Test(
        "what is not a moment is refused",
        arguments: [
            "", "2026", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+0200", "٢026-01-02T03:04:05Z",
        ])
    func refused(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("HTTP dates have English names whatever the locale")
    func httpDate() {
        #expect(Timestamp(seconds: 1_767_323_045).httpDate == "Fri, 02 Jan 2026 03:04:05 GMT")
        #expect(Timestamp(seconds: 0).httpDate == "Thu, 01 Jan 1970 00:00:00 GMT")
    }

    @Test("counts of nanoseconds are exact, before 1970 too, and clamp instead of trapping")
    func nanoseconds() {
        #expect(Timestamp(nanosecondsSinceEpoch: -1).rfc3339 == "1969-12-31T23:59:59.999999999Z")
        #expect(Timestamp(nanosecondsSinceEpoch: .min).nanosecondsSinceEpoch == .min)
        #expect(Timestamp(seconds: .max).nanosecondsSinceEpoch == .max)
        #expect(Timestamp(seconds: .min).nanosecondsSinceEpoch == .min)
        #expect(Timestamp(seconds: 1, nanoseconds: -1) == Timestamp(seconds: 0, nanoseconds: 999_999_999))
        _ = Timestamp(seconds: .max).rfc3339
        _ = Timestamp(seconds: .min).httpDate
    }

    @Test("a time that leaves its end out is the first it can be, in UTC")
    func abbreviated() {
        let day = Timestamp(rfc3339: "2026-01-02T00:00:00Z")
        for text in ["2026-01-02", "2026-01-02T00:00", "2026-01-02T00:00:00", "2026-01-02T00:00:00Z"] {
            #expect(Timestamp(abbreviated: text) == day)
        }
        for text in ["", "2026", "2026-01", "2026-01-02T", "yesterday"] { #expect(Timestamp(abbreviated: text) == nil) }
    }
}
