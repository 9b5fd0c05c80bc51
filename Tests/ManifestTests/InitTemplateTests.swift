import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@testable import Manifest

@Suite("A new stack", .serialized)
struct InitTemplateTests {
    @Test(
        "the folder's name becomes a type's name",
        arguments: [
            ("/x/my-shop", "MyShop"), ("hello", "Hello"), ("/tmp/2nd", "Stack2nd"), ("stack", "StackStack"),
            ("/", "StackStack"), ("/x/---", "Stack1"),
            ("größe", "GrE"), ("volume", "VolumeStack"),
        ])
    func typeNames(path: String, name: String) { #expect(InitTemplate.typeName(of: path) == name) }

    @Test("loads without any diagnostic, and a second init refuses to overwrite it")
    func template() async throws {
        let folder = try TemporaryFolder()
        let loader = try testLoader(cache: folder.path + "/cache")
        let path = folder.path + "/my-shop"
        let written = try InitTemplate.write(folder: path, installation: loader.installation)
        #expect(written.contains(path + "/Stack.swift"))
        let loaded = try await loader.load(folder: path)
        #expect(loaded.document.name == "my-shop")
        #expect(loaded.warnings.filter { $0.code != "SC1257" } == [])
        let again = errors { () throws(DiagnosticList) in
            _ = try InitTemplate.write(folder: path, installation: loader.installation)
        }
        #expect(again.map(\.code) == ["SC1270"])
    }

    @Test("the editor's database follows the files of the folder")
    func compileCommands() async throws {
        let folder = try TemporaryFolder()
        let loader = try testLoader(cache: folder.path + "/cache")
        let path = folder.path + "/shop"
        _ = try InitTemplate.write(folder: path, installation: loader.installation)
        try folder.write("shop/Parts.swift", "import StackDSL\n")
        _ = try await loader.load(folder: path)
        let database = try JSONValue.parse(try Files.readAll(path + "/compile_commands.json"))
        #expect(database.arrayValue?.compactMap { $0["file"]?.stringValue } == ["Parts.swift", "Stack.swift"])
    }

    @Test("sourcekit-lsp has nothing to complain about")
    func editor() async throws {
        let server = try await Toolchain.find(path: Environment.get("PATH")).compiler.replacing(
            "/swiftc", with: "/sourcekit-lsp")
        try #require(Files.exists(server), "the toolchain has no sourcekit-lsp")
        let folder = try TemporaryFolder()
        let loader = try testLoader(cache: folder.path + "/cache")
        let path = folder.path + "/shop"
        _ = try InitTemplate.write(folder: path, installation: loader.installation)
        let file = path + "/Stack.swift"
        let text = try Files.readText(file)
        let root = JSONValue.string("file://" + path)
        let uri = JSONValue.string("file://" + file)
        let messages: [JSONValue] = [
            [
                "jsonrpc": "2.0", "id": 1, "method": "initialize",
                "params": ["processId": nil, "rootUri": root, "capabilities": [:]],
            ],
            ["jsonrpc": "2.0", "method": "initialized", "params": [:]],
            [
                "jsonrpc": "2.0", "method": "textDocument/didOpen",
                "params": ["textDocument": ["uri": uri, "languageId": "swift", "version": 1, "text": .string(text)]],
            ],
            ["jsonrpc": "2.0", "id": 2, "method": "textDocument/diagnostic", "params": ["textDocument": ["uri": uri]]],
        ]
        let answer = try await ask(server, in: path, messages)
        #expect(answer.contains("\"items\":[]"), "\(answer.suffix(2000))")
        #expect(!answer.contains("No such module"))
    }

    /// Sends messages to a language server and returns all it says up to its answer to request 2.
    private func ask(_ server: String, in directory: String, _ messages: [JSONValue]) async throws -> String {
        let input = try Pipe().separate()
        let output = try Pipe().separate()
        var request = SpawnRequest(server)
        request.workingDirectory = directory
        request.newProcessGroup = true
        request.descriptors = [0: input.reading.raw, 1: output.writing.raw]
        let child = try Spawn.start(request)
        let writer = try AsyncDescriptor(try input.writing.duplicate())
        let reader = try AsyncDescriptor(try output.reading.duplicate())
        let guardian = Task {
            try await EventLoop.shared.sleep(for: .seconds(60))
            try child.sendToGroup(9)
        }
        for message in messages {
            let body = message.serializedBytes()
            try await writer.writeAll(Array("Content-Length: \(body.count)\r\n\r\n".utf8) + body)
        }
        var answer = ""
        while !answer.contains("\"id\":2"), try child.currentStatus() == nil {
            answer += String(decoding: try await reader.read(), as: UTF8.self)
        }
        guardian.cancel()
        try child.sendToGroup(9)
        _ = try await child.exitStatus()
        withExtendedLifetime((input, output)) {}
        return answer
    }
}
