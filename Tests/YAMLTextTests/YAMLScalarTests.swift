import Testing
import YAMLText

@Suite("YAML scalars")
struct YAMLScalarTests {
    @Test(
        "a plain scalar is what yaml.v3 reads it as",
        arguments: [
            ("", YAMLScalar.null), ("~", .null), ("Null", .null), ("nULL", .string), ("true", .bool(true)),
            ("FALSE", .bool(false)), ("yes", .string), ("on", .string), ("y", .string), ("0", .int(0)),
            ("-12", .int(-12)),
            ("+12", .int(12)), ("1_000", .int(1000)), ("0777", .int(511)), ("0o777", .int(511)), ("0x1F", .int(31)),
            ("0b101", .int(5)), ("-0x10", .int(-16)), ("08", .double(8)), ("1.5", .double(1.5)), ("0.5", .double(0.5)),
            ("-0.5", .double(-0.5)), ("0-1", .string), ("0e1", .double(0)), ("0.0.0.0", .string), ("00", .int(0)),
            ("1.", .double(1)),
            (".5", .double(0.5)), ("-.5", .double(-0.5)), ("1e3", .double(1000)), ("1E-2", .double(0.01)),
            (".inf", .double(.infinity)), ("-.Inf", .double(-.infinity)), ("22:22", .string), ("1:2:3", .string),
            ("2001-12-14", .string), ("1.2.3", .string), ("1e", .string), ("+", .string), ("-", .string),
            (".", .string),
            ("0x", .string), ("0xg", .string), ("--1", .string), ("0o-1", .string), ("1e999", .string),
            ("inf", .string),
            ("nan", .string), ("0x1p3", .string), ("<<", .merge), ("9223372036854775807", .int(.max)),
            ("18446744073709551615", .string), ("99999999999999999999", .double(1e20)), ("_1", .string), ("é", .string),
        ])
    func kinds(_ text: String, _ expected: YAMLScalar) {
        #expect(YAMLScalar.resolve(text) == expected)
    }

    @Test(
        "numbers are written as Go writes them",
        arguments: [
            (0.5, "0.5"), (1000, "1000"), (1e6, "1e+06"), (123456, "123456"), (1234567, "1.234567e+06"), (1.1, "1.1"),
            (0.0001, "0.0001"), (0.00001, "1e-05"), (1e100, "1e+100"), (-2.25, "-2.25"), (0, "0"), (1e20, "1e+20"),
            (1.5e-7, "1.5e-07"), (.infinity, "+Inf"), (12.0, "12"),
        ])
    func numbers(_ number: Double, _ expected: String) {
        #expect(YAMLScalar.text(number) == expected)
    }
}
