import Linux
import Testing

@Suite("Mounts", .serialized, .timeLimit(.minutes(5)))
struct MountTests {
    /// Runs a body with a directory of its own; afterwards nothing may be mounted below it.
    private func inTemporaryDirectory(_ body: (String) async throws -> Void) async throws {
        let path = try Files.temporaryDirectory(prefix: "kernel-tests-")
        defer {
            let left = (try? Mounts.table().filter { $0.target.hasPrefix(path) }) ?? []
            for entry in left.reversed() { try? Mounts.unmount(entry.target, .detach) }
            try? Files.removeTree(path)
            #expect(left.isEmpty)
            #expect(!Files.exists(path))
        }
        try await body(path)
    }

    /// Unmounts: a program that another test starts has what was open there, too, until it is executed.
    private func unmount(_ target: String) async throws {
        for _ in 0..<3_000 {
            do throws(SystemError) {
                return try Mounts.unmount(target)
            } catch {
                guard error.errno == .EBUSY else { throw error }
            }
            try await EventLoop.shared.sleep(for: .milliseconds(20))
        }
        try Mounts.unmount(target)
    }

    @Test("a tmpfs is mounted, seen in the table, and unmounted")
    func tmpfs() async throws {
        try await inTemporaryDirectory { path in
            let target = "\(path)/with space"
            try Files.makeDirectory(target)
            try Mounts.mount(source: "mine", target: target, type: "tmpfs", flags: .noDevices, data: "size=64k")
            #expect(try Mounts.isMountPoint(target))
            let entry = try #require(try Mounts.table().first { $0.target == target })
            #expect(entry.type == "tmpfs" && entry.source == "mine" && entry.options.contains("nodev"))
            #expect(try entry.id == Files.status(target).mountID)
            #expect(try Files.diskSpace(target).total == 65_536)
            let full = #expect(throws: SystemError.self) {
                try Files.write("\(target)/a", [UInt8](repeating: 1, count: 200_000))
            }
            #expect(full?.errno == .ENOSPC)
            try await unmount(target)
            #expect(try !Mounts.unmountIfMounted(target))
        }
    }

    @Test("a read-only bind refuses writes")
    func readOnlyBind() async throws {
        try await inTemporaryDirectory { path in
            try Files.makeDirectory("\(path)/a")
            try Files.makeDirectory("\(path)/b")
            try Mounts.bind("\(path)/a", to: "\(path)/b", readOnly: true)
            let error = #expect(throws: SystemError.self) { try Files.write("\(path)/b/x", []) }
            #expect(error?.errno == .EROFS)
            try Files.write("\(path)/a/x", [])
            try await unmount("\(path)/b")
        }
    }

    @Test("removing a tree stops at a mount and touches nothing behind it")
    func removeTreeStops() async throws {
        try await inTemporaryDirectory { path in
            try Files.makeDirectories("\(path)/tree/mount")
            try Files.makeDirectory("\(path)/data")
            try Files.write("\(path)/data/precious", [1])
            try Mounts.bind("\(path)/data", to: "\(path)/tree/mount")
            let error = #expect(throws: SystemError.self) { try Files.removeTree("\(path)/tree") }
            #expect(error?.errno == .EBUSY)
            #expect(error?.subject == "\(path)/tree/mount")
            #expect(Files.exists("\(path)/data/precious"))
            try await unmount("\(path)/tree/mount")
        }
    }

    @Test("a file system is made by descriptor, changed, and attached")
    func byDescriptor() async throws {
        try await inTemporaryDirectory { path in
            try Files.makeDirectory("\(path)/target")
            try attachTmpfs(to: "\(path)/target")
            #expect(try Files.status("\(path)/target").mode == 0o750)
            #expect(throws: SystemError.self) { try Files.write("\(path)/target/x", []) }
            try await unmount("\(path)/target")
            try attachClone(of: path, to: "\(path)/target")
            #expect(Files.exists("\(path)/target/target"))
            try await unmount("\(path)/target")
        }
    }

    // Each in a function of its own: an open mount descriptor keeps the mount busy.
    private func attachTmpfs(to target: String) throws {
        let mount = try Mounts.create(
            type: "tmpfs", options: [.string("size", "1m"), .string("mode", "750")], attributes: .noExecution)
        try Mounts.setAttributes("", set: .readOnly, propagation: .private, at: mount.raw)
        try Mounts.moveMount(mount.raw, to: target)
    }

    private func attachClone(of path: String, to target: String) throws {
        let tree = try Mounts.openTree(path, clone: true)
        try Mounts.moveMount(tree.raw, to: target)
    }

    @Test("a refused option is explained in the kernel's words")
    func explained() {
        let error = #expect(throws: SystemError.self) {
            _ = try Mounts.create(type: "tmpfs", options: [.string("nonsense", "1")]).raw
        }
        #expect(error?.errno == .EINVAL)
        #expect(error?.subject?.contains("nonsense") == true)
        let unknown = #expect(throws: SystemError.self) { _ = try Mounts.create(type: "nosuchfs", options: []).raw }
        #expect(unknown?.errno == .ENODEV)
    }

    @Test("a file becomes a block device, and the device is free again when it is closed")
    func loopDevice() async throws {
        try await inTemporaryDirectory { path in
            let content = [UInt8](repeating: 0x5a, count: 1 << 20)
            try Files.write("\(path)/disk", content)
            let file = try Files.open("\(path)/disk")
            var number: Int32 = -1
            do {
                let device = try LoopDevice.attach(file.raw)
                number = device.number
                #expect(try device.descriptor.readAll() == content)
                let write = #expect(throws: SystemError.self) { try Files.write(device.path, [1]) }
                #expect([.EPERM, .EACCES, .EROFS].contains(write?.errno))
                #expect(Files.exists("/sys/block/loop\(number)/loop/backing_file"))
            }
            // Another test may have the number by now; whoever else has the device open lets go of it in a moment.
            func backingFile() -> String { (try? Files.readText("/sys/block/loop\(number)/loop/backing_file")) ?? "" }
            for _ in 0..<3_000 where backingFile().contains(path) {
                try await EventLoop.shared.sleep(for: .milliseconds(20))
            }
            let backing = backingFile()
            #expect(!backing.contains(path), "\(backing)")
        }
    }

    @Test("extended attributes are set, listed, read and removed, of links not their targets")
    func extendedAttributes() async throws {
        try await inTemporaryDirectory { path in
            try Files.write("\(path)/a", [])
            try Files.symlink("a", at: "\(path)/link")
            try ExtendedAttributes.set("\(path)/a", "trusted.one", [1, 0, 2])
            try ExtendedAttributes.set("\(path)/link", "trusted.link", [3])
            #expect(try ExtendedAttributes.get("\(path)/a", "trusted.one") == [1, 0, 2])
            #expect(try ExtendedAttributes.list("\(path)/a") == ["trusted.one"])
            #expect(try ExtendedAttributes.list("\(path)/link") == ["trusted.link"])
            #expect(try ExtendedAttributes.get("\(path)/link", "trusted.one") == nil)
            try ExtendedAttributes.remove("\(path)/a", "trusted.one")
            try ExtendedAttributes.remove("\(path)/a", "trusted.one")
            #expect(try ExtendedAttributes.list("\(path)/a").isEmpty)
        }
    }
}
