import Testing

@testable import Linux

@Suite("Mounts that are read without waiting for others")
struct LocalMountsTests {
    private static let mounts = LocalMounts(
        MountEntry.parse(
            """
            30 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
            31 30 0:40 / /tmp rw - tmpfs tmpfs rw
            32 30 0:41 / /home/u/remote rw - fuse.sshfs host:/ rw,user_id=1000
            33 30 0:42 / /srv rw - nfs4 server:/srv rw
            34 30 0:43 / /merged rw - overlay overlay rw,lowerdir=/home/u/remote
            35 30 8:2 / /stick rw - fuseblk /dev/sdb1 rw
            36 30 0:44 / /proc rw - proc proc rw
            37 30 0:45 / /share rw - cifs //host/share rw

            """))

    private static func fdinfo(mount: Int, flags: String = "0100000") -> String {
        "pos:\t0\nflags:\t\(flags)\nmnt_id:\t\(mount)\nino:\t12\n"
    }

    @Test(arguments: [30, 31]) func filesOnTheKernelsOwnFileSystemsAreRead(mount: Int) {
        #expect(Self.mounts.canRead(fdinfo: Self.fdinfo(mount: mount)))
        // For reading and writing, and without waiting.
        #expect(Self.mounts.canRead(fdinfo: Self.fdinfo(mount: mount, flags: "02104002")))
    }

    @Test(arguments: [32, 33, 34, 35, 36, 37, 99])
    func filesThatOthersServeAndThoseOnMountsThatAreNotShownAreNot(mount: Int) {
        #expect(!Self.mounts.canRead(fdinfo: Self.fdinfo(mount: mount)))
    }

    @Test(arguments: ["010000000", "012100000", "0100001", "0140000", "0300000", "03", "x"])
    func whatWasOpenedOtherwiseIsNotRead(flags: String) {
        #expect(!Self.mounts.canRead(fdinfo: Self.fdinfo(mount: 30, flags: flags)))
    }

    @Test func whatSaysNothingOfItsMountIsNotRead() {
        #expect(!Self.mounts.canRead(fdinfo: ""))
        #expect(!Self.mounts.canRead(fdinfo: "flags:\t0100000\n"))
        #expect(!Self.mounts.canRead(fdinfo: "mnt_id:\t30\n"))
    }

    @Test func openFilesAreJudgedByWhatTheKernelTellsOfThem() throws {
        let mounts = try LocalMounts()
        let path = "/dev/shm/linux-tests-\(try Random.hex(bytes: 8))"
        try Files.write(path, [1])
        defer { try? Files.unlink(path) }
        #expect(mounts.canRead(try Files.open(path).shared()))
        #expect(!mounts.canRead(try Files.open(path, [.path]).shared()))
        #expect(!mounts.canRead(try Files.open(path, [.writeOnly]).shared()))
        #expect(!mounts.canRead(try Files.open("/proc/self/status").shared()))
        // It is on a mount of the kernel's, which no namespace shows.
        #expect(!mounts.canRead(try MemoryFile.make(name: "memory").shared()))
    }
}
