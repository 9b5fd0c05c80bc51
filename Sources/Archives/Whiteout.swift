/// Names that remove something of the layers below.
///
/// Source: OCI image specification, layer.md, "Whiteouts"; overlayfs.rst, "whiteouts and opaque directories".
enum Whiteout {
    /// What an entry's name means.
    enum Meaning: Equatable {
        /// A name of its own.
        case ordinary
        /// The sibling of this name is gone.
        case removes([UInt8])
        /// All that the directory had in lower layers is gone.
        case opaque
        /// A note of an old storage driver.
        case ignored
    }

    /// The attribute by which overlayfs knows an opaque directory.
    static let opaqueAttribute = ExtendedAttribute(name: "trusted.overlay.opaque", value: [UInt8(ascii: "y")])

    static let prefix = Array(".wh.".utf8)
    private static let reserved = Array(".wh..wh.".utf8)
    static let opaqueName = Array(".wh..wh..opq".utf8)

    /// Reads the meaning of an entry's last component.
    static func meaning(of name: ArraySlice<UInt8>, kind: EntryKind) -> Meaning {
        guard name.starts(with: prefix) else { return .ordinary }
        if name.elementsEqual(opaqueName) { return .opaque }
        if name.starts(with: reserved) || kind == .directory { return .ignored }
        return .removes(Array(name.dropFirst(prefix.count)))
    }

    /// Whether the path lies inside a directory of an old storage driver.
    static func isInsideReserved(_ path: [UInt8]) -> Bool {
        let separator = UInt8(ascii: "/")
        var startsComponent = true
        for (index, byte) in path.enumerated() {
            if startsComponent, byte == UInt8(ascii: "."), path[index...].starts(with: reserved) {
                return path[index...].contains(separator)
            }
            startsComponent = byte == separator
        }
        return false
    }
}
