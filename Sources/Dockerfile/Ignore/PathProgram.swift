/// A pattern of paths in a form that is matched in one pass over the path, however many stars it has.
///
/// The states are places between the pieces; a path is followed from all of them at once.
struct PathProgram: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case byte(UInt8)
        /// `?`: one character but `/`.
        case one
        /// `*`: any characters but `/`.
        case run
        /// `**` at the end: anything.
        case rest
        /// `**/`: nothing, or anything that ends in `/`.
        case directories
        case set([ClosedRange<UInt32>], isNegated: Bool)
    }

    /// What makes a pattern malformed.
    struct Malformed: Error {}

    private(set) var pieces: [Piece] = []
    /// The bytes each match begins with, and ends with: what decides most paths.
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    /// Whether it is `head` and no more.
    private(set) var isLiteral = true
    /// How many slashes each match has; nil where that differs.
    private var slashes: Int?
    /// For `**/` and one name: the name's pattern.
    private var names: [PathProgram] = []

    /// Reads a pattern.
    ///
    /// - Parameter crossesDirectories: whether `**` crosses `/`; in `filepath.Match` it is two stars.
    init(_ text: some Sequence<UInt8>, crossesDirectories: Bool) throws(Malformed) {
        let bytes = Array(text)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "*"):
                guard crossesDirectories, position < bytes.count, bytes[position] == byte else {
                    if pieces.last != .run { pieces.append(.run) }
                    continue
                }
                position += 1
                if position < bytes.count, bytes[position] == UInt8(ascii: "/") { position += 1 }
                let piece = position == bytes.count ? Piece.rest : .directories
                if pieces.last != piece { pieces.append(piece) }
            case UInt8(ascii: "?"): pieces.append(.one)
            case UInt8(ascii: "["): pieces.append(try Self.set(bytes, &position))
            case UInt8(ascii: "\\"):
                guard position < bytes.count else { throw Malformed() }
                pieces.append(.byte(bytes[position]))
                position += 1
            default: pieces.append(.byte(byte))
            }
        }
        summarize()
    }

    private init(pieces: ArraySlice<Piece>) {
        self.pieces = Array(pieces)
        summarize()
    }

    private mutating func summarize() {
        slashes = pieces.reduce(0) { count, piece in
            switch piece {
            case .byte(let byte): count.map { $0 + (byte == UInt8(ascii: "/") ? 1 : 0) }
            case .one, .run: count
            case .rest, .directories, .set: nil
            }
        }
        if pieces.first == .directories {
            let name = PathProgram(pieces: pieces.dropFirst())
            if name.slashes == 0 { names = [name] }
        }
        for piece in pieces {
            guard case .byte(let byte) = piece else {
                isLiteral = false
                break
            }
            head.append(byte)
        }
        guard !isLiteral else { return }
        for piece in pieces.reversed() {
            guard case .byte(let byte) = piece else { break }
            tail.append(byte)
        }
        tail.reverse()
    }

    /// What follows a `[`, up to its `]`.
    private static func set(_ bytes: [UInt8], _ position: inout Int) throws(Malformed) -> Piece {
        var isNegated = false
        if position < bytes.count, bytes[position] == UInt8(ascii: "^") {
            isNegated = true
            position += 1
        }
        var ranges: [ClosedRange<UInt32>] = []
        var isEmpty = true
        while true {
            guard position < bytes.count else { throw Malformed() }
            // A `]` right at the start is malformed, and so is an empty set.
            if bytes[position] == UInt8(ascii: "]"), !isEmpty {
                position += 1
                return .set(ranges, isNegated: isNegated)
            }
            isEmpty = false
            let low = try member(bytes, &position)
            var high = low
            if position < bytes.count, bytes[position] == UInt8(ascii: "-") {
                position += 1
                high = try member(bytes, &position)
            }
            if low <= high { ranges.append(low...high) }
        }
    }

    private static func member(_ bytes: [UInt8], _ position: inout Int) throws(Malformed) -> UInt32 {
        guard position < bytes.count else { throw Malformed() }
        switch bytes[position] {
        case UInt8(ascii: "-"), UInt8(ascii: "]"): throw Malformed()
        case UInt8(ascii: "\\"):
            position += 1
            guard position < bytes.count else { throw Malformed() }
        default: break
        }
        let (scalar, width) = Self.scalar(bytes.span, position)
        position += width
        return scalar
    }

    /// The character at a place and how many bytes it has; what is no UTF-8 is one byte each.
    private static func scalar(_ bytes: Span<UInt8>, _ position: Int) -> (UInt32, Int) {
        let first = bytes[position]
        let width: Int
        switch first {
        case 0xC2...0xDF: width = 2
        case 0xE0...0xEF: width = 3
        case 0xF0...0xF4: width = 4
        default: return (first < 0x80 ? UInt32(first) : 0xFFFD, 1)
        }
        guard position + width <= bytes.count else { return (0xFFFD, 1) }
        var value = UInt32(first) & (0x7F >> UInt32(width))
        for offset in 1..<width {
            let next = bytes[position + offset]
            guard next & 0xC0 == 0x80 else { return (0xFFFD, 1) }
            value = value << 6 | UInt32(next & 0x3F)
        }
        return (value, width)
    }

    /// How far a path must go to be said to match.
    enum Extent {
        /// The whole path.
        case whole
        /// The path or a directory above it.
        case pathOrParent
        /// Something at or below the path.
        case below
    }

    /// Whether a path matches.
    func matches(_ path: Span<UInt8>, _ extent: Extent = .whole) -> Bool {
        if case .pathOrParent = extent {
            if let name = names.first { return name.matchesName(of: path) }
            // Where the match would end is known: at one of the path's slashes.
            if let slashes, !isLiteral {
                guard let end = Self.end(of: slashes, path) else { return false }
                return matches(path.extracting(0..<end))
            }
        }
        guard Self.agree(path, head, extent) else { return false }
        if isLiteral {
            switch extent {
            case .whole: return path.count == head.count
            case .pathOrParent:
                return path.count == head.count || path.count > head.count && path[head.count] == UInt8(ascii: "/")
            case .below: return path.count <= head.count || path[head.count] == UInt8(ascii: "/")
            }
        }
        if case .whole = extent, !Self.ends(path, tail) { return false }
        var states = StateSet(count: pieces.count + 1)
        add(0, &states, atStart: true)
        return run(path, &states, extent)
    }

    /// Whether one of a path's names matches.
    private func matchesName(of path: Span<UInt8>) -> Bool {
        var start = 0
        for index in 0...path.count where index == path.count || path[index] == UInt8(ascii: "/") {
            if matches(path.extracting(start..<index)) { return true }
            start = index + 1
        }
        return false
    }

    /// Where the slash after so many slashes is, or the path's end; nil where it has fewer.
    private static func end(of slashes: Int, _ path: Span<UInt8>) -> Int? {
        var left = slashes
        for index in 0..<path.count where path[index] == UInt8(ascii: "/") {
            if left == 0 { return index }
            left -= 1
        }
        return left == 0 ? path.count : nil
    }

    /// Whether a path begins as it must.
    private static func agree(_ path: Span<UInt8>, _ head: [UInt8], _ extent: Extent) -> Bool {
        if path.count < head.count {
            guard case .below = extent else { return false }
        }
        for index in 0..<min(path.count, head.count) where path[index] != head[index] { return false }
        return true
    }

    private static func ends(_ path: Span<UInt8>, _ tail: [UInt8]) -> Bool {
        guard path.count >= tail.count else { return false }
        let start = path.count - tail.count
        for index in 0..<tail.count where path[start + index] != tail[index] { return false }
        return true
    }

    private func run(_ path: Span<UInt8>, _ states: inout StateSet, _ extent: Extent) -> Bool {
        var position = 0
        while position < path.count {
            if case .pathOrParent = extent, path[position] == UInt8(ascii: "/"), states.contains(pieces.count) {
                return true
            }
            let (scalar, width) = Self.scalar(path, position)
            step(path, position, scalar, width, &states)
            if states.isEmpty { return false }
            position += width
        }
        guard case .below = extent else { return states.contains(pieces.count) }
        // One more name below: what is left after the slash decides.
        if path.count == 0 || states.contains(pieces.count) { return true }
        step(slash.span, 0, UInt32(UInt8(ascii: "/")), 1, &states)
        return !states.isEmpty
    }

    private func step(_ path: Span<UInt8>, _ position: Int, _ scalar: UInt32, _ width: Int, _ states: inout StateSet) {
        var next = StateSet(count: pieces.count + 1)
        for state in states.members where state < pieces.count {
            let isSlash = scalar == UInt32(UInt8(ascii: "/"))
            switch pieces[state] {
            case .byte(let byte):
                guard path[position] == byte else { continue }
                // A character of several bytes is as many pieces.
                guard literal(path, position, width, state) else { continue }
                add(state + width, &next, atStart: false)
            case .one: if !isSlash { add(state + 1, &next, atStart: false) }
            case .run: if !isSlash { add(state, &next, atStart: false) }
            case .rest: add(state, &next, atStart: false)
            case .directories:
                // It stays inside; a slash also ends it.
                next.insert(state)
                if isSlash { add(state + 1, &next, atStart: false) }
            case .set(let ranges, let isNegated):
                if ranges.contains(where: { $0.contains(scalar) }) != isNegated {
                    add(state + 1, &next, atStart: false)
                }
            }
        }
        states = next
    }

    private func literal(_ path: Span<UInt8>, _ position: Int, _ width: Int, _ state: Int) -> Bool {
        guard width > 1 else { return true }
        guard state + width <= pieces.count else { return false }
        for offset in 1..<width {
            guard case .byte(let byte) = pieces[state + offset], byte == path[position + offset] else { return false }
        }
        return true
    }

    /// Adds a state and those that are reached from it without a character.
    private func add(_ state: Int, _ states: inout StateSet, atStart: Bool) {
        var state = state
        while true {
            guard states.insert(state), state < pieces.count else { return }
            switch pieces[state] {
            case .run, .rest, .directories: state += 1
            default: return
            }
        }
    }
}

private let slash: [UInt8] = [UInt8(ascii: "/")]

/// A set of small numbers: two words where they suffice.
private struct StateSet {
    private var low: UInt64 = 0
    private var more: [UInt64]

    init(count: Int) { more = count <= 64 ? [] : [UInt64](repeating: 0, count: (count - 1) / 64) }

    var isEmpty: Bool { low == 0 && more.allSatisfy { $0 == 0 } }

    func contains(_ member: Int) -> Bool {
        member < 64 ? low & (1 << UInt64(member)) != 0 : more[member / 64 - 1] & (1 << UInt64(member % 64)) != 0
    }

    /// Adds a member; false where it was there.
    @discardableResult
    mutating func insert(_ member: Int) -> Bool {
        let bit = UInt64(1) << UInt64(member % 64)
        if member < 64 {
            if low & bit != 0 { return false }
            low |= bit
        } else {
            if more[member / 64 - 1] & bit != 0 { return false }
            more[member / 64 - 1] |= bit
        }
        return true
    }

    var members: Members { Members(word: low, base: 0, rest: more[...]) }

    struct Members: Sequence, IteratorProtocol {
        var word: UInt64
        var base: Int
        var rest: ArraySlice<UInt64>

        mutating func next() -> Int? {
            while word == 0 {
                guard let following = rest.popFirst() else { return nil }
                word = following
                base += 64
            }
            let bit = word.trailingZeroBitCount
            word &= word - 1
            return base + bit
        }
    }
}
