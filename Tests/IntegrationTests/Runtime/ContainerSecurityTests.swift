import LaunchProgram
import Linux
import Runtime
import Testing

@Suite("What a container cannot do", .serialized, .enabled(if: RuntimeLab.isPossible), .timeLimit(.minutes(5)))
struct ContainerSecurityTests {
    private static func refusal(_ lab: RuntimeLab, _ configuration: ContainerConfiguration) async -> String {
        do {
            let connection = try await lab.start(configuration)
            let status = await connection.waitForExit()
            return "started, \(status.exitCode)"
        } catch {
            return "\(error)"
        }
    }

    // CVE-2024-21626
    @Test("a working directory behind a leaked descriptor is refused", arguments: 3..<24)
    func leakedWorkingDirectory(number: Int) async throws {
        try await RuntimeLab.with { lab in
            var configuration = lab.container("web", ["ls"])
            configuration.process.workingDirectory = "/proc/self/fd/\(number)"
            let refusal = await Self.refusal(lab, configuration)
            #expect(refusal.contains("make directory /proc/self/fd/\(number)"))
        }
    }

    @Test("a link to a descriptor is no working directory either")
    func linkedWorkingDirectory() async throws {
        try await RuntimeLab.with { lab in
            try Files.symlink("/proc/self/fd/3", at: lab.image + "/work")
            try Files.symlink("/proc/1/cwd", at: lab.image + "/init")
            for path in ["/work", "/init", "/work/../../.."] {
                var configuration = lab.container("web", ["ls"])
                configuration.process.workingDirectory = path
                let refusal = await Self.refusal(lab, configuration)
                #expect(refusal.contains("make directory") || refusal == "started, 0")
                if path != "/work/../../.." { #expect(refusal.contains("ELOOP")) }
            }
        }
    }

    // CVE-2026-41579, CVE-2019-16884
    @Test("an image whose /dev, /proc or /sys is a link does not start", arguments: ["/dev", "/proc", "/sys"])
    func linkedKernelDirectories(path: String) async throws {
        try await RuntimeLab.with { lab in
            try Files.makeDirectories(lab.image + "/elsewhere")
            try Files.symlink("/elsewhere", at: lab.image + path)
            let refusal = await Self.refusal(lab, lab.container("web", ["true"]))
            #expect(refusal.contains("on \(path)"))
            #expect(refusal.contains("ELOOP"))
        }
    }

    // CVE-2021-30465, CVE-2018-15664
    @Test("a mount target that links out of the image stays inside")
    func escapingTarget() async throws {
        try await RuntimeLab.with { lab in
            try Files.makeDirectories(lab.folder + "/data")
            try Files.makeDirectories(lab.folder + "/outside")
            try Files.write(lab.folder + "/data/file", Array("inside".utf8))
            try Files.symlink("../../../../../../../../..\(lab.folder)/outside", at: lab.image + "/a")
            try Files.symlink("\(lab.folder)/outside/b", at: lab.image + "/b")
            let output = try await lab.output("cat /a/x/file; cat /b/file; cat \(lab.folder)/outside/b/file") {
                $0.mounts = [.bind(lab.folder + "/data", at: "/a/x"), .bind(lab.folder + "/data", at: "/b")]
            }
            #expect(output == "insideinsideinside")
            #expect(try Files.list(lab.folder + "/outside").isEmpty)
        }
    }

    // CVE-2019-5736
    @Test("the program that enters the container cannot be overwritten, nor read")
    func ownProgram() async throws {
        try await RuntimeLab.with { lab in
            let before = try Files.readAll(try RuntimeLab.initBinary(), limit: 64 << 20)
            let output = try await lab.output(
                "(echo x > /proc/1/exe) 2>&1; cat /proc/1/exe 2>&1 | head -c 100; (echo x >> /proc/1/exe) 2>&1; echo end"
            ) { $0.useInit = true }
            #expect(output.contains("end"))
            #expect(!output.contains("ELF"))
            #expect(try Files.readAll(try RuntimeLab.initBinary(), limit: 64 << 20) == before)
            let self1 = try await lab.output("sleep 0; (echo x > /proc/self/exe) 2>&1; echo end")
            #expect(self1.contains("end"))
        }
    }

    // CVE-2025-31133
    @Test("masked files read as nothing, masked directories are empty and read-only")
    func maskedPaths() async throws {
        try await RuntimeLab.with { lab in
            try lab.write("/secret", "secret")
            try Files.makeDirectories(lab.image + "/hidden")
            try lab.write("/hidden/file", "secret")
            try Files.makeDirectories(lab.image + "/hidden2")
            try lab.write("/hidden2/file", "secret")
            let output = try await lab.output(
                """
                cat /secret /proc/timer_list /proc/keys /proc/interrupts | wc -c
                ls /hidden /hidden2 /proc/acpi /sys/firmware | grep -v : | grep -c .
                touch /hidden/x 2>/dev/null || echo refused; touch /hidden2/x 2>/dev/null || echo refused
                stat -c %t:%T /proc/timer_list
                """
            ) { $0.maskedPaths += ["/secret", "/hidden", "/hidden2", "/not/there"] }
            #expect(output == "0\n0\nrefused\nrefused\n1:3\n")
        }
    }

    @Test(
        "kernel settings are read-only",
        arguments: [
            "/proc/sys/kernel/domainname", "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity",
            "/sys/kernel/uevent_helper",
            "/sys/fs/cgroup/memory/cgroup.procs", "/sys/fs/cgroup/cgroup.procs",
        ])
    func kernelSettings(path: String) async throws {
        try await RuntimeLab.with { lab in
            let output = try await lab.output("(echo 1 > \(path)) 2>/dev/null && echo written; echo end")
            #expect(output == "end\n")
        }
    }

    @Test("the system call filter refuses what Docker's refuses")
    func filter() async throws {
        try await RuntimeLab.with { lab in
            let output = try await lab.output(
                """
                mount -t tmpfs none /tmp 2>&1; unshare -m true 2>&1; unshare -U true 2>&1; umount /proc 2>&1
                nsenter -t 1 -m true 2>&1; chroot / /bin/true && echo chroot allowed
                """
            ) { $0.process.capabilities.append(.netAdmin) }
            #expect(output.split(separator: "\n").count { $0.contains("not permitted") } >= 4, "\(output)")
            #expect(output.contains("chroot allowed"))
        }
    }

    @Test("devices of the host do not open")
    func devices() async throws {
        try await RuntimeLab.with { lab in
            let output = try await lab.output(
                "mknod /disk b 254 0 && head -c 1 /disk 2>&1; mknod /dev/mem2 c 1 1; head -c 1 /dev/mem2 2>&1; head -c 1 /dev/zero | wc -c"
            )
            #expect(output.hasSuffix("1\n"))
            #expect(output.split(separator: "\n").count { $0.contains("not permitted") } >= 2, "\(output)")
        }
    }

    @Test("hostile account files are read with bounds", arguments: [0, 1, 2])
    func accountFiles(kind: Int) async throws {
        try await RuntimeLab.with { lab in
            try Files.unlink(lab.image + "/etc/passwd")
            switch kind {
            case 0: try Files.makeFIFO(lab.image + "/etc/passwd")
            case 1: try Files.symlink("/dev/zero", at: lab.image + "/etc/passwd")
            default: try Files.write(lab.image + "/etc/passwd", [UInt8](repeating: 0x3A, count: 2 << 20))
            }
            var configuration = lab.container("web", ["true"])
            configuration.process.user = "app"
            let refusal = await Self.refusal(lab, configuration)
            #expect(refusal.contains("/etc/passwd"))
        }
    }

    // CVE-2024-21626: execve resolves the program's path before it closes descriptors.
    @Test("a program behind a leaked descriptor is not found", arguments: 3..<24)
    func leakedProgram(number: Int) async throws {
        try await RuntimeLab.with { lab in
            let refusal = await Self.refusal(lab, lab.container("web", ["/proc/self/fd/\(number)/rootfs"]))
            #expect(refusal.contains("ENOENT") || refusal.contains("ENOTDIR"), "\(refusal)")
        }
    }

    @Test("no descriptor but the streams reaches the program")
    func descriptors() async throws {
        try await RuntimeLab.with { lab in
            let (_, log) = try await lab.run(lab.container("web", ["ls", "/proc/self/fd"]))
            // The last is the directory that ls reads.
            #expect(log.map(\.text) == ["0", "1", "2", "3"])
        }
    }
}
