import Linux
import Testing

@Suite("Ports that move between containers of a stack", .serialized, .timeLimit(.minutes(20)))
struct PortHandoverTests {
    /// `web` depends on `db`; the input says who has which port.
    private static let manifest = """
        import StackDSL

        @main
        struct Ports: Stack {
            @Input("Who publishes what") var layout = ""

            var resources: Resources {
                let lan = Network("lan")
                let image = Image("ports/busybox", rootfs: "../rootfs")
                let db = Container("db", image: image) {
                    Attach(lan)
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                    if ["db", "db-hostname", "db-alone"].contains(layout) { Publish(18300, to: 80) }
                    if layout == "both" { Publish(18301, to: 80) }
                    if layout == "exchanged" { Publish(18300, to: 80) }
                }
                let web = Container("web", image: image) {
                    Attach(lan)
                    DependsOn(db)
                    Env("DATABASE", db.host)
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                    if layout == "db-hostname" { Hostname("other") }
                    if layout == "db-env" { Env("MORE", "yes") }
                    if ["web", "both"].contains(layout) { Publish(18300, to: 81) }
                    if layout == "exchanged" { Publish(18301, to: 81) }
                }
                return Resources {
                    db
                    if layout != "db-alone" { web }
                }
            }
        }

        """

    @Test("a port moves either way along a dependency, and two are exchanged, in one apply")
    func moves() async throws {
        let lab = try ProgramLab()
        try lab.write("ports", Self.manifest)
        var first: [String] = []
        for layout in ["web", "db", "web", "db-hostname", "web", "db-alone", "both", "exchanged", "both", "web"] {
            try await lab.stackctl("apply", "ports", "--yes", "--var", "layout=\(layout)")
            try await lab.stackctl("plan", "ports", "--detailed-exitcode", "--var", "layout=\(layout)")
            let ports = try await lab.stackctl("ps").out.split(separator: "\n").filter { $0.contains("->") }
            #expect(ports.count == (["both", "exchanged"].contains(layout) ? 2 : 1), "\(layout): \(ports)")
            if first.isEmpty { first = try lab.traces().withoutLayers }
        }
        try await lab.expectTraces(first)
        try await lab.stackctl("destroy", "ports", "--yes")
        try await lab.takeDown()
    }

    @Test("what only exchanges ports is not recreated")
    func keeps() async throws {
        let lab = try ProgramLab()
        try lab.write("ports", Self.manifest)
        try await lab.stackctl("apply", "ports", "--yes", "--var", "layout=both")
        let before = try await lab.stackctl("ps", "--quiet").out
        let answer = try await lab.stackctl("apply", "ports", "--yes", "--var", "layout=exchanged")
        #expect(answer.out.contains("2 updated"), "\(answer.out)")
        #expect(try await lab.stackctl("ps", "--quiet").out == before)
        try await lab.stackctl("destroy", "ports", "--yes")
        try await lab.takeDown()
    }
}
