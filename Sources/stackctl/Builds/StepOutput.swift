import Diagnostics

/// Splits what the process of a step writes into lines that are fit for a terminal.
struct StepOutput: Sendable {
    private var pending: [UInt8] = []
    /// A line longer than this is cut in pieces.
    private static let longest = 16 << 10

    /// The lines that are complete with these bytes.
    mutating func take(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == 0x0A || pending.count >= Self.longest {
                lines.append(Self.text(pending))
                pending = []
                if byte == 0x0A { continue }
            }
            pending.append(byte)
        }
        return lines
    }

    /// What came after the last end of a line, at the end of everything.
    mutating func finish() -> [String] {
        defer { pending = [] }
        return pending.isEmpty ? [] : [Self.text(pending)]
    }

    /// A line as a terminal shows it in the end: what a progress bar wrote over is gone, and so are colours.
    static func text(_ bytes: [UInt8]) -> String {
        var line = bytes[...]
        while line.last == 0x0D { line.removeLast() }
        if let last = line.lastIndex(of: 0x0D) { line = line[(last + 1)...] }
        return TerminalText.line(String(decoding: withoutSequences(line), as: UTF8.self).replacing("\t", with: "    "))
    }

    /// Without the control sequences that set colours and move the cursor.
    ///
    /// Source: ECMA-48, 5.4.
    private static func withoutSequences(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard bytes.contains(0x1B) else { return Array(bytes) }
        var result: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == 0x1B, rest.first == UInt8(ascii: "[") else {
                result.append(byte)
                continue
            }
            rest.removeFirst()
            while let next = rest.popFirst(), !(0x40...0x7E).contains(next) {}
        }
        return result
    }
}
