import Apply
import JSONText
import Linux
import StackModel
import Testing

@testable import Engine
@testable import Providers

@Suite("A stack's container with a volume that its image asks for", .timeLimit(.minutes(5)))
struct AnonymousVolumeTests {
    @Test("its data is named as what a new container costs, and goes with the old one")
    func dataLoss() async throws {
        let lab = try await EngineLab()
        let engine = try await lab.engine
        var wanted = ContainerSpecification()
        wanted.image = "busybox"
        wanted.command = ["sleep", "1000"]
        wanted.volumes = ["/data"]
        wanted.stopSignal = "SIGKILL"
        let container = try await engine.createContainer(ContainerRequest(name: "shop-db", specification: wanted))
        try await engine.start(container)
        #expect(try await lab.docker("volume", "ls", "-q").out.split(separator: "\n").count == 1)

        let address = ResourceAddress(kind: .container, name: "db")
        let attributes: JSONObject = ["image": "busybox", "command": ["sleep", "1000"], "env": ["A": "1"]]
        let provider = ContainerProvider(engine: engine)
        let recorded = RecordedObject(
            address: address, objectID: container.id, attributes: attributes, outputs: JSONObject())
        let observed = try #require(try await provider.observe(stack: "shop", recorded: [recorded])[address])
        #expect(observed.data == "its anonymous volume at /data")
        // It is no mount of the manifest, and so no difference.
        #expect(observed.attributes["mounts"] == [])

        try await provider.delete(
            stack: "shop", address: address, objectID: container.id, attributes: attributes, isReplaced: false,
            progress: { _ in })
        #expect(try await lab.docker("volume", "ls", "-q").out == "")
        try await lab.takeDown()
    }
}
