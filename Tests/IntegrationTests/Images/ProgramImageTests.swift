import Archives
import ImageStore
import Linux
import OCI
import Testing

@Suite("An image of a program of this host")
struct ProgramImageTests {
    @Test("it has the program, its loader, every library it needs and those it loads later; it is the same twice")
    func closure() async throws {
        try await LayerFixture.withStore { lab in
            let program = HostProgram(path: "/bin/ls", loaded: ["libz.so.1", "libno-such-library.so.9"])
            let first = try await lab.store.importProgram(program, reference: try ImageReference("a"))
            let second = try await lab.store.importProgram(program, reference: try ImageReference("b"))
            #expect(first.id == second.id)
            #expect(first.config.execution.entrypoint == ["/usr/bin/ls"])
            let folder = try #require(try await lab.store.mountLayers(of: first).first)
            for library in ["libc.so.6", "libz.so.1"] { #expect(Files.exists("\(folder)/usr/lib/program/\(library)")) }
            let result = try await Spawn.run(
                SpawnRequest(
                    executable: .path("/usr/sbin/chroot"), arguments: ["chroot", folder, "/usr/bin/ls", "/"],
                    environment: ["LD_LIBRARY_PATH=/usr/lib/program"]), timeout: .seconds(150))
            #expect(result.status.isSuccess, "\(result.errorText)")
            #expect(result.outputText.split(separator: "\n").contains("usr"))
        }
    }

    @Test("what is no program is refused by name")
    func noProgram() async throws {
        try await LayerFixture.withStore { lab in
            let program = HostProgram(path: "/etc/passwd")
            await #expect(throws: (any Error).self) {
                try await lab.store.importProgram(program, reference: nil)
            }
            let images = try await lab.store.list()
            #expect(images.isEmpty)
        }
    }
}
