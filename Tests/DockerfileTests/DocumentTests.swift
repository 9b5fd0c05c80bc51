import Dockerfile
import Testing

@Suite("Dockerfile documents")
struct DocumentTests {
    @Test("escape with a backslash unless a directive says otherwise")
    func escape() {
        #expect(DockerfileDocument(name: "Dockerfile").directives.escape == "\\")
    }
}
