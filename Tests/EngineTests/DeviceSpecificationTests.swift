import Engine
import Linux
import Runtime
import Testing

@Suite("Devices that vendors describe")
struct DeviceSpecificationTests {
    private static func withFiles(_ files: [String: String], _ body: (String) throws -> Void) throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-cdi-")
        defer { try? Files.removeTree(directory) }
        for (name, text) in files { try Files.write("\(directory)/\(name)", Array(text.utf8)) }
        try body(directory)
    }

    private static let vendor = """
        {"cdiVersion":"0.6.0","kind":"vendor.com/gpu",
         "containerEdits":{"env":["COMMON=1"],"additionalGids":[44]},
         "devices":[
          {"name":"x","containerEdits":{"env":["GPU=x"],"deviceNodes":[{"path":"/dev/gpu0","hostPath":"/dev/null"}],
            "mounts":[{"hostPath":"/usr/lib","containerPath":"/lib/gpu","options":["ro","nosuid","bind"]}]}},
          {"name":"y","containerEdits":{"env":["GPU=y"],"deviceNodes":[{"path":"/dev/zero","permissions":"r"}]}}]}
        """

    @Test("what several devices need comes together, the kind's own part once")
    func edits() throws {
        try Self.withFiles(["vendor.json": Self.vendor]) { directory in
            let specifications = DeviceSpecifications(directories: [directory])
            #expect(specifications.problems == [])
            let edits = try specifications.edits(for: ["vendor.com/gpu=x", "vendor.com/gpu=y"])
            #expect(edits.env == ["COMMON=1", "GPU=x", "GPU=y"])
            #expect(edits.groups == ["44"])
            #expect(edits.devices.map(\.hostPath) == ["/dev/null", "/dev/zero"])
            #expect(edits.devices.map(\.access) == ["rwm", "r"])
            #expect(edits.mounts.first?.target == "/lib/gpu")
            #expect(edits.mounts.first?.readOnly == true && edits.mounts.first?.noSetUserID == true)
        }
    }

    @Test("a name that nothing describes is refused in Docker's words, with the files that could not be used")
    func unresolvable() throws {
        let hooks = #"{"cdiVersion":"0.6.0","kind":"a.b/c","containerEdits":{"hooks":[{"hookName":"x"}]}}"#
        let files = ["vendor.json": Self.vendor, "other.yaml": "cdiVersion: 1", "hooks.json": hooks, "bad.json": "{"]
        try Self.withFiles(files) { directory in
            let specifications = DeviceSpecifications(directories: ["/nonexistent", directory])
            let error = #expect(throws: EngineError.self) {
                _ = try specifications.edits(for: ["vendor.com/gpu=x", "vendor.com/gpu=z"])
            }
            let text = error?.message ?? ""
            #expect(
                text.hasPrefix("CDI device injection failed: unresolvable CDI devices vendor.com/gpu=z"), "\(text)")
            for part in ["JSON only", "hooks: programs of the host", "bad.json cannot be used"] {
                #expect(text.contains(part), "\(part)")
            }
        }
    }
}
