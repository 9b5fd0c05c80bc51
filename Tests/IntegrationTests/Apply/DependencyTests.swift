import Linux
import OCI
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("Waiting for what a container depends on", .serialized, .timeLimit(.minutes(20)))
struct DependencyTests {
    private static let manifest = """
        import StackDSL

        @main
        struct Waits: Stack {
            @Input("What the check says") var check = "echo not ready yet; exit 1"

            var resources: Resources {
                let image = Image("waits/busybox", rootfs: "../rootfs")
                let db = Container("db", image: image) {
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                    Healthcheck(.shell(check), every: .milliseconds(100), retries: 2)
                }
                let web = Container("web", image: image) {
                    DependsOn(db, until: .healthy)
                    Command("/bin/sleep", "1000")
                    Stop(signal: "SIGKILL")
                }
                return Resources { web }
            }
        }

        """

    @Test("one that never gets healthy is not waited for without end: the apply fails and says why")
    func neverHealthy() async throws {
        let lab = try ProgramLab()
        try lab.write("waits", Self.manifest)
        // The second one finds it unhealthy.
        for _ in 1...2 {
            let answer = try await lab.stackctl("apply", "waits", "--yes", expecting: 1)
            #expect(answer.sentences.contains("error: waits-db is unhealthy"), "\(answer.error)")
            #expect(answer.sentences.contains("the last health check said: not ready yet"), "\(answer.error)")
            #expect(answer.out.contains("container.web: skipped: it needs container.db, which failed"))
        }
        try await lab.stackctl("apply", "waits", "--yes", "--var", "check=exit 0")
        try await lab.stackctl("plan", "waits", "--detailed-exitcode", "--var", "check=exit 0")
        try await lab.stackctl("destroy", "waits", "--yes")
        try await lab.takeDown()
    }

    @Test("one that is unhealthy already fails the wait at once")
    func alreadyUnhealthy() async throws {
        let lab = try await EngineLab()
        let engine = try await lab.engine
        var wanted = ContainerSpecification()
        wanted.image = "busybox"
        wanted.command = ["sleep", "1000"]
        wanted.healthcheck = Healthcheck(test: ["CMD-SHELL", "echo broken; exit 1"], interval: 50_000_000, retries: 1)
        let container = try await engine.createContainer(ContainerRequest(name: "sick", specification: wanted))
        try await engine.start(container)
        try await lab.eventually("it is unhealthy") { container.snapshot.health?.status == .unhealthy }
        let wait = ContainerWait(
            engine: engine, container: container, address: ResourceAddress(kind: .container, name: "sick"))
        let error = await #expect(throws: (any Error).self) { try await wait.wait(until: .healthy) { _ in } }
        #expect("\(String(describing: error))".contains("is unhealthy"))
        try await lab.takeDown()
    }
}
