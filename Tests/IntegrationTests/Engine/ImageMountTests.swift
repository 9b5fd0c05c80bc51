import Engine
import ImageStore
import JSONText
import Linux
import OCI
import Testing

@Suite("Looking into images", .serialized, .timeLimit(.minutes(3)))
struct ImageMountTests {
    /// Unmounts what nobody uses: a child of this process may have a descriptor of it until its exec(2).
    private static func unmount(_ path: String, _ lab: EngineLab) async throws {
        try await lab.eventually("nobody has \(path)") {
            do throws(SystemError) {
                try Mounts.unmount(path)
                return true
            } catch let error where error.errno == .EBUSY {
                return false
            }
        }
    }

    @Test("a mounted image is read-only, stays over a restart, cannot be removed, and goes when it is unmounted")
    func mounted() async throws {
        let lab = try await EngineLab()
        let own = try await lab.engine.mountImage("busybox", at: nil)
        #expect(own.path == "\(lab.root)/mounts/\(own.image.hex)")
        #expect(try Files.readText(own.path + "/data/seed/file") == "from the image\n")
        let write = #expect(throws: SystemError.self) { try Files.write(own.path + "/new", []) }
        #expect(write?.errno == .EROFS)
        #expect(try await lab.engine.mountImage("busybox", at: nil) == own)

        let other = lab.root + "/place"
        try Files.makeDirectory(other, mode: 0o755)
        _ = try await lab.engine.mountImage("busybox", at: other)
        for (path, reason) in [
            (other + "/none", "no such directory"), (lab.root + "/state.db", "no directory"), ("x", "absolute"),
        ] {
            let refused = await #expect(throws: EngineError.self) {
                try await lab.engine.mountImage("busybox", at: path)
            }
            #expect(refused?.kind == .invalid && refused?.message.contains(reason) == true, "\(refused?.message ?? "")")
        }
        let taken = await #expect(throws: EngineError.self) { try await lab.engine.mountImage("busybox", at: "/proc") }
        #expect(taken?.kind == .conflict)

        try await lab.stop()
        #expect(Files.exists(own.path + "/bin/sh"))
        try await lab.start()
        #expect(try await lab.engine.imageMounts().map(\.path).sorted() == [own.path, other].sorted())
        let refused = try await lab.docker("rmi", "busybox", expecting: 1)
        #expect(refused.error.contains("image is mounted on \(own.path); unmount it first"), "\(refused.error)")
        #expect(try await lab.docker("image", "prune", "-a", "-f").out == "Total reclaimed space: 0B\n")

        let held = try Files.open(own.path + "/bin", [.directory]).shared()
        let busy = await #expect(throws: EngineError.self) {
            try await lab.engine.unmountImages(own.path, force: false)
        }
        #expect(busy?.kind == .conflict && busy?.message.contains("is in use") == true)
        #expect(try await lab.engine.unmountImages(own.path, force: true) == [own])
        withExtendedLifetime(held) {}
        #expect(!Files.exists(own.path))
        let unmounted = await #expect(throws: EngineError.self) {
            try await lab.engine.unmountImages(own.path, force: false)
        }
        #expect(unmounted?.kind == .notFound)

        // Unmounted behind the daemon's back and mounted anew, it is held once.
        try await Self.unmount(other, lab)
        _ = try await lab.engine.mountImage("busybox", at: other)
        #expect(Files.exists(other + "/bin/sh"))

        // As a restart of the host does.
        try await lab.stop()
        try await Self.unmount(other, lab)
        try await lab.start()
        #expect(try await lab.engine.imageMounts() == [])
        try await lab.docker("rmi", "busybox")
        try Files.removeDirectory(other)
        try await lab.takeDown()
    }

    @Test("two images are compared by their files and their settings, times apart unless they are asked for")
    func difference() async throws {
        let lab = try await EngineLab()
        let script =
            "echo new > /added; busybox mkdir /dir; echo x > /dir/f; busybox rm -r /www; echo changed > /data/seed/file; "
            + "busybox chmod 600 /etc/passwd; busybox chown 1:2 /etc/group; busybox ln -sf other /bin/head; "
            + "busybox rm /tmp/x 2>/dev/null; busybox touch -d 2001-01-01 /bin/busybox"
        try await lab.docker("run", "--name", "writer", "busybox", "sh", "-c", script)
        try await lab.docker(
            "commit", "-c", "ENV FROM_IMAGE=no MORE=1", "-c", "LABEL a=b", "-c", "EXPOSE 80", "-c", "CMD x", "writer",
            "demo/after")
        let difference = try await lab.engine.difference(from: "busybox", to: "demo/after")
        let lines = difference.files.map { "\($0.kind) \($0.path) \($0.reasons.joined(separator: ","))" }
        #expect(
            lines == [
                "added /added ", "changed /bin/head target", "changed /data/seed/file size,content", "added /dir ",
                "added /dir/f ", "changed /etc/group owner", "changed /etc/passwd mode", "deleted /www ",
                "deleted /www/index.html ",
            ])
        let settings = difference.settings.map {
            "\($0.field) \($0.name ?? "-") \($0.before.map { $0.serialized(.compact) } ?? "-") \($0.after.map { $0.serialized(.compact) } ?? "-")"
        }
        #expect(
            settings == [
                "Env FROM_IMAGE \"yes\" \"no\"", "Env MORE - \"1\"",
                "Cmd - [\"sh\"] [\"/bin/sh\",\"-c\",\"x\"]", "Labels a - \"b\"", "ExposedPorts 80/tcp - \"\"",
            ])
        let timed = try await lab.engine.difference(from: "busybox", to: "demo/after", comparingTimes: true)
        #expect(timed.files.contains { $0.path == "/bin/busybox" && $0.reasons == ["time"] })
        let reverse = try await lab.engine.difference(from: "demo/after", to: "busybox")
        #expect(reverse.files.map(\.path).sorted() == difference.files.map(\.path).sorted())
        #expect(try await lab.engine.difference(from: "busybox", to: "busybox").files == [])

        // Without a layer in common every file is looked at.
        try await lab.docker("export", "-o", lab.root + "/flat.tar", "writer")
        try await lab.docker("import", lab.root + "/flat.tar", "demo/flat")
        let flat = try await lab.engine.difference(from: "demo/after", to: "demo/flat")
        #expect(flat.files.filter { !$0.path.hasPrefix("/etc/") && !$0.path.hasPrefix("/dev") } == [])
        try await lab.takeDown()
    }
}
