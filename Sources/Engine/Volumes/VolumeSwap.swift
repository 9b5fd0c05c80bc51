import Linux

/// Puts other files into a volume.
///
/// Both trees are on one file system, so that nothing is copied here.
enum VolumeSwap {
    /// Exchanges a volume's root with a complete tree, in one step: for volumes that nobody has mounted.
    ///
    /// Blocks.
    ///
    /// - Parameters:
    ///   - volume: the volume's directory.
    ///   - partial: has the new files in `_data`, and the old ones afterwards.
    static func exchange(_ volume: String, _ partial: String) throws {
        try VolumeStore.synchronize(partial)
        try Files.exchange("\(volume)/_data", "\(partial)/_data")
    }

    /// Puts the new files into the root that is there: for volumes that frozen containers have mounted.
    ///
    /// Blocks. Once begun it is finished, if need be by the next daemon; the containers to let go on are noted for it.
    static func replace(_ volume: String, _ partial: String, frozen: [String]) throws {
        try VolumeStore.synchronize(partial)
        try Files.makeDirectories("\(partial)/old", mode: 0o700)
        try Files.write("\(partial)/frozen", Array(frozen.joined(separator: "\n").utf8), mode: 0o600)
        try Files.rename(partial, to: "\(volume)/restoring", replace: false)
        try finish(volume)
    }

    /// Containers that were frozen for a replacement that is not finished; `nil` where there is none.
    ///
    /// Blocks.
    static func unfinished(_ volume: String) -> [String]? {
        guard Files.exists("\(volume)/restoring") else { return nil }
        let text = (try? Files.readText("\(volume)/restoring/frozen", limit: 1 << 20)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// Does what is left of a replacement.
    ///
    /// Blocks.
    static func finish(_ volume: String) throws {
        let (data, work) = ("\(volume)/_data", "\(volume)/restoring")
        if !Files.exists("\(work)/moved") {
            try move(from: data, to: "\(work)/old")
            try Files.write("\(work)/moved", [], mode: 0o600)
        }
        let status = try Files.status("\(work)/_data")
        try move(from: "\(work)/_data", to: data)
        try Files.chown(data, uid: status.uid, gid: status.gid)
        try Files.chmod(data, mode: status.mode)
        try Files.setTimes(data, modified: status.modified)
        try Files.removeTree(work)
    }

    private static func move(from source: String, to target: String) throws {
        for entry in try Files.list(source) {
            let (old, new) = (Array("\(source)/".utf8) + entry.nameBytes, Array("\(target)/".utf8) + entry.nameBytes)
            try Files.rename(old, to: new)
        }
    }
}
