import Linux

/// What the options of a `local` volume say.
///
/// `type`, `device` and `o` are Docker's: what mount(8) is to mount there. `uid`, `gid`, `mode` and `idmap` are our own:
/// owner and permissions of the volume's root, and whose files containers see as whose.
package struct VolumeSettings: Sendable, Hashable {
    /// What is mounted in the volume's place; `nil` for a directory.
    package var mount: LocalMount?
    /// Owner of the root; `nil` leaves it.
    package var user: UInt32?
    /// Group of the root; `nil` leaves it.
    package var group: UInt32?
    /// Permission bits of the root; `nil` leaves them.
    package var mode: UInt32?
    /// Whose files containers see as whose.
    package var owners: OwnerMapping?

    init() {}

    /// - Throws: Docker's texts.
    package init(_ options: [String: String]) throws(EngineError) {
        let known: Set<String> = ["type", "device", "o", "size", "uid", "gid", "mode", "idmap"]
        for name in options.keys.sorted() where !known.contains(name) {
            throw EngineError(.invalid, "invalid option: \"\(name)\"")
        }
        if let size = options["size"] {
            guard let bytes = HostEngine.bytes(size) else { throw EngineError(.invalid, "invalid size: '\(size)'") }
            guard bytes == 0 else { throw EngineError(.invalid, "quota size requested but no quota support") }
        }
        for (name, needed) in [("device", ["type"]), ("type", ["device"]), ("o", ["device", "type"])]
        where options[name] != nil {
            for other in needed where options[other] == nil {
                throw EngineError(.invalid, "missing required option: \"\(other)\"")
            }
        }
        user = try Self.number(options, "uid")
        group = try Self.number(options, "gid") ?? user
        if let text = options["mode"] {
            guard let bits = UInt32(text, radix: 8), bits <= 0o7777 else {
                throw EngineError(.invalid, "invalid mode \"\(text)\": expected permission bits such as 0750")
            }
            mode = bits
        }
        if let text = options["idmap"] { owners = try OwnerMapping(text) }
        if let device = options["device"], let type = options["type"] {
            mount = LocalMount(type: type, device: device, options: options["o"] ?? "")
            guard user == nil, group == nil, mode == nil else {
                throw EngineError(
                    .invalid,
                    "uid, gid and mode are for volumes without a device: give them to the file system in \"o\"")
            }
        }
    }

    private static func number(_ options: [String: String], _ name: String) throws(EngineError) -> UInt32? {
        guard let text = options[name] else { return nil }
        guard let number = UInt32(text), number != .max else {
            throw EngineError(.invalid, "invalid \(name) \"\(text)\": expected a number")
        }
        return number
    }
}

/// What is mounted in a volume's place, in the words of mount(8).
package struct LocalMount: Sendable, Hashable {
    /// The file system; `none` for a bind.
    package var type: String
    /// What is mounted.
    package var device: String
    /// Its options, by commas.
    package var options: String

    private static let flags: [String: UInt] = [
        "ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "sync": 16, "mand": 64, "dirsync": 128, "noatime": 1 << 10,
        "nodiratime": 1 << 11, "bind": 1 << 12, "rbind": 1 << 12 | 1 << 14, "relatime": 1 << 21,
        "strictatime": 1 << 24,
    ]
    private static let cleared: [String: UInt] = [
        "rw": 1, "suid": 2, "dev": 4, "exec": 8, "async": 16, "nomand": 64, "atime": 1 << 10, "diratime": 1 << 11,
        "norelatime": 1 << 21, "nostrictatime": 1 << 24,
    ]
    private static let propagations: [String: UInt] = [
        "unbindable": 1 << 17, "private": 1 << 18, "slave": 1 << 19, "shared": 1 << 20,
        "runbindable": 1 << 17 | 1 << 14, "rprivate": 1 << 18 | 1 << 14, "rslave": 1 << 19 | 1 << 14,
        "rshared": 1 << 20 | 1 << 14,
    ]

    /// Flags of mount(2), propagation, and what is for the file system.
    private var parts: (flags: UInt, propagation: UInt, data: String) {
        var flags: UInt = 0
        var propagation: UInt = 0
        var data: [Substring] = []
        for word in options.split(separator: ",") {
            if let flag = Self.flags[String(word)] {
                flags |= flag
            } else if let flag = Self.cleared[String(word)] {
                flags &= ~flag
            } else if let flag = Self.propagations[String(word)] {
                propagation = flag
            } else if word != "defaults" {
                data.append(word)
            }
        }
        return (flags, propagation, data.joined(separator: ","))
    }

    /// Mounts it.
    ///
    /// Blocks.
    ///
    /// - Throws: Docker's text.
    func mount(at path: String) throws(EngineError) {
        let (flags, propagation, data) = parts
        do throws(SystemError) {
            try Mounts.mount(
                source: device, target: path, type: type, flags: MountFlags(rawValue: flags),
                data: data.isEmpty ? nil : data)
            do throws(SystemError) {
                // The kernel takes neither with a bind.
                if flags & MountFlags.bind.rawValue != 0, flags & 1 != 0 {
                    try Mounts.setAttributes(path, set: .readOnly)
                }
                if propagation != 0 {
                    try Mounts.mount(source: nil, target: path, flags: MountFlags(rawValue: propagation))
                }
            } catch {
                try? Mounts.unmount(path, [.detach])
                throw error
            }
        } catch {
            let words = error.errno.text.prefix(1).lowercased() + error.errno.text.dropFirst()
            var text = "mount \(device):\(path)"
            if flags != 0 { text += ", flags: 0x\(String(flags, radix: 16))" }
            if !data.isEmpty { text += ", data: \(Self.withoutPassword(data))" }
            throw EngineError(
                .failed,
                "error while mounting volume '\(path)': failed to mount local volume: \(text): \(words)")
        }
    }

    private static func withoutPassword(_ data: String) -> String {
        data.split(separator: ",").map { $0.hasPrefix("password=") ? "password=********" : $0 }.joined(separator: ",")
    }
}
