import Builder
import ImageStore
import JSONText
import Linux

/// A file that a container made, changed or removed, as `docker diff` shows it.
package struct FileChange: Sendable, Hashable {
    /// What became of it; the numbers are Docker's.
    package enum Kind: Int64, Sendable, Hashable { case modified = 0, added, deleted }

    /// Where, absolute.
    package var path: String
    /// What became of it.
    package var kind: Kind

    /// Docker's object.
    package var json: JSONObject { ["Path": .string(path), "Kind": .int(kind.rawValue)] }
}

extension HostEngine {
    /// What a container wrote over its image, by path.
    package func changes(of container: Container) async throws -> [FileChange] {
        let upper = upperDirectory(container)
        let scratch = "\(configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
        let empty = emptyDirectory
        return try await withLayers(of: container) { layers in
            try await BlockingExecutor.shared.run {
                guard Files.exists(upper) else { return [] }
                let before = try MergedView.open(layers, scratch: scratch, empty: empty)
                var survey = ChangeSurvey(image: before)
                try survey.run(try Files.open(upper, [.directory]).shared())
                return survey.changes
            }
        }
    }
}

/// Reads what overlayfs keeps of changes.
///
/// Blocks. Works by descriptors, links are never followed.
private struct ChangeSurvey {
    /// Deeper than any real tree; each level takes two descriptors.
    private static let deepest = 400
    /// What a start makes in the root to mount something there, where there is nothing in it.
    private static let mountPlaces: Set<String> = [
        "/dev", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/proc", "/sys",
    ]

    private let image: SharedDescriptor
    private(set) var changes: [FileChange] = []
    private var told: Set<String> = []

    init(image: SharedDescriptor) { self.image = image }

    mutating func run(_ upper: SharedDescriptor) throws {
        try survey(upper, over: image, path: "", depth: 0)
        changes.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    private mutating func note(_ path: String, _ kind: FileChange.Kind, in parent: String) {
        // A directory in which names came or went has changed, whatever its own facts say.
        if kind != .modified, !parent.isEmpty, told.insert(parent).inserted {
            changes.append(FileChange(path: parent, kind: .modified))
        }
        if told.insert(path).inserted { changes.append(FileChange(path: path, kind: kind)) }
    }

    private mutating func survey(
        _ upper: SharedDescriptor, over lower: SharedDescriptor?, path: String, depth: Int
    ) throws {
        guard depth < Self.deepest else {
            throw EngineError(.failed, "directories are nested too deeply to be compared")
        }
        let names = try Files.list(descriptor: upper.raw)
        if let lower, try isOpaque(upper) {
            let kept = Set(names.map(\.nameBytes))
            for old in try Files.list(".", at: lower.raw) where !kept.contains(old.nameBytes) {
                note("\(path)/\(old.name)", .deleted, in: path)
            }
        }
        for entry in names {
            let place = "\(path)/\(entry.name)"
            let new = try Files.status(entry.nameBytes, followLinks: false, at: upper.raw)
            let old = try lower.flatMap {
                try Files.statusIfPresent(entry.nameBytes, followLinks: false, at: $0.raw)
            }
            if new.kind == .characterDevice, new.deviceID == DeviceNumber(major: 0, minor: 0) {
                if old != nil { note(place, .deleted, in: path) }
                continue
            }
            if old == nil, Self.mountPlaces.contains(place), try isEmpty(new, entry.nameBytes, in: upper) { continue }
            if let old {
                // A start makes mount points in /etc, which sets its time.
                let hasSameTime = old.modified == new.modified || place == "/etc"
                let isSame =
                    old.kind == .directory && new.kind == .directory && old.mode == new.mode && hasSameTime
                    && (old.uid, old.gid) == (new.uid, new.gid)
                if !isSame { note(place, .modified, in: path) }
            } else {
                note(place, .added, in: path)
            }
            guard new.kind == .directory else { continue }
            let inner = try Files.open(entry.nameBytes, [.readOnly, .directory, .noFollow], at: upper.raw).shared()
            var below: SharedDescriptor?
            if let lower, old?.kind == .directory {
                below = try Files.open(entry.nameBytes, [.readOnly, .directory, .noFollow], at: lower.raw).shared()
            }
            try survey(inner, over: below, path: place, depth: depth + 1)
        }
    }

    private func isOpaque(_ directory: SharedDescriptor) throws(SystemError) -> Bool {
        try ExtendedAttributes.get(directory.raw, "trusted.overlay.opaque") == [UInt8(ascii: "y")]
    }

    private func isEmpty(_ status: FileStatus, _ name: [UInt8], in directory: SharedDescriptor) throws -> Bool {
        switch status.kind {
        case .regular: status.size == 0
        case .directory: try Files.list(name, at: directory.raw).isEmpty
        default: false
        }
    }
}
