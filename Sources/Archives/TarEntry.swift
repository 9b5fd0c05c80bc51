import Linux

/// What an entry of an archive makes.
package enum EntryKind: UInt8, Sendable, Hashable {
    case regular
    case directory
    case symbolicLink
    case hardLink
    case characterDevice
    case blockDevice
    case fifo
}

/// An extended attribute of a file.
package struct ExtendedAttribute: Sendable, Hashable {
    /// The full name, such as `security.capability`.
    package var name: String
    /// The value, which need not be text.
    package var value: [UInt8]

    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// A part of a sparse file that has data.
package struct SparseExtent: Sendable, Hashable {
    /// Where in the file, in bytes.
    package var offset: UInt64
    /// How many bytes.
    package var length: UInt64
}

/// One entry of an archive, checked and normalised.
package struct TarEntry: Sendable, Hashable {
    /// The name's components joined by `/`, with no leading or trailing slash and no `.` or `..`; empty for the root.
    package var path: [UInt8]
    /// What it makes.
    package var kind: EntryKind
    /// Permissions with set-id and sticky bits, 0o7777 at most.
    package var mode: UInt16 = 0o644
    /// The owner.
    package var userID: UInt32 = 0
    /// The group.
    package var groupID: UInt32 = 0
    /// Bytes of a regular file, holes included; 0 for anything else.
    package var size: UInt64 = 0
    /// When the contents changed last.
    package var modified = Timestamp(seconds: 0)
    /// A symbolic link's text as it is, or a hard link's target normalised as `path` is.
    package var linkTarget: [UInt8] = []
    /// A device's number.
    package var device = DeviceNumber(major: 0, minor: 0)
    /// Extended attributes in the archive's order.
    package var attributes: [ExtendedAttribute] = []
    /// The parts with data of a sparse file, ascending; nil when all of it is data.
    package var extents: [SparseExtent]?
    /// Where the entry's first header starts in the uncompressed archive, in bytes.
    package var offset: UInt64 = 0

    package init(path: [UInt8], kind: EntryKind) {
        self.path = path
        self.kind = kind
    }

    /// The name as text for messages.
    package var name: String { String(decoding: path, as: UTF8.self) }
}

/// Bounds on what an archive may ask for.
package struct TarLimits: Sendable, Hashable {
    /// Entries in all, and files and directories in all; each costs memory until the layer is written.
    package var entries = 2_000_000
    /// Bytes of all names, link targets and extended attributes together, which are in memory until the layer is
    /// written.
    package var metadataBytes = 256 << 20
    /// Bytes of a path, as the kernel's `PATH_MAX` without the terminator.
    package var pathBytes = 4095
    /// Bytes of one component, as the kernel's `NAME_MAX`.
    package var componentBytes = 255
    /// Bytes of one entry's extended header.
    package var headerBytes = 1 << 20
    /// Bytes of one entry's extended attributes, as much as an EROFS inode can hold.
    package var attributeBytes = 1 << 16
    /// Extended attributes of one entry.
    package var attributes = 1024
    /// Parts with data of one sparse file.
    package var sparseExtents = 1 << 20
    /// Bytes of all files together, holes included.
    package var totalBytes: UInt64 = 1 << 37
    /// Whether an archive without its end marker counts as truncated.
    package var requiresEndMarker = true
    /// Whether the archive is unpacked in a place that its names cannot lead out of: an absolute name is then one
    /// below that place, and a symbolic link may say anything.
    package var isConfined = false

    package init() {}
}
