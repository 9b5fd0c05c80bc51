/// Something mounted into a container.
package struct MountSpecification: Sendable, Hashable {
    /// Where it comes from.
    package enum Kind: String, Sendable, Hashable { case bind, volume, tmpfs }

    /// The kind.
    package var kind: Kind
    /// A path on the host, a volume's name (empty: made for this container), or empty for tmpfs.
    package var source: String
    /// An absolute path in the container.
    package var target: String
    /// Whether writing is refused.
    package var readOnly: Bool
    /// Docker's `-v`: a missing source directory is made.
    package var createsSource = false
    /// Whether a new volume takes over what the image has at the target.
    package var copiesImageContent = true
    /// tmpfs: the size in bytes.
    package var tmpfsBytes: Int64?
    /// tmpfs: permission bits.
    package var tmpfsMode: UInt32?
    /// A volume made for this container alone and removed with it (`rm -v`).
    package var isAnonymous = false

    /// A mount.
    package init(_ kind: Kind, source: String, target: String, readOnly: Bool = false) {
        self.kind = kind
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }
}
