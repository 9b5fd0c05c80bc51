extension JSONParser {
    /// Reads a number at the current position.
    mutating func number() throws(JSONParseError) -> JSONValue {
        let start = position
        var isWhole = true
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits()
        }
        if next == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isWhole = false
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let whole = Int64(text) { return .int(whole) }
        guard let value = Double(text), value.isFinite else {
            throw failure("the number \(text.prefix(40)) is out of range", at: start)
        }
        return .double(value)
    }

    private mutating func digits() throws(JSONParseError) {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        if position == start { throw failure("a digit is missing in a number") }
    }

    /// Reads a string; the current byte is its opening quote.
    mutating func string() throws(JSONParseError) -> String {
        let opening = position
        position += 1
        let start = position
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                let text = try decoded(bytes[start..<position], at: start)
                position += 1
                return text
            case UInt8(ascii: "\\"):
                return try stringWithEscapes(from: start, opening: opening)
            case 0..<0x20:
                throw failure("a control character must be escaped in a string")
            default:
                position += 1
            }
        }
        throw failure("the string that starts here is not closed", at: opening)
    }

    private mutating func stringWithEscapes(from start: Int, opening: Int) throws(JSONParseError) -> String {
        var decodedBytes = Array(bytes[start..<position])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                let text = try decoded(decodedBytes[...], at: start)
                position += 1
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &decodedBytes)
            case 0..<0x20:
                throw failure("a control character must be escaped in a string")
            default:
                decodedBytes.append(byte)
                position += 1
            }
        }
        throw failure("the string that starts here is not closed", at: opening)
    }

    private mutating func escape(into output: inout [UInt8]) throws(JSONParseError) {
        guard let byte = next else { throw failure("the text ends inside an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0C)
        case UInt8(ascii: "n"): output.append(0x0A)
        case UInt8(ascii: "r"): output.append(0x0D)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"): try unicodeEscape(into: &output)
        default: throw failure("\\\(printable(byte)) is not an escape of JSON", at: position - 1)
        }
    }

    private mutating func unicodeEscape(into output: inout [UInt8]) throws(JSONParseError) {
        let unit = try hexUnit()
        var scalar = Unicode.Scalar(0xFFFD as UInt32) ?? " "
        if let single = Unicode.Scalar(unit) {
            scalar = single
        } else if unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        {
            let afterFirst = position
            position += 2
            let second = try hexUnit()
            if (0xDC00...0xDFFF).contains(second),
                let pair = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00))
            {
                scalar = pair
            } else {
                // The second escape is a character of its own.
                position = afterFirst
            }
        }
        output.append(contentsOf: Array(String(Character(scalar)).utf8))
    }

    private mutating func hexUnit() throws(JSONParseError) -> UInt32 {
        guard bytes.count - position >= 4 else { throw failure("four hexadecimal digits must follow \\u") }
        var unit: UInt32 = 0
        for byte in bytes[position..<(position + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure("four hexadecimal digits must follow \\u")
            }
            unit = unit << 4 | UInt32(digit)
        }
        position += 4
        return unit
    }

    private func decoded(_ slice: ArraySlice<UInt8>, at offset: Int) throws(JSONParseError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw failure("the string is not valid UTF-8", at: offset)
        }
        return text
    }
}
