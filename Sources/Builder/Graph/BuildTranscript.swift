import Linux

/// What a build told, as text: that of `--progress=plain`, its middle left out where it is long.
struct BuildTranscript: Sendable {
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private var isCut = false
    private var shown: Int?
    private var unfinished: [Int: [UInt8]] = [:]
    private static let headLimit = 64 << 10
    private static let tailLimit = 192 << 10
    private static let lineLimit = 4 << 10

    /// Takes what became of a step.
    mutating func add(_ step: BuildEvent.Step, started: Timestamp?) {
        switch step.phase {
        case .waiting: break
        case .started: append("\n#\(step.id) \(step.name)", of: step.id)
        case .cached:
            append("\n#\(step.id) \(step.name)", of: step.id)
            append("#\(step.id) CACHED", of: step.id)
        case .done(let time):
            endLine(of: step.id, started: started)
            append("#\(step.id) DONE \(Self.seconds(since: started, time, digits: 1))s", of: step.id)
        case .failed(let message):
            endLine(of: step.id, started: started)
            append("#\(step.id) ERROR: \(message)", of: step.id)
        case .cancelled:
            endLine(of: step.id, started: started)
            append("#\(step.id) CANCELED", of: step.id)
        }
    }

    /// Takes anything else.
    mutating func add(_ event: BuildEvent, started: (Int) -> Timestamp?) {
        guard case .log(let step, _, let bytes) = event else { return }
        var line = unfinished[step] ?? []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || line.count >= Self.lineLimit {
                unfinished[step] = line
                endLine(of: step, started: started(step))
                line = byte == UInt8(ascii: "\n") ? [] : [byte]
            } else {
                line.append(byte)
            }
        }
        unfinished[step] = line.isEmpty ? nil : line
    }

    private mutating func endLine(of step: Int, started: Timestamp?) {
        guard let line = unfinished.removeValue(forKey: step) else { return }
        let time = Self.seconds(since: started, Clock.now(), digits: 3)
        append("#\(step) \(time) " + String(decoding: line, as: UTF8.self), of: step)
    }

    private mutating func append(_ line: String, of step: Int) {
        if let shown, shown != step, !line.hasPrefix("\n") { add(Array("\n".utf8)) }
        shown = step
        add(Array((line + "\n").utf8))
    }

    private mutating func add(_ bytes: [UInt8]) {
        if !isCut, head.count + bytes.count <= Self.headLimit {
            head += bytes
            return
        }
        isCut = true
        tail += bytes
        // In larger pieces: what is long is not moved for each line.
        if tail.count > Self.tailLimit * 2 { tail = Array(tail.suffix(Self.tailLimit)) }
    }

    /// All of it.
    var text: String {
        let start = String(decoding: head, as: UTF8.self)
        guard isCut else { return start }
        let end = tail.suffix(Self.tailLimit)
        let isWhole = end.count == tail.count
        return start + (isWhole ? "" : "\n[… output left out …]\n") + String(decoding: end, as: UTF8.self)
    }

    /// `1.2`, from one moment to another.
    static func seconds(since start: Timestamp?, _ end: Timestamp, digits: Int) -> String {
        let nanoseconds = max(0, end.since(start ?? end).wholeNanoseconds)
        let unit = digits == 1 ? 100_000_000 : 1_000_000
        let scale = Int64(digits == 1 ? 10 : 1000)
        let count = nanoseconds / Int64(unit)
        let rest = String(count % scale)
        return "\(count / scale)." + String(repeating: "0", count: max(0, digits - rest.count)) + rest
    }
}
