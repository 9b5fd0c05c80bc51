/// The rules for names in an archive that becomes a root file system.
///
/// A name is only ever looked up in the layer's own tree, but a refused name tells the user more than one that is
/// silently moved: absolute names and `..` are errors.
struct ArchivePath {
    let limits: TarLimits

    /// Why a name is refused.
    struct Refusal: Error {
        let reason: String
        let isLimit: Bool
    }

    /// Normalises an entry's name or a hard link's target.
    func normalized(_ raw: [UInt8], what: String = "its name") throws(Refusal) -> [UInt8] {
        guard raw.first != UInt8(ascii: "/") || limits.isConfined else {
            throw Refusal(reason: "\(what) is absolute; names in a layer are relative to the root", isLimit: false)
        }
        guard !raw.contains(0) else { throw Refusal(reason: "\(what) has a NUL byte", isLimit: false) }
        if isNormal(raw) { return raw }
        var result: [UInt8] = []
        result.reserveCapacity(raw.count)
        for component in raw.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            if component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                throw Refusal(reason: "\(what) goes up with `..`, out of the layer", isLimit: false)
            }
            guard component.count <= limits.componentBytes else {
                throw Refusal(
                    reason:
                        "a part of \(what) has \(component.count) bytes; at most \(limits.componentBytes) are allowed",
                    isLimit: true)
            }
            if !result.isEmpty { result.append(UInt8(ascii: "/")) }
            result.append(contentsOf: component)
        }
        guard result.count <= limits.pathBytes else {
            throw Refusal(
                reason: "\(what) has \(result.count) bytes; at most \(limits.pathBytes) are allowed", isLimit: true)
        }
        return result
    }

    /// Most names are normal already; this finds out in one pass and without making an array.
    private func isNormal(_ raw: [UInt8]) -> Bool {
        guard !raw.isEmpty, raw.count <= limits.componentBytes else { return false }
        var startsComponent = true
        for byte in raw {
            if startsComponent, byte == UInt8(ascii: ".") || byte == UInt8(ascii: "/") { return false }
            startsComponent = byte == UInt8(ascii: "/")
        }
        return !startsComponent
    }

    /// Refuses a symbolic link that climbs above the root by `..`, as Docker does.
    func checkSymbolicLink(at path: [UInt8], target: [UInt8]) throws(Refusal) {
        guard !target.isEmpty else { throw Refusal(reason: "the symbolic link has no target", isLimit: false) }
        guard target.count <= limits.pathBytes else {
            throw Refusal(
                reason: "the link's target has \(target.count) bytes; at most \(limits.pathBytes) are allowed",
                isLimit: true)
        }
        guard !target.contains(0) else { throw Refusal(reason: "the link's target has a NUL byte", isLimit: false) }
        if limits.isConfined { return }
        let separator = UInt8(ascii: "/")
        var depth = target.first == separator ? 0 : path.count(where: { $0 == separator })
        for component in target.split(separator: separator) {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            let goesUp = component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")])
            depth += goesUp ? -1 : 1
            // `/..` is `/`: an absolute target cannot leave the root.
            if depth < 0, target.first == separator { depth = 0 }
            guard depth >= 0 else {
                let text = String(decoding: target, as: UTF8.self)
                throw Refusal(reason: "the symbolic link points out of the root, to `\(text)`", isLimit: false)
            }
        }
    }
}
