/// Something mounted into a container.
package struct MountSpecification: Sendable, Hashable {
    /// Where it comes from.
    package enum Kind: String, Sendable, Hashable { case bind, volume, tmpfs, image }

    /// Which part of a request asked for it.
    package enum Origin: String, Sendable, Hashable {
        /// An element of `HostConfig.Mounts`.
        case mounts
        /// An element of `HostConfig.Binds`.
        case binds
        /// A member of `HostConfig.Tmpfs`.
        case tmpfs
        /// A mount of a container named in `HostConfig.VolumesFrom`.
        case volumesFrom
        /// A path of `Config.Volumes`.
        case volumes
    }

    /// How far below a read-only bind nothing can be written.
    package enum ReadOnlyDepth: String, Sendable, Hashable {
        /// In all that is mounted there: what Docker does where the kernel can.
        case everywhere
        /// Not in what is mounted below.
        case top
        /// In all that is mounted there, and nothing may come to it later.
        case forced
    }

    /// The kind.
    package var kind: Kind
    /// A path on the host, a volume's name (empty: made for this container), an image's name, or empty for tmpfs.
    package var source: String
    /// An absolute path in the container, without `.`, doubled or closing slashes.
    package var target: String
    /// Whether writing is refused.
    package var readOnly: Bool
    /// Which part of the request it is of.
    package var origin = Origin.mounts
    /// Docker's `Mode`: what stood behind the last colon of `-v`.
    package var mode = ""
    /// A missing source directory is made.
    package var createsSource = false
    /// bind: how later mounts are seen; empty for `rprivate`.
    package var propagation = ""
    /// bind: whether what is mounted below the source comes along.
    package var isRecursive = true
    /// bind: how far a read-only one is so.
    package var readOnlyDepth = ReadOnlyDepth.everywhere
    /// Whether a new volume takes over what the image has at the target.
    package var copiesImageContent = true
    /// volume, image: the part of it that is mounted; empty for all.
    package var subpath = ""
    /// volume: labels of one that is made for it.
    package var volumeLabels: [String: String] = [:]
    /// volume: options of one that is made for it.
    package var volumeOptions: [String: String] = [:]
    /// bind, volume: whose files are shown as whose.
    package var owners: OwnerMapping?
    /// image: its id.
    package var imageID = ""
    /// tmpfs: its options, as mount(8) has them.
    package var tmpfsOptions: [String] = []
    /// A volume made for this container alone and removed with it (`rm -v`).
    package var isAnonymous = false

    /// A mount.
    package init(_ kind: Kind, source: String, target: String, readOnly: Bool = false) {
        self.kind = kind
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }

    /// The label Docker marks volumes with that were made for one container.
    package static let anonymousLabel = "com.docker.volume.anonymous"
}

/// Two owners that change places in a mount: `idmap=1000` shows root as the owner of what user 1000 of the host owns.
///
/// Written `UID[:GID][@UID[:GID]]`, the host's first; the group is the user's number and the container's side 0 where
/// not given. A dot may stand for each colon, since `-v` has colons of its own.
package struct OwnerMapping: Sendable, Hashable {
    /// The host's user and group.
    package var host: (user: UInt32, group: UInt32) { (hostUser, hostGroup) }
    private var hostUser: UInt32
    private var hostGroup: UInt32
    /// The container's user and group.
    package var container: (user: UInt32, group: UInt32) { (containerUser, containerGroup) }
    private var containerUser: UInt32
    private var containerGroup: UInt32

    /// - Throws: for what is none.
    package init(_ text: String) throws(EngineError) {
        let sides = text.split(separator: "@", omittingEmptySubsequences: false)
        guard sides.count <= 2, let host = sides.first.flatMap({ Self.owner($0) }),
            let container = sides.count == 1 ? (0, 0) : Self.owner(sides[1])
        else {
            throw EngineError(
                .invalid,
                "invalid idmap \"\(text)\": expected UID[:GID] of the host, and behind an @ those of the container, as in idmap=1000:1000@33:33"
            )
        }
        (hostUser, hostGroup) = host
        (containerUser, containerGroup) = container
    }

    private static func owner(_ text: Substring) -> (UInt32, UInt32)? {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "." }.map { UInt32($0) }
        // The last number means no id.
        guard parts.count <= 2, let first = parts.first, let user = first, user != .max else { return nil }
        guard parts.count == 2 else { return (user, user) }
        guard let group = parts[1], group != .max else { return nil }
        return (user, group)
    }

    /// The canonical text.
    package var text: String { "\(hostUser):\(hostGroup)@\(containerUser):\(containerGroup)" }
}
