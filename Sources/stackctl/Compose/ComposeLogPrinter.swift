import HTTP

/// Prints what several containers print, line by line, each with the container's name before it.
///
/// A line is kept until it is whole, so that those of two containers do not run into each other.
actor ComposeLogPrinter {
    /// How lines look.
    struct Style: Sendable, Equatable {
        /// Whether names are put before lines (`--no-log-prefix`).
        var hasPrefix = true
        /// Whether names have colours (`--no-color`).
        var hasColor = false
    }

    private struct Source {
        var color: String
        /// What is not a whole line yet.
        var begun: [StreamFrame.Stream: [UInt8]] = [:]
    }

    /// The colours of the names, in the order that Docker gives them out: cyan, yellow, green, magenta, blue, then bold.
    private static let colors = ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"]
    /// Bytes of a line that are kept at most.
    private static let longestLine = 1 << 20
    private static let newline: UInt8 = 0x0A

    private let output: Output
    private let style: Style
    private var sources: [String: Source] = [:]
    private var width = 0

    init(output: Output, style: Style) {
        self.output = output
        self.style = style
    }

    /// Makes a name known, so that the prefixes of all are as wide as the longest.
    func register(_ name: String) {
        guard sources[name] == nil else { return }
        sources[name] = Source(color: Self.colors[sources.count % Self.colors.count])
        width = max(width, name.count + 1)
    }

    /// Takes what a container printed to one of its streams.
    func take(_ frame: StreamFrame, of name: String) {
        register(name)
        var text = sources[name]?.begun[frame.stream] ?? []
        text += frame.bytes
        var lines: [UInt8] = []
        var rest = text[...]
        while let end = rest.firstIndex(of: Self.newline) {
            lines += prefix(name) + rest[...end]
            rest = rest[rest.index(after: end)...]
        }
        if rest.count > Self.longestLine {
            lines += prefix(name) + rest + [Self.newline]
            rest = []
        }
        sources[name]?.begun[frame.stream] = rest.isEmpty ? nil : Array(rest)
        write(lines, frame.stream)
    }

    /// Ends the lines that a container has begun.
    func finish(_ name: String) {
        for (stream, bytes) in sources[name]?.begun ?? [:] where !bytes.isEmpty {
            write(prefix(name) + bytes + [Self.newline], stream)
        }
        sources[name]?.begun = [:]
    }

    /// Prints a line of our own.
    func say(_ line: String) { output.print(line) }

    private func write(_ bytes: [UInt8], _ stream: StreamFrame.Stream) {
        guard !bytes.isEmpty else { return }
        output.write(StreamFrame(stream: stream, bytes: bytes))
    }

    /// `web-1  | `.
    private func prefix(_ name: String) -> [UInt8] {
        guard style.hasPrefix else { return [] }
        let text = name + String(repeating: " ", count: max(0, width - name.count)) + " | "
        guard style.hasColor, let color = sources[name]?.color else { return Array(text.utf8) }
        return Array("\u{1B}[\(color)m\(text)\u{1B}[0m".utf8)
    }
}
