import LaunchProgram
import Linux
import Runtime
import Testing

@Suite(
    "Containers without a supervisor", .serialized, .enabled(if: RuntimeLab.isPossible), .timeLimit(.minutes(5))
)
struct TransientContainerTests {
    /// Starts a script, and gives its output and its container.
    private func start(
        _ script: String, in lab: RuntimeLab, _ change: (inout ContainerConfiguration) -> Void = { _ in }
    ) async throws -> (container: TransientContainer, output: AsyncDescriptor) {
        var configuration = try lab.script("t\(Random.hex(bytes: 4))", script)
        configuration.makesPlacesApart = true
        change(&configuration)
        for name in ["upper", "work", "rootfs", "places", "places-work"] {
            try Files.makeDirectories("\(configuration.directory)/\(name)")
        }
        let pipe = try Pipe().separate()
        let output = try AsyncDescriptor(try pipe.reading.duplicate())
        let container = try await lab.runtime.startTransient(
            configuration, networkNamespace: try Namespaces.makeNetwork().shared(), output: pipe.writing,
            error: pipe.writing, handed: [])
        return (container, output)
    }

    private func text(_ output: AsyncDescriptor) async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let piece = try await output.read()
            if piece.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += piece
        }
    }

    @Test(
        "a process has the first number, its group and its end; with it go all others, and nothing is left",
        arguments: [false, true])
    func ends(unified: Bool) async throws {
        guard !unified || RuntimeLab.unifiedTree != nil else { return }
        try await RuntimeLab.with(cgroups: unified ? RuntimeLab.unifiedTree : nil) { lab in
            let (container, output) = try await start(
                "(sleep 4711 &); echo $$; grep -c / /proc/self/cgroup; ls -d /proc/1/fd; exit 7", in: lab)
            let end = try await container.end()
            #expect(end.exitCode == 7 && end.signal == 0)
            #expect(try await text(output).hasPrefix("1\n"))
            try await container.remove()

            let (killed, silent) = try await start("echo begun; sleep 4711", in: lab)
            #expect(try await silent.read() == Array("begun\n".utf8))
            killed.kill()
            try await killed.remove()
            #expect(try await silent.read().isEmpty)
            let groups = try lab.runtime.cgroup(path: lab.cgroup).directories
            #expect(
                groups.allSatisfy { directory in
                    ((try? Files.list(directory)) ?? []).allSatisfy { $0.kind != .directory }
                })
        }
    }

    @Test("places to mount on are not among what is written, whatever links lead to them")
    func places() async throws {
        try await RuntimeLab.with { lab in
            try Files.makeDirectories(lab.image + "/data/real")
            try Files.symlink("/data/real", at: lab.image + "/short")
            let (container, output) = try await start("cat /short/new/file; touch /data/mine", in: lab) {
                $0.mounts = [
                    MountConfiguration(
                        .file(content: Array("in memory\n".utf8), mode: 0o444, user: 0, group: 0),
                        target: "/short/new/file"),
                    MountConfiguration.tmpfs(at: "/etc/app/cache"),
                ]
            }
            #expect(try await container.end().exitCode == 0)
            #expect(try await text(output) == "in memory\n")
            try await container.remove()
            let folder = try #require(try Files.list(lab.folder + "/containers").first).name
            let upper = "\(lab.folder)/containers/\(folder)/upper"
            #expect(try Files.list(upper).map(\.name) == ["data"])
            #expect(try Files.list(upper + "/data").map(\.name) == ["mine"])
        }
    }

    @Test("a program that is not there is named, and its group is gone")
    func missing() async throws {
        try await RuntimeLab.with { lab in
            let (container, _) = try await start("", in: lab) { $0.process.arguments = ["nothing-such"] }
            do {
                _ = try await container.end()
                Issue.record("it ended")
            } catch {
                let exitCode = (error as? RuntimeError)?.exitCode
                #expect(exitCode == 127 && "\(error)".contains("executable file not found in $PATH"))
            }
            try await container.remove()
        }
    }
}
