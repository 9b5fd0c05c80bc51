/// A word and where in its line it is.
struct LineWord: Hashable {
    var text: String
    var offset: Int
}

/// Takes lines apart in the ways instructions have.
enum LineWords {
    /// Words between spaces, nothing else said.
    static func plain(_ line: ArraySlice<UInt8>) -> [LineWord] {
        line.split(whereSeparator: \.isSpace).map { LineWord(text: $0.text, offset: $0.startIndex) }
    }

    /// The first word and what is after the spaces that follow it.
    static func first(_ line: ArraySlice<UInt8>) -> (word: ArraySlice<UInt8>, rest: ArraySlice<UInt8>) {
        let line = line.trimmed
        let word = line.prefix { !$0.isSpace }
        return (word, line[word.endIndex...].trimmed)
    }

    /// Words between spaces that are neither quoted nor escaped; quotes and escapes are kept.
    static func quoted(_ line: ArraySlice<UInt8>, escape: UInt8) -> [LineWord] {
        var words: [LineWord] = []
        var position = line.startIndex
        while position < line.endIndex {
            guard !line[position].isSpace else {
                position += 1
                continue
            }
            let start = position
            let word = quotedWord(line, &position, escape)
            if let word { words.append(LineWord(text: word, offset: start)) }
        }
        return words
    }

    private static func quotedWord(_ line: ArraySlice<UInt8>, _ position: inout Int, _ escape: UInt8) -> String? {
        var bytes: [UInt8] = []
        var quote: UInt8?
        var wasQuoted = false
        while position < line.endIndex {
            let byte = line[position]
            if let open = quote {
                if byte == open { quote = nil }
                if byte == escape, open != UInt8(ascii: "'") {
                    // At the end it escapes nothing, and is left out.
                    guard position + 1 < line.endIndex else {
                        position += 1
                        break
                    }
                    bytes.append(byte)
                    position += 1
                }
            } else {
                if byte.isSpace { break }
                if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                    quote = byte
                    wasQuoted = true
                }
                if byte == escape {
                    guard position + 1 < line.endIndex else {
                        position += 1
                        break
                    }
                    bytes.append(byte)
                    position += 1
                }
            }
            bytes.append(line[position])
            position += 1
        }
        return bytes.isEmpty && !wasQuoted ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// The words at the start that begin with `--`, their quotes and escapes taken away, and what follows.
    static func flags(
        _ line: ArraySlice<UInt8>, escape: UInt8
    ) -> (flags: [LineWord], rest: ArraySlice<UInt8>) {
        var flags: [LineWord] = []
        var position = line.startIndex
        while true {
            while position < line.endIndex, line[position].isSpace { position += 1 }
            guard line[position...].starts(with: [0x2D, 0x2D]) else { return (flags, line[position...].trimmed) }
            let start = position
            let (text, isEmpty) = flag(line, &position, escape)
            if text == "--" { return (flags, line[position...].trimmed) }
            if !isEmpty { flags.append(LineWord(text: text, offset: start)) }
        }
    }

    private static func flag(_ line: ArraySlice<UInt8>, _ position: inout Int, _ escape: UInt8) -> (String, Bool) {
        var bytes: [UInt8] = []
        var quote: UInt8?
        var wasQuoted = false
        while position < line.endIndex {
            let byte = line[position]
            if quote == nil, byte.isSpace { break }
            position += 1
            if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                wasQuoted = true
            } else if byte == quote {
                quote = nil
            } else if byte == escape {
                guard position < line.endIndex else { break }
                bytes.append(line[position])
                position += 1
            } else {
                bytes.append(byte)
            }
        }
        return (String(decoding: bytes, as: UTF8.self), bytes.isEmpty && !wasQuoted)
    }
}
