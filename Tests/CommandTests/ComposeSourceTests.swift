import Compose
import Diagnostics
import JSONText
import Linux
import StackModel
import Testing

@testable import stackctl

@Suite("compose files in place of a manifest")
struct ComposeSourceTests {
    private func inTemporaryFolder(_ body: (String) throws -> Void) throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-test-")
        defer { try? Files.removeTree(folder) }
        try body(folder)
    }

    private func write(_ folder: String, _ names: String...) throws {
        for name in names { try Files.write("\(folder)/\(name)", Array("services: {}\n".utf8)) }
    }

    @Test("a folder without a manifest is taken by its compose file, and the one that overrides it")
    func folder() throws {
        try inTemporaryFolder { folder in
            try write(folder, "docker-compose.yml")
            #expect(try StackSelection.source(folder) == .compose(["\(folder)/docker-compose.yml"]))
            try write(folder, "compose.yaml", "compose.override.yml", "docker-compose.override.yml")
            let both = ["\(folder)/compose.yaml", "\(folder)/compose.override.yml"]
            #expect(try StackSelection.source(folder) == .compose(both))
            #expect(try StackSelection.sourceOrName(folder) == .compose(both))
            #expect(
                try StackSelection.sourceOrPlan(folder + "/docker-compose.yml")
                    == .compose([folder + "/docker-compose.yml"]))
        }
    }

    @Test("a manifest wins over a compose file beside it, and that is said")
    func both() throws {
        try inTemporaryFolder { folder in
            try write(folder, "compose.yml", "Stack.swift")
            #expect(try StackSelection.source(folder) == .folder(folder))
            let note = try #require(StackSelection.notes(on: folder).first)
            #expect(note.summary == "Stack.swift is taken, and not compose.yml beside it")
            #expect(note.hint == "the compose file is taken with: -f \(folder)/compose.yml")
            #expect(StackSelection.notes(on: folder + "/none").isEmpty)
        }
    }

    @Test("only regular files are read, up to a limit")
    func files() throws {
        try inTemporaryFolder { folder in
            let files = UserComposeFiles()
            try write(folder, "compose.yaml")
            #expect(try files.read("\(folder)/compose.yaml") == Array("services: {}\n".utf8))
            #expect(try files.read("\(folder)/none") == nil)
            #expect(try files.read("\(folder)/compose.yaml/none") == nil)
            #expect(throws: ComposeFileFailure("is a directory")) { try files.read(folder) }
            #expect(throws: ComposeFileFailure("is a device and not a file")) { try files.read("/dev/zero") }
            try Files.makeFIFO("\(folder)/pipe")
            #expect(throws: ComposeFileFailure.self) { try files.read("\(folder)/pipe") }
            try Files.symlink("loop", at: "\(folder)/loop")
            #expect(throws: ComposeFileFailure("is a link that leads in a circle")) { try files.read("\(folder)/loop") }
            let large = try Files.open("\(folder)/large", [.writeOnly, .create])
            try large.truncate(to: Int64(UserComposeFiles.sizeLimit) + 1)
            #expect(throws: ComposeFileFailure("has more than 16 MiB")) { try files.read("\(folder)/large") }
            #expect(files.exists("\(folder)/compose.yaml") && !files.exists("\(folder)/none"))
        }
    }

    @Test("files are named as from the working directory")
    func paths() throws {
        let here = try CurrentProcess.workingDirectory()
        let source = try ComposeSource(
            files: ["a.yaml", "/b.yaml"], projectName: "shop", profiles: ["x"], environmentFiles: ["e"],
            projectDirectory: "p")
        #expect(source.request.files == ["\(here)/a.yaml", "/b.yaml"])
        #expect(source.request.environmentFiles == ["\(here)/e"] && source.request.projectDirectory == "\(here)/p")
        #expect(source.request.projectName == "shop" && source.request.profiles == ["x"])
        #expect(try ComposeSource().request.environmentFiles == nil)
    }
}

@Suite("a generation to go back to")
struct EarlierGenerationTests {
    private func answer(_ image: JSONValue, _ state: JSONValue) throws -> JSONValue {
        let location = SourceLocation(file: "Stack.swift", line: 3)
        let address = try #require(ResourceAddress("container.web"))
        let site = try #require(ResourceAddress("image.site"))
        let document = StackDocument(
            name: "shop",
            resources: [
                StackResource(address: site, attributes: [:], dependencies: [], location: location),
                StackResource(address: address, attributes: ["image": image], dependencies: [], location: location),
            ])
        return [
            "generation": 4, "finished": 1, "document": document.json, "images": ["container.web": state],
        ]
    }

    private func image(_ image: JSONValue, _ state: JSONValue) throws -> (JSONValue?, [String]) {
        let earlier = try EarlierGeneration(try answer(image, state))
        return (earlier.document.resources.last?.attributes["image"], earlier.notes.map(\.code))
    }

    @Test("a container gets the image it had where its name means another one now, and where that is gone it is said")
    func images() throws {
        let same = try image("app:latest", ["id": "sha256:1", "present": true, "current": "sha256:1"])
        #expect(same.0 == "app:latest" && same.1 == [])
        let moved = try image("app:latest", ["id": "sha256:1", "present": true, "current": "sha256:2"])
        #expect(moved.0 == "sha256:1" && moved.1 == [])
        let gone = try image("app:latest", ["id": "sha256:1", "present": false, "current": "sha256:2"])
        #expect(gone.0 == "app:latest" && gone.1 == ["SC0187"])
        let fixed = try image("app@sha256:3", ["id": "sha256:1", "present": false])
        #expect(fixed.0 == "app@sha256:3" && fixed.1 == [])
        let reference: JSONValue = ["$ref": "image.site", "attribute": "id"]
        let built = try image(reference, ["id": "sha256:1", "present": true, "current": "sha256:2"])
        #expect(built.0 == "sha256:1" && built.1 == [])
    }
}
