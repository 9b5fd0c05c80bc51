import JSONText
import Linux

/// What Docker says of a path in a container: `X-Docker-Container-Path-Stat`.
package struct PathStatus: Sendable, Hashable {
    /// The last part of the path that was asked for.
    package var name: String
    /// Bytes.
    package var size: Int64
    /// The bits of Go's `os.FileMode`.
    package var mode: UInt32
    /// When the contents changed last.
    package var modified: Timestamp
    /// Where a symbolic link leads, all others on the way followed; empty for anything else.
    package var linkTarget: String

    /// Docker's object.
    package var json: JSONValue {
        [
            "name": .string(name), "size": .int(size), "mode": .int(Int64(mode)), "mtime": .string(modified.rfc3339),
            "linkTarget": .string(linkTarget),
        ]
    }

    /// Go's `os.FileMode` of a file.
    ///
    /// Source: Go, package io/fs, constants of `FileMode`.
    static func goMode(_ status: FileStatus) -> UInt32 {
        var mode = status.mode & 0o777
        if status.mode & 0o4000 != 0 { mode |= 1 << 23 }
        if status.mode & 0o2000 != 0 { mode |= 1 << 22 }
        if status.mode & 0o1000 != 0 { mode |= 1 << 20 }
        switch status.kind {
        case .regular: break
        case .directory: mode |= 1 << 31
        case .symbolicLink: mode |= 1 << 27
        case .blockDevice: mode |= 1 << 26
        case .characterDevice: mode |= 1 << 26 | 1 << 21
        case .fifo: mode |= 1 << 25
        case .socket: mode |= 1 << 24
        case .unknown: mode |= 1 << 19
        }
        return mode
    }
}

/// A path in a container as a client wrote it.
struct ContainerPath: Sendable, Hashable {
    /// Absolute and without `.` and `..`; `/` for the root.
    let clean: String
    /// Whether it ends in `/` or `/.`, which demands a directory, and a link to one is followed.
    let demandsDirectory: Bool
    /// Whether it ends in `/.`: the directory's contents are meant.
    let meansContents: Bool

    /// `..` does not lead out of the root, and is taken away before any link is followed, as Docker does.
    init(_ text: String) {
        var parts: [Substring] = []
        for part in text.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        clean = "/" + parts.joined(separator: "/")
        meansContents = text == "." || text.hasSuffix("/.")
        demandsDirectory = meansContents || text.hasSuffix("/")
    }

    /// The last part; `/` for the root, `.` where the contents are meant.
    var base: String {
        if meansContents { return "." }
        return clean == "/" ? "/" : String(clean.split(separator: "/").last ?? "/")
    }

    /// The directory above.
    var parent: String {
        let parts = clean.split(separator: "/").dropLast()
        return "/" + parts.joined(separator: "/")
    }
}

extension ContainerView {
    /// Opens a path, without its contents (`O_PATH`).
    ///
    /// Blocks.
    func open(_ path: ContainerPath) throws(SystemError) -> SharedDescriptor {
        let flags: OpenFlags = path.demandsDirectory ? [.path, .directory] : [.path, .noFollow]
        return try Files.openInRoot(root.raw, path.clean, flags).shared()
    }

    /// What is at a path.
    ///
    /// Blocks.
    func status(_ path: ContainerPath) throws(SystemError) -> PathStatus {
        let status = try open(path).status()
        return PathStatus(
            name: path.base, size: status.size, mode: PathStatus.goMode(status), modified: status.modified,
            linkTarget: status.kind == .symbolicLink ? try resolved(path.clean) : "")
    }

    /// A path with every link on the way and at its end followed, as far as what they say is there.
    ///
    /// Blocks.
    func resolved(_ path: String) throws(SystemError) -> String {
        var done: [String] = []
        var rest = path.split(separator: "/").map(String.init)[...]
        var links = 0
        while let part = rest.popFirst() {
            if part == "." { continue }
            if part == ".." {
                _ = done.popLast()
                continue
            }
            let place = "/" + (done + [part]).joined(separator: "/")
            guard let file = try? Files.openInRoot(root.raw, place, [.path, .noFollow]),
                try file.status().kind == .symbolicLink
            else {
                done.append(part)
                continue
            }
            links += 1
            // As many as the kernel follows, and more.
            guard links <= 255 else { throw SystemError(call: "readlink", errno: .ELOOP, subject: path) }
            let target = try Files.readLink("", at: file.raw)
            if target.hasPrefix("/") { done = [] }
            rest = (target.split(separator: "/").map(String.init) + rest)[...]
        }
        return "/" + done.joined(separator: "/")
    }
}
