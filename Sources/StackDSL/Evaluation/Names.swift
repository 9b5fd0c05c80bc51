import Diagnostics
import JSONText

/// A name of a container, network or volume, as compose-spec has them for services.
func isResourceName(_ name: String) -> Bool {
    isHostObjectName(name) && name.utf8.count <= 63 && name.utf8.last != UInt8(ascii: "-")
}

/// A name that Docker takes for a container, network or volume.
func isHostObjectName(_ name: String) -> Bool {
    guard let first = name.utf8.first, isAlphanumeric(first), name.utf8.count <= 255 else { return false }
    return name.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
}

/// A name of a stack.
func isStackName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard (1...63).contains(bytes.count), let first = bytes.first, isLowerOrDigit(first),
        bytes.last != UInt8(ascii: "-")
    else { return false }
    return bytes.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
}

func checkName(_ name: String, _ kind: String, _ draft: inout AttributeDraft) {
    guard !isResourceName(name) else { return }
    draft.problems.append(
        Diagnostic(
            code: "SC1109", summary: "\"\(name)\" is no name for a \(kind)",
            hint: "use 1 to 63 letters, digits, '-', '_' and '.', starting with a letter or digit"))
}

func isHostName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 253
        && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            let bytes = Array(label.utf8)
            guard let first = bytes.first, let last = bytes.last, bytes.count <= 63 else { return false }
            return isAlphanumeric(first) && isAlphanumeric(last)
                && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
}

/// What a process can be given: programs have variables of many names, such as "app.mode".
func isEnvironmentName(_ name: String) -> Bool {
    guard let first = name.utf8.first, first != UInt8(ascii: "$") else { return false }
    return name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "=") }
}

func isWord(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
}

/// Debian policy 5.6.1, with an optional `=version` or `/suite`.
func isDebianPackage(_ name: String) -> Bool {
    guard let first = name.utf8.first, isLowerOrDigit(first) else { return false }
    return name.utf8.allSatisfy { isAlphanumeric($0) || "+-.=/:~".utf8.contains($0) }
}

/// The grammar of Docker references: `[host[:port]/]path[:tag][@digest]`.
func isImageReference(_ text: String) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 255 else { return false }
    var rest = text[...]
    if let at = rest.firstIndex(of: "@") {
        let digest = rest[rest.index(after: at)...]
        guard digest.hasPrefix("sha256:"), digest.utf8.count == 71,
            digest.dropFirst(7).allSatisfy({ $0.isHexDigit && !$0.isUppercase })
        else { return false }
        rest = rest[..<at]
    }
    var parts = rest.split(separator: "/", omittingEmptySubsequences: false)
    guard let last = parts.popLast() else { return false }
    let nameAndTag = last.split(separator: ":", omittingEmptySubsequences: false)
    guard let name = nameAndTag.first, nameAndTag.count <= 2 else { return false }
    if nameAndTag.count == 2 {
        let tag = nameAndTag[1]
        guard let first = tag.utf8.first, isAlphanumeric(first) || first == UInt8(ascii: "_"), tag.utf8.count <= 128,
            tag.utf8.allSatisfy({ isAlphanumeric($0) || "_.-".utf8.contains($0) })
        else { return false }
    }
    if parts.count > 0, isRegistryHost(parts[0]) { parts.removeFirst() }
    return (parts + [name]).allSatisfy(isPathComponent)
}

private func isRegistryHost(_ part: Substring) -> Bool {
    guard part.contains(".") || part.contains(":") || part == "localhost" else { return false }
    let halves = part.split(separator: ":", omittingEmptySubsequences: false)
    guard halves.count <= 2, let host = halves.first else { return false }
    return isHostName(String(host)) && (halves.count == 1 || UInt16(halves[1]) != nil)
}

private func isPathComponent(_ part: Substring) -> Bool {
    guard let first = part.utf8.first, let last = part.utf8.last, isLowerOrDigit(first), isLowerOrDigit(last) else {
        return false
    }
    return part.utf8.allSatisfy { isLowerOrDigit($0) || "._-".utf8.contains($0) }
}

/// A relative path without "..", which stays where it is put.
func isPlainRelativePath(_ path: String) -> Bool {
    !path.isEmpty && !path.hasPrefix("/") && !path.hasPrefix("$") && !path.utf8.contains(0)
        && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".."
        }
}

func pathProblems(_ path: String, _ what: String) -> [Diagnostic] {
    guard path.isEmpty || path.utf8.contains(0) else { return [] }
    return [
        Diagnostic(code: "SC1126", summary: "\(what) needs a path", hint: "paths are relative to the stack's folder")
    ]
}

func labelProblem(_ key: String) -> String? {
    if key.isEmpty { return "a label needs a key" }
    if key.hasPrefix("$") { return "the label \"\(key)\" starts with '$', which is reserved for references" }
    if key.hasPrefix("io.stackctl.") {
        return "the label \"\(key)\" is reserved: io.stackctl. is used by stackctl itself"
    }
    return nil
}

func setLabels(_ labels: [String: String], _ draft: inout AttributeDraft) {
    guard !labels.isEmpty else { return }
    for key in labels.keys.sorted() {
        if let problem = labelProblem(key) { draft.problems.append(Diagnostic(code: "SC1120", summary: problem)) }
    }
    draft.set("labels", .object(JSONObject(labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })))
}

/// A signal by name, with or without SIG, or by number.
func isSignal(_ text: String) -> Bool {
    if let number = Int(text) { return (1...64).contains(number) }
    let name = text.uppercased().hasPrefix("SIG") ? String(text.uppercased().dropFirst(3)) : text.uppercased()
    if name.hasPrefix("RTMIN+"), let offset = Int(name.dropFirst(6)) { return (0...30).contains(offset) }
    return [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS", "RTMIN", "RTMAX",
    ].contains(name)
}

private func isLowerOrDigit(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }

func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerOrDigit(byte) || (0x41...0x5A).contains(byte) }

/// "os/architecture", with a variant if wanted.
func isPlatform(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return (1...3).contains(parts.count) && parts.allSatisfy { isWord(String($0)) }
}

/// Values by their names, in an order that does not change.
func sorted(_ values: [String: String]) -> JSONObject {
    JSONObject(values.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
}
