import Linux

/// Walks two directory trees side by side, by descriptors, and notes what differs.
struct TreeComparison {
    /// Deeper than any real tree; each level takes two descriptors.
    private static let deepest = 400

    /// Whether times count as a difference.
    let comparesTimes: Bool
    /// Paths of which something may differ; nil for all.
    ///
    /// Directories are always looked at.
    let candidates: Set<[UInt8]>?
    private(set) var files: [ImageDifference.File] = []
    private let first: UnsafeMutableRawBufferPointer
    private let second: UnsafeMutableRawBufferPointer

    /// Compares two trees.
    ///
    /// Blocks.
    static func run(
        _ before: SharedDescriptor, _ after: SharedDescriptor, comparesTimes: Bool, candidates: Set<[UInt8]>?
    ) throws -> [ImageDifference.File] {
        let first = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 4096)
        let second = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 4096)
        defer {
            first.deallocate()
            second.deallocate()
        }
        var comparison = TreeComparison(
            comparesTimes: comparesTimes, candidates: candidates, first: first, second: second)
        try comparison.compare(before.raw, after.raw, path: [], depth: 0)
        return comparison.files
    }

    private init(
        comparesTimes: Bool, candidates: Set<[UInt8]>?, first: UnsafeMutableRawBufferPointer,
        second: UnsafeMutableRawBufferPointer
    ) {
        self.comparesTimes = comparesTimes
        self.candidates = candidates
        self.first = first
        self.second = second
    }

    private mutating func compare(_ before: Int32, _ after: Int32, path: [UInt8], depth: Int) throws {
        guard depth < Self.deepest else {
            throw EngineError(.failed, "directories are nested too deeply to be compared")
        }
        var old = try Files.list(descriptor: before)[...]
        var new = try Files.list(descriptor: after)[...]
        while let name = Self.next(old, new) {
            let place = path + [UInt8(ascii: "/")] + name
            let hasOld = old.first?.nameBytes == name
            let hasNew = new.first?.nameBytes == name
            if hasOld { old.removeFirst() }
            if hasNew { new.removeFirst() }
            if hasOld, hasNew {
                try compareEntry(name, before, after, path: place, depth: depth)
            } else if hasOld {
                try list(name, in: before, path: place, as: .deleted, depth: depth)
            } else {
                try list(name, in: after, path: place, as: .added, depth: depth)
            }
        }
    }

    private static func next(_ old: ArraySlice<DirectoryEntry>, _ new: ArraySlice<DirectoryEntry>) -> [UInt8]? {
        guard let old = old.first?.nameBytes else { return new.first?.nameBytes }
        guard let new = new.first?.nameBytes else { return old }
        return new.lexicographicallyPrecedes(old) ? new : old
    }

    private mutating func compareEntry(
        _ name: [UInt8], _ before: Int32, _ after: Int32, path: [UInt8], depth: Int
    ) throws {
        let old = try Files.status(name, followLinks: false, at: before)
        let new = try Files.status(name, followLinks: false, at: after)
        let areDirectories = old.kind == .directory && new.kind == .directory
        guard areDirectories || candidates?.contains(path) ?? true else { return }
        var reasons: [String] = []
        if old.kind != new.kind { reasons.append("type") }
        if old.mode & 0o7777 != new.mode & 0o7777, old.kind != .symbolicLink { reasons.append("mode") }
        if (old.uid, old.gid) != (new.uid, new.gid) { reasons.append("owner") }
        if old.kind == new.kind { reasons += try contents(name, old, new, before, after) }
        if comparesTimes, old.modified != new.modified { reasons.append("time") }
        if !reasons.isEmpty {
            files.append(
                ImageDifference.File(
                    path: String(decoding: path, as: UTF8.self), kind: .changed, before: ImageDifference.Facts(old),
                    after: ImageDifference.Facts(new),
                    reasons: reasons))
        }
        if areDirectories {
            let oldDirectory = try Files.open(name, [.directory, .noFollow], at: before).shared()
            let newDirectory = try Files.open(name, [.directory, .noFollow], at: after).shared()
            try compare(oldDirectory.raw, newDirectory.raw, path: path, depth: depth + 1)
        } else if old.kind == .directory {
            try listBelow(name, in: before, path: path, as: .deleted, depth: depth)
        } else if new.kind == .directory {
            try listBelow(name, in: after, path: path, as: .added, depth: depth)
        }
    }

    /// What differs in two files of one kind, their modes and owners apart.
    private func contents(
        _ name: [UInt8], _ old: FileStatus, _ new: FileStatus, _ before: Int32, _ after: Int32
    ) throws -> [String] {
        var reasons: [String] = []
        switch old.kind {
        case .regular:
            if old.size != new.size {
                reasons += ["size", "content"]
            } else if try !haveEqualBytes(name, before, after) {
                reasons.append("content")
            }
        case .symbolicLink:
            if try Files.readLinkBytes(name, at: before) != Files.readLinkBytes(name, at: after) {
                reasons.append("target")
            }
        case .characterDevice, .blockDevice: if old.deviceID != new.deviceID { reasons.append("device") }
        default: break
        }
        if try attributes(name, in: before) != attributes(name, in: after) { reasons.append("attributes") }
        return reasons
    }

    private func haveEqualBytes(_ name: [UInt8], _ before: Int32, _ after: Int32) throws -> Bool {
        let old = try Files.open(name, [.readOnly, .noFollow], at: before)
        let new = try Files.open(name, [.readOnly, .noFollow], at: after)
        var offset: Int64 = 0
        while true {
            let count = try old.pread(into: first, at: offset)
            guard try new.pread(into: second, at: offset) == count else { return false }
            if count == 0 { return true }
            guard Self.areEqual(first, second, count: count) else { return false }
            offset += Int64(count)
        }
    }

    private static func areEqual(
        _ first: UnsafeMutableRawBufferPointer, _ second: UnsafeMutableRawBufferPointer, count: Int
    ) -> Bool {
        let words = count / 8
        for word in 0..<words {
            let left = first.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)
            guard left == second.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self) else { return false }
        }
        return first[(words * 8)..<count].elementsEqual(second[(words * 8)..<count])
    }

    private func attributes(_ name: [UInt8], in directory: Int32) throws -> [String: [UInt8]] {
        // A name's own attributes cannot be asked for by a directory's descriptor; the link to it is as good.
        let path = Array("/proc/self/fd/\(directory)/".utf8) + name
        var result: [String: [UInt8]] = [:]
        for attribute in try ExtendedAttributes.list(path) {
            result[attribute] = try ExtendedAttributes.get(path, attribute)
        }
        return result
    }

    /// Notes a file that only one tree has, and all below it.
    private mutating func list(
        _ name: [UInt8], in directory: Int32, path: [UInt8], as kind: ImageDifference.Kind, depth: Int
    ) throws {
        let status = try Files.status(name, followLinks: false, at: directory)
        var file = ImageDifference.File(path: String(decoding: path, as: UTF8.self), kind: kind)
        if kind == .added {
            file.after = ImageDifference.Facts(status)
        } else {
            file.before = ImageDifference.Facts(status)
        }
        files.append(file)
        if status.kind == .directory { try listBelow(name, in: directory, path: path, as: kind, depth: depth) }
    }

    private mutating func listBelow(
        _ name: [UInt8], in directory: Int32, path: [UInt8], as kind: ImageDifference.Kind, depth: Int
    ) throws {
        guard depth < Self.deepest else {
            throw EngineError(.failed, "directories are nested too deeply to be compared")
        }
        let inner = try Files.open(name, [.directory, .noFollow], at: directory).shared()
        for entry in try Files.list(descriptor: inner.raw) {
            try list(
                entry.nameBytes, in: inner.raw, path: path + [UInt8(ascii: "/")] + entry.nameBytes, as: kind,
                depth: depth + 1)
        }
    }

    /// Every path below a directory that is no directory itself, into a set.
    ///
    /// Blocks.
    static func collect(_ directory: SharedDescriptor, into paths: inout Set<[UInt8]>) throws {
        try collect(directory.raw, path: [], into: &paths, depth: 0)
    }

    private static func collect(
        _ directory: Int32, path: [UInt8], into paths: inout Set<[UInt8]>, depth: Int
    ) throws {
        guard depth < deepest else { throw EngineError(.failed, "directories are nested too deeply to be compared") }
        for entry in try Files.list(descriptor: directory) {
            let place = path + [UInt8(ascii: "/")] + entry.nameBytes
            let status = try Files.status(entry.nameBytes, followLinks: false, at: directory)
            guard status.kind == .directory else {
                paths.insert(place)
                continue
            }
            let inner = try Files.open(entry.nameBytes, [.directory, .noFollow], at: directory).shared()
            try collect(inner.raw, path: place, into: &paths, depth: depth + 1)
        }
    }
}
