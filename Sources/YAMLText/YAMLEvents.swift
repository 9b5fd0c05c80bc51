import CYAML

/// What a YAML text says, piece by piece.
struct YAMLEvent {
    enum Kind {
        case documentStart
        case scalar(String, isPlain: Bool)
        case alias(String)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
        /// The end of the text.
        case end
        /// What says nothing by itself: the start of the text, the end of a document.
        case other
    }

    var kind: Kind
    var anchor: String?
    var tag: String?
    var mark: YAMLMark
}

/// A libyaml parser over bytes that outlive it.
final class YAMLEvents {
    private let library: yaml_library
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>

    /// A parser of bytes, of which there is at least one; nil without memory for one.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, _ library: yaml_library) {
        self.library = library
        self.bytes = bytes
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard library.parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        library.parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        library.parser_delete(parser)
        parser.deallocate()
    }

    /// The next event.
    ///
    /// After the end or an error there is none to ask for.
    func next() throws(YAMLFailure) -> YAMLEvent {
        var event = yaml_event_t()
        guard library.parser_parse(parser, &event) == 1 else { throw failure() }
        defer { library.event_delete(&event) }
        var result = YAMLEvent(kind: .other, mark: YAMLMark(event.start_mark))
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            result.kind = .documentStart
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: Int(scalar.length)), as: UTF8.self)
            result.kind = .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
            result.anchor = Self.text(scalar.anchor)
            result.tag = Self.text(scalar.tag)
        case YAML_ALIAS_EVENT:
            result.kind = .alias(Self.text(event.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_START_EVENT:
            result.kind = .sequenceStart
            result.anchor = Self.text(event.data.sequence_start.anchor)
            result.tag = Self.text(event.data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT:
            result.kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            result.kind = .mappingStart
            result.anchor = Self.text(event.data.mapping_start.anchor)
            result.tag = Self.text(event.data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT:
            result.kind = .mappingEnd
        case YAML_STREAM_END_EVENT:
            result.kind = .end
        default:
            break
        }
        return result
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func failure() -> YAMLFailure {
        let reason = parser.pointee.problem.map { String(cString: $0) } ?? "it cannot be read"
        switch parser.pointee.error {
        case YAML_MEMORY_ERROR:
            return YAMLFailure("there is no memory for it", kind: .unavailable, at: YAMLMark(parser.pointee.mark))
        case YAML_READER_ERROR:
            return YAMLFailure(reason, at: mark(ofByte: Int(parser.pointee.problem_offset)))
        default:
            let context = parser.pointee.context.map { String(cString: $0) }
            return YAMLFailure(
                reason, at: YAMLMark(parser.pointee.problem_mark), context: context,
                contextMark: context == nil ? nil : YAMLMark(parser.pointee.context_mark))
        }
    }

    /// The place of a byte that is no character: the parser knows its number only.
    private func mark(ofByte offset: Int) -> YAMLMark {
        let before = bytes.prefix(max(0, offset))
        let isWide = before.starts(with: [0xFE, 0xFF]) || before.starts(with: [0xFF, 0xFE])
        let text: String
        if isWide {
            // Good enough for a place: what is no ASCII counts as one character.
            text = String(decoding: before.filter { $0 != 0 && $0 < 0x80 }, as: UTF8.self)
        } else {
            text = String(decoding: before, as: UTF8.self)
        }
        var result = YAMLMark(line: 1, column: 1)
        for scalar in text.unicodeScalars {
            if scalar == "\n" {
                result = YAMLMark(line: result.line + 1, column: 1)
            } else if scalar != "\u{FEFF}" {
                result.column += 1
            }
        }
        return result
    }
}

extension YAMLMark {
    /// libyaml counts from 0.
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
