/// What `--chmod` makes of a mode: octal, or symbolic as chmod(1) has it.
///
/// Source: chmod(1), setmode(3); BuildKit takes both, with a umask of 0.
struct TransferMode: Sendable, Hashable {
    private enum Change: Sendable, Hashable {
        case set(UInt16)
        case clause(Clause)
    }

    /// `who op perms`, of which several may follow one another.
    private struct Clause: Sendable, Hashable {
        /// The bits of user, group and others that it is about, set-id and sticky bits included.
        var who: UInt16
        var operation: Character
        var bits: UInt16
        /// `X`: execution only where it is a directory or somebody may execute it already.
        var executesIfAny: Bool
        /// `u`, `g` or `o` on the right: what those have.
        var copied: Character?
    }

    private let changes: [Change]

    /// Whether it is a number, which also directories made on the way could get.
    let isOctal: Bool

    /// Why a text is no mode.
    struct Malformed: Error, Hashable { let reason: String }

    init(_ text: String) throws(Malformed) {
        if let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) {
            guard let number = UInt32(text, radix: 8), number <= 0o7777 else {
                throw Malformed(
                    reason: "invalid chmod parameter: '\(text)'. it should be octal string and between 0 and 07777")
            }
            changes = [.set(UInt16(number))]
            isOctal = true
            return
        }
        var changes: [Change] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            changes.append(contentsOf: try Self.clauses(part, of: text))
        }
        self.changes = changes
        isOctal = false
    }

    /// The mode after the change.
    func applied(to mode: UInt16, isDirectory: Bool) -> UInt16 {
        changes.reduce(mode) { mode, change in
            switch change {
            case .set(let bits): bits
            case .clause(let clause): Self.apply(clause, to: mode, isDirectory: isDirectory)
            }
        }
    }

    private static func apply(_ clause: Clause, to mode: UInt16, isDirectory: Bool) -> UInt16 {
        var bits = clause.bits
        if clause.executesIfAny, isDirectory || mode & 0o111 != 0 { bits |= 0o111 }
        if let copied = clause.copied {
            let shift: UInt16 = copied == "u" ? 6 : copied == "g" ? 3 : 0
            let own = (mode >> shift) & 7
            bits = own << 6 | own << 3 | own
        }
        bits &= clause.who
        switch clause.operation {
        case "+": return mode | bits
        case "-": return mode & ~bits
        // What `=` does not name goes; set-id bits of a directory stay unless they are named.
        default: return mode & ~(clause.who & (isDirectory ? 0o1777 : 0o7777)) | bits
        }
    }

    private static func clauses(_ part: Substring, of text: String) throws(Malformed) -> [Change] {
        func bad() -> Malformed {
            Malformed(
                reason:
                    "invalid chmod parameter: '\(text)'. it should be an octal number such as 0755, or changes such "
                    + "as u=rwX,go=rX")
        }
        var rest = part
        var who: UInt16 = 0
        let groups: [Character: UInt16] = ["u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777]
        while let letter = rest.first, let bits = groups[letter] {
            who |= bits
            rest.removeFirst()
        }
        if who == 0 { who = 0o7777 }
        var result: [Change] = []
        while let operation = rest.first {
            guard "+-=".contains(operation) else { throw bad() }
            rest.removeFirst()
            var clause = Clause(who: who, operation: operation, bits: 0, executesIfAny: false, copied: nil)
            while let letter = rest.first, !"+-=".contains(letter) {
                switch letter {
                case "r": clause.bits |= 0o444
                case "w": clause.bits |= 0o222
                case "x": clause.bits |= 0o111
                case "X": clause.executesIfAny = true
                case "s": clause.bits |= 0o6000
                case "t": clause.bits |= 0o1000
                case "u", "g", "o":
                    guard clause.bits == 0, clause.copied == nil else { throw bad() }
                    clause.copied = letter
                default: throw bad()
                }
                rest.removeFirst()
            }
            result.append(.clause(clause))
        }
        guard !result.isEmpty else { throw bad() }
        return result
    }
}
