import Diagnostics
import JSONText

/// What lowering found: errors and warnings, in the order met.
final class LoweringFindings {
    private(set) var all: [Diagnostic] = []

    /// Adds a finding; a warning about the same attribute elsewhere becomes a note of the first one.
    func add(_ diagnostic: Diagnostic) {
        let same = all.firstIndex {
            $0.severity == .warning && $0.code == diagnostic.code && $0.summary == diagnostic.summary
        }
        guard diagnostic.severity == .warning, let same else {
            all.append(diagnostic)
            return
        }
        let place = [diagnostic.location?.description, diagnostic.address].compactMap(\.self).joined(separator: "  ")
        all[same].notes.append("also at \(place)")
    }
}

/// Reads the members of one map of a canonical project and knows which were asked for.
///
/// What nobody asked for is an error in the end: nothing of a file is passed over in silence.
final class MemberReader {
    /// What the map is called: `services.web.deploy`.
    let path: String
    /// Where the map is written.
    let location: SourceLocation
    private let map: ComposeMap
    private let findings: LoweringFindings
    private let address: String?
    private var asked: Set<String> = []
    private var nested: [String: MemberReader] = [:]

    init(
        _ map: ComposeMap, path: String, at location: SourceLocation, _ findings: LoweringFindings,
        address: String? = nil
    ) {
        self.path = path
        self.location = location
        self.map = map
        self.findings = findings
        self.address = address
    }

    /// The member, unless it is absent or null.
    func entry(_ key: String) -> ComposeMap.Entry? {
        asked.insert(key)
        return map.entry(key).flatMap { $0.value.isNull ? nil : $0 }
    }

    /// Where a member is written.
    func location(_ key: String) -> SourceLocation { map.entry(key)?.location ?? location }

    /// Says of members that they are read elsewhere, or before.
    func skip(_ keys: String...) { asked.formUnion(keys) }

    /// The keys in order.
    var keys: [String] { map.keys }

    /// Reports every member nobody asked for.
    func finish() {
        for entry in map.entries where !asked.contains(entry.key) && !entry.key.hasPrefix("x-") {
            refuse(entry.key, "SC2400", "is not known here", hint: "take it out, or report it")
        }
    }
}

/// Findings.
extension MemberReader {
    /// An attribute that cannot be honoured and must not be ignored.
    func refuse(_ key: String, _ code: String, _ reason: String, detail: String? = nil, hint: String? = nil) {
        findings.add(
            Diagnostic(
                code: code, summary: "\(path).\(key) \(reason)", detail: detail, hint: hint, address: address,
                location: location(key)))
    }

    /// An attribute that is not honoured and changes nothing that matters here.
    ///
    /// - Parameter name: the attribute without the service, so that one warning stands for all places.
    func warn(_ key: String, _ code: String, _ name: String, _ reason: String, hint: String? = nil) {
        findings.add(
            Diagnostic(
                severity: .warning, code: code, summary: "\(name) \(reason)", hint: hint, address: address,
                location: location(key)))
    }

    private func wrong(_ entry: ComposeMap.Entry, _ expected: String) {
        findings.add(
            Diagnostic(
                code: "SC2401", summary: "\(path).\(entry.key) must be \(expected)", address: address,
                location: entry.value.location))
    }
}

/// Values.
extension MemberReader {
    /// A text; numbers and truth values are texts, too.
    func text(_ key: String) -> String? {
        guard let entry = entry(key) else { return nil }
        if let text = entry.value.text { return text }
        wrong(entry, "a text")
        return nil
    }

    /// A text that is not empty.
    func given(_ key: String) -> String? { text(key).flatMap { $0.isEmpty ? nil : $0 } }

    /// A whole number, written as one or as a text.
    func integer(_ key: String) -> Int64? {
        guard let entry = entry(key) else { return nil }
        switch entry.value.value {
        case .int(let number): return number
        case .double(let number): if let whole = Int64(exactly: number) { return whole }
        case .string(let text): if let number = Int64(text) { return number }
        default: break
        }
        wrong(entry, "a whole number")
        return nil
    }

    /// A number, written as one or as a text.
    func number(_ key: String) -> Double? {
        guard let entry = entry(key) else { return nil }
        switch entry.value.value {
        case .int(let number): return Double(number)
        case .double(let number): if number.isFinite { return number }
        case .string(let text): if let number = Double(text), number.isFinite { return number }
        default: break
        }
        wrong(entry, "a number")
        return nil
    }

    func flag(_ key: String) -> Bool? {
        guard let entry = entry(key) else { return nil }
        switch entry.value.value {
        case .bool(let flag): return flag
        case .string("true"): return true
        case .string("false"): return false
        default:
            wrong(entry, "true or false")
            return nil
        }
    }

    /// Nanoseconds.
    func duration(_ key: String) -> Int64? {
        guard let entry = entry(key) else { return nil }
        if let nanoseconds = entry.value.text.flatMap(ComposeDuration.nanoseconds) { return nanoseconds }
        wrong(entry, "a duration such as 1m30s")
        return nil
    }

    /// Microseconds, as a number or as a duration.
    func microseconds(_ key: String) -> Int64? {
        guard let entry = entry(key) else { return nil }
        if case .int(let number) = entry.value.value { return number }
        guard let text = entry.value.text else {
            wrong(entry, "a number of microseconds or a duration")
            return nil
        }
        return Int64(text) ?? duration(key).map { $0 / 1_000 }
    }

    /// Bytes.
    func size(_ key: String) -> Int64? {
        guard let entry = entry(key) else { return nil }
        if let bytes = entry.value.text.flatMap(ComposeSize.bytes) { return bytes }
        wrong(entry, "a size such as 64m")
        return nil
    }

    /// A list of texts; nil where it is absent.
    func texts(_ key: String) -> [String]? {
        guard let entry = entry(key) else { return nil }
        let texts = entry.value.list?.map(\.text)
        guard let texts, texts.allSatisfy({ $0 != nil }) else {
            wrong(entry, "a list of texts")
            return nil
        }
        return texts.compactMap(\.self)
    }

    /// A map of texts with the place of each; null values are left out.
    func textMap(_ key: String) -> [(key: String, value: String, location: SourceLocation)] {
        guard let entry = entry(key) else { return [] }
        guard let map = entry.value.map else {
            wrong(entry, "a map")
            return []
        }
        return map.entries.compactMap { member in
            if member.value.isNull { return nil }
            guard let text = member.value.text else {
                wrong(member, "a text")
                return nil
            }
            return (member.key, text, member.location)
        }
    }

    /// The names in a map of texts that have no value, sorted: variables that nothing sets.
    func namesWithoutValue(_ key: String) -> [(name: String, location: SourceLocation)] {
        (entry(key)?.value.map?.entries ?? []).filter(\.value.isNull).sorted { $0.key < $1.key }
            .map { ($0.key, $0.location) }
    }

    /// A map of its own; the same reader each time.
    func reader(_ key: String) -> MemberReader? {
        if let reader = nested[key] { return reader }
        guard let entry = entry(key) else { return nil }
        guard let map = entry.value.map else {
            wrong(entry, "a map")
            return nil
        }
        let reader = MemberReader(map, path: "\(path).\(key)", at: entry.location, findings, address: address)
        nested[key] = reader
        return reader
    }

    /// A list of maps.
    func readers(_ key: String) -> [MemberReader] {
        guard let entry = entry(key) else { return [] }
        guard let elements = entry.value.list else {
            wrong(entry, "a list")
            return []
        }
        return elements.enumerated().compactMap { offset, element in
            guard let map = element.map else {
                wrong(entry, "a list of maps")
                return nil
            }
            return MemberReader(
                map, path: "\(path).\(key)[\(offset)]", at: element.location, findings, address: address)
        }
    }
}
