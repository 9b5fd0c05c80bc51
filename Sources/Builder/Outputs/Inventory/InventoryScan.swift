import Linux

/// Looks for packages in a file tree that may be hostile.
///
/// Blocking. Links are followed inside of the tree alone; files, names and packages have bounds, and what is beyond
/// them is left out with a remark.
struct InventoryScan {
    private static let limit = (file: 32 << 20, entries: 2_000_000, depth: 64, packages: 200_000)
    /// Where the kernel's files are, and nothing else.
    private static let skipped: Set<String> = ["proc", "sys", "dev"]

    private let root: SharedDescriptor
    private var found = FoundPackages()
    private var entries = 0

    init(_ root: SharedDescriptor) { self.root = root }

    /// - Throws: `SystemError` where the tree itself cannot be read.
    func run() throws(SystemError) -> FoundPackages {
        var scan = self
        scan.scanSystem()
        // The position in a directory belongs to the descriptor, which others have too.
        try scan.walk(
            Files.open(".", [.readOnly, .directory], at: root.raw).shared(), path: "", depth: 0)
        scan.found.packages = Self.distinct(scan.found.packages)
        return scan.found
    }

    private static func distinct(_ packages: [FoundPackage]) -> [FoundPackage] {
        var seen: Set<String> = []
        return packages.map { (text: $0.url.text, package: $0) }
            .sorted { ($0.text, $0.package.source) < ($1.text, $1.package.source) }
            .filter { seen.insert($0.text).inserted }.map(\.package)
    }

    // MARK: Distributions

    private mutating func scanSystem() {
        let release = (text("etc/os-release") ?? text("usr/lib/os-release")).map { OSRelease($0) }
        found.distribution = release.flatMap { $0.name.isEmpty ? nil : $0.name }
        if let status = text("var/lib/dpkg/status") {
            add(SystemPackages.debian(status, source: "/var/lib/dpkg/status", system: release))
        }
        for name in names("var/lib/dpkg/status.d") where !name.hasSuffix(".md5sums") {
            let path = "var/lib/dpkg/status.d/\(name)"
            if let status = text(path) { add(SystemPackages.debian(status, source: "/\(path)", system: release)) }
        }
        for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] {
            guard let database = text(path) else { continue }
            add(SystemPackages.alpine(database, source: "/\(path)", system: release))
            break
        }
        for folder in ["usr/lib/sysimage/rpm", "var/lib/rpm"] {
            guard let file = open("\(folder)/rpmdb.sqlite") else { continue }
            do {
                add(try RPMDatabase.packages(file, source: "/\(folder)/rpmdb.sqlite", system: release))
            } catch {
                found.remarks.append("/\(folder)/rpmdb.sqlite was not read: \(error)")
            }
            return
        }
        for path in ["var/lib/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db", "var/lib/rpm/Packages.db"]
        where open(path) != nil {
            found.remarks.append("/\(path) was not read: of rpm's databases only SQLite's form is")
            return
        }
    }

    private mutating func add(_ packages: [FoundPackage]) {
        let room = Self.limit.packages - found.packages.count
        if packages.count > room, room >= 0 {
            found.remarks.append("only the first \(Self.limit.packages) packages are listed")
        }
        found.packages += packages.prefix(max(0, room))
    }

    private func open(_ path: String) -> SharedDescriptor? {
        guard let file = try? Files.openInRoot(root.raw, path, [.readOnly, .nonBlocking]).shared(),
            (try? file.status())?.kind == .regular
        else { return nil }
        return file
    }

    private mutating func text(_ path: String) -> String? {
        guard let file = open(path) else { return nil }
        return read(file, path).map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func read(_ file: SharedDescriptor, _ path: String) -> [UInt8]? {
        do throws(SystemError) {
            return try file.readAll(limit: Self.limit.file)
        } catch {
            found.remarks.append("/\(path) was not read: \(error)")
            return nil
        }
    }

    private func names(_ path: String) -> [String] {
        guard let folder = try? Files.openInRoot(root.raw, path, [.readOnly, .directory]).shared() else { return [] }
        return (try? Files.list(descriptor: folder.raw).map(\.name).sorted()) ?? []
    }

    // MARK: Languages

    private mutating func walk(_ folder: SharedDescriptor, path: String, depth: Int) throws(SystemError) {
        for entry in try Files.list(descriptor: folder.raw) {
            entries += 1
            guard entries <= Self.limit.entries else {
                if entries == Self.limit.entries + 1 {
                    found.remarks.append("only the first \(Self.limit.entries) files were looked at")
                }
                return
            }
            let name = entry.name
            let inner = path.isEmpty ? name : "\(path)/\(name)"
            switch entry.kind {
            case .directory:
                guard depth < Self.limit.depth, !(path.isEmpty && Self.skipped.contains(name)),
                    let next = try? Files.openInRoot(
                        folder.raw, entry.nameBytes, [.readOnly, .directory, .noFollow]
                    ).shared()
                else { continue }
                // What cannot be listed is left out; the root itself must be.
                try? walk(next, path: inner, depth: depth + 1)
            case .regular: look(at: entry.nameBytes, name, in: folder, path: inner)
            default: continue
            }
        }
    }

    private mutating func look(at bytes: [UInt8], _ name: String, in folder: SharedDescriptor, path: String) {
        if let reader = LockFiles.reader(of: name) {
            guard let file = openRegular(bytes, in: folder), let content = read(file, path) else { return }
            return add(reader(content, "/\(path)"))
        }
        guard let status = try? Files.status(bytes, followLinks: false, at: folder.raw), status.mode & 0o111 != 0,
            status.size > 256 << 10, let file = openRegular(bytes, in: folder)
        else { return }
        add(GoProgram.packages(file, source: "/\(path)"))
    }

    private func openRegular(_ name: [UInt8], in folder: SharedDescriptor) -> SharedDescriptor? {
        let file = try? Files.open(name, [.readOnly, .noFollow, .nonBlocking], at: folder.raw).shared()
        guard let file, (try? file.status())?.kind == .regular else { return nil }
        return file
    }
}
