import Diagnostics

/// Reads a Dockerfile from top to bottom.
struct DocumentReader {
    private let source: SourceText
    private var index = 0
    private var directives = DirectiveReader()
    private var comments: [String] = []
    private(set) var document: DockerfileDocument
    private(set) var faults: [SourceFault] = []

    /// So many faults are told, no more.
    private static let mostFaults = 10

    init(_ source: SourceText, name: String) {
        self.source = source
        document = DockerfileDocument(name: name, lines: source.lines.map { source.text($0) })
    }

    private var escape: UInt8 { document.directives.escape.asciiValue ?? UInt8(ascii: "\\") }

    /// Reads everything; what is wrong is in `faults` afterwards.
    mutating func read() {
        do throws(SourceFault) {
            var count = 0
            while let raw = try nextInstruction() {
                count += 1
                take(raw)
                if faults.count >= Self.mostFaults { return }
            }
            guard count > 0 else {
                throw SourceFault(
                    source.bytes.isEmpty ? "the Dockerfile cannot be empty" : "file with no instructions",
                    line: max(1, source.lines.count), column: 1, hint: "begin with FROM")
            }
            guard !document.stages.isEmpty || !faults.isEmpty else {
                throw SourceFault(
                    "dockerfile contains no stages to build", line: source.lines.count, column: 1,
                    hint: "begin a stage with FROM")
            }
        } catch {
            faults.append(error)
        }
    }

    /// All instructions as they are, stages not told apart: what ONBUILD has.
    mutating func readInstructions() -> [Instruction] {
        read()
        faults.removeAll { $0.message == "dockerfile contains no stages to build" }
        return fragments
    }

    private var fragments: [Instruction] = []
    /// Whether instructions need no FROM.
    var isFragment = false

    private mutating func take(_ raw: RawInstruction) {
        let line = raw.line
        let start = source.place(of: line.source(of: raw.keyword.offset))
        let span = SourceSpan(firstLine: start.line, lastLine: line.lastLine, column: start.column)
        let flagSpan = { (word: LineWord) in
            let place = source.place(of: line.source(of: word.offset))
            return SourceSpan(firstLine: place.line, lastLine: place.line, column: place.column)
        }
        do throws(LineFault) {
            switch try InstructionReader(escape: escape).read(raw, span: span, flagSpan: flagSpan) {
            case .from(let from): document.add(StageDeclaration(from: from))
            case .other(let instruction): try add(instruction)
            }
        } catch {
            faults.append(fault(error, raw))
        }
    }

    private mutating func add(_ instruction: Instruction) throws(LineFault) {
        if isFragment {
            fragments.append(instruction)
        } else if document.add(instruction) {
            return
        } else if case .arg = instruction.kind {
            document.globalArguments.append(instruction)
        } else {
            throw LineFault(
                "no build stage in current context", hint: "put FROM before it; only ARG may be there",
                isOfSyntax: true)
        }
    }

    private func fault(_ fault: LineFault, _ raw: RawInstruction) -> SourceFault {
        let first = source.place(of: raw.line.source(of: raw.keyword.offset))
        var place = first
        var length = raw.keyword.text.count
        if let offset = fault.offset {
            place = source.place(of: raw.line.source(of: offset))
            length = fault.length
        } else if let span = fault.span {
            place = (span.firstLine, span.column)
            length = fault.length
        }
        var told = SourceFault(
            fault.message, line: place.line, column: place.column, length: length, hint: fault.hint)
        told.isOfInstruction = !fault.isOfSyntax
        return told
    }
}

extension DocumentReader {
    /// The next instruction with its heredocs; nil at the end.
    private mutating func nextInstruction() throws(SourceFault) -> RawInstruction? {
        while let range = takeLine() {
            let content = trimmedStart(range)
            let bytes = source.bytes[content]
            if bytes.first == UInt8(ascii: "#") {
                try comment(bytes)
                continue
            }
            _ = try directive(bytes)
            guard !bytes.isEmpty else { continue }
            return try instruction(startingWith: content)
        }
        return nil
    }

    private mutating func takeLine() -> Range<Int>? {
        guard index < source.lines.count else { return nil }
        defer { index += 1 }
        return source.lines[index]
    }

    /// A line without its end and without spaces at its start.
    private func trimmedStart(_ range: Range<Int>) -> Range<Int> {
        let end = trimmedEnd(range).upperBound
        let start = source.bytes[range.lowerBound..<end].firstIndex { !$0.isSpace } ?? end
        return start..<end
    }

    private func trimmedEnd(_ range: Range<Int>) -> Range<Int> {
        var end = range.upperBound
        while end > range.lowerBound, source.bytes[end - 1] == 0x0D { end -= 1 }
        return range.lowerBound..<end
    }

    private mutating func comment(_ bytes: ArraySlice<UInt8>) throws(SourceFault) {
        if try directive(bytes) { return }
        let text = bytes.dropFirst().trimmed.text
        // An empty one keeps those before it from describing what follows.
        if text.isEmpty { comments = [] } else if comments.count < 100 { comments.append(text) }
    }

    /// Takes a line as a directive; false where it is none.
    private mutating func directive(_ bytes: ArraySlice<UInt8>) throws(SourceFault) -> Bool {
        do throws(ExpansionFault) {
            guard let (name, value) = try directives.read(bytes) else { return false }
            switch name {
            case "syntax": document.directives.syntax = String(value.split(separator: " ").first ?? "")
            case "check": document.directives.check = try CheckOptions(value)
            default:
                guard value == "\\" || value == "`", let character = value.first else {
                    throw ExpansionFault(message: "invalid escape token '\(value)' does not match ` or \\")
                }
                document.directives.escape = character
            }
            return true
        } catch {
            throw SourceFault(error.message, line: index, column: 1, length: bytes.count)
        }
    }

    /// Joins the lines of an instruction.
    private mutating func instruction(startingWith range: Range<Int>) throws(SourceFault) -> RawInstruction? {
        var line = LogicalLine(firstLine: index)
        var (part, isContinued) = withoutContinuation(range)
        line.append(source.bytes, part)
        var hasEmptyLine = false
        while isContinued, let next = takeLine() {
            let content = trimmedEnd(next)
            let text = source.bytes[content]
            let first = text.first { !$0.isSpace }
            if first == UInt8(ascii: "#") { continue }
            guard first != nil else {
                hasEmptyLine = true
                continue
            }
            (part, isContinued) = withoutContinuation(content)
            line.append(source.bytes, part)
        }
        line.lastLine = index
        if hasEmptyLine {
            document.emptyContinuations.append(SourceSpan(firstLine: line.firstLine, lastLine: line.lastLine))
        }
        guard !line.bytes[...].trimmed.isEmpty else { return try nextInstruction() }
        return try withHeredocs(line)
    }

    /// A line without the escape character at its end, and whether it had one that joins the next line.
    private func withoutContinuation(_ range: Range<Int>) -> (Range<Int>, Bool) {
        var end = range.upperBound
        while end > range.lowerBound, source.bytes[end - 1] == 0x20 || source.bytes[end - 1] == 0x09 { end -= 1 }
        guard end > range.lowerBound, source.bytes[end - 1] == escape else { return (range, false) }
        // One that is escaped itself joins nothing.
        guard end - 1 == range.lowerBound || source.bytes[end - 2] != escape else { return (range, false) }
        return (range.lowerBound..<end - 1, true)
    }

    private mutating func withHeredocs(_ joined: LogicalLine) throws(SourceFault) -> RawInstruction {
        var line = joined
        let start = source.place(of: line.source(of: 0))
        do throws(LineFault) {
            var raw = try RawInstruction(line, escape: escape)
            raw.comments = comments
            comments = []
            guard raw.takesHeredocs else { return raw }
            var heredocs: [Heredoc]
            do throws(ExpansionFault) {
                heredocs = try HeredocReader.heredocs(in: String(decoding: line.bytes, as: UTF8.self))
            } catch {
                throw LineFault(error.message, isOfSyntax: true)
            }
            for position in heredocs.indices {
                guard let content = content(of: heredocs[position]) else {
                    let mark = find(heredocs[position], in: line)
                    throw LineFault(
                        "unterminated heredoc", at: mark, length: 2 + heredocs[position].name.count,
                        hint: "end it with a line that is \(heredocs[position].name) and nothing else",
                        isOfSyntax: true)
                }
                heredocs[position].content = content
            }
            line.lastLine = index
            raw.line = line
            raw.heredocs = heredocs
            return raw
        } catch {
            var place = start
            if let offset = error.offset { place = source.place(of: line.source(of: offset)) }
            throw SourceFault(
                error.message, line: place.line, column: place.column, length: error.length, hint: error.hint)
        }
    }

    /// Where the mark of a heredoc is, for messages.
    private func find(_ heredoc: Heredoc, in line: LogicalLine) -> Int? {
        line.bytes.indices.dropLast().first {
            guard line.bytes[$0] == 0x3C, line.bytes[$0 + 1] == 0x3C else { return false }
            let rest = line.bytes[($0 + 2)...].drop { $0 == 0x2D || $0 == 0x22 || $0 == 0x27 || $0.isSpace }
            return rest.starts(with: heredoc.name.utf8)
        }
    }

    /// The lines up to a heredoc's end; nil where there is none.
    private mutating func content(of heredoc: Heredoc) -> String? {
        let name = Array(heredoc.name.utf8)
        let start = index
        while let line = takeLine() {
            var end = source.bytes[trimmedEnd(line)]
            if heredoc.stripsTabs { end = end.drop { $0 == 0x09 } }
            guard end.elementsEqual(name) else { continue }
            guard start < index - 1 else { return "" }
            let from = source.lines[start].lowerBound
            // The line feed before the end belongs to the content.
            return String(decoding: source.bytes[from..<line.lowerBound], as: UTF8.self)
        }
        return nil
    }
}
