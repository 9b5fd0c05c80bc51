import Compose
import Diagnostics
import Testing

@Suite("which files make a project, and what it is called")
struct ModelNamingTests {
    private let web = "services: {web: {image: 'a:${TAG:-none}'}}"

    private func load(
        _ files: [String: String], _ change: (inout ComposeRequest) -> Void = { _ in }
    ) throws -> ComposeProject {
        var request = ComposeRequest(workingDirectory: "/home/me/shop/deep/er")
        change(&request)
        return try ComposeLoader(request, files: ModelFiles(texts: files)).load()
    }

    @Test("the nearest compose file upwards, and the override beside it")
    func search() throws {
        let project = try load([
            "/home/me/shop/compose.yaml": web, "/home/me/shop/compose.override.yml": "services: {web: {tty: true}}",
            "/home/me/docker-compose.yml": "services: {other: {image: b}}",
        ])
        #expect(project.directory == "/home/me/shop")
        #expect(project.files == ["/home/me/shop/compose.yaml", "/home/me/shop/compose.override.yml"])
        #expect(project.name == "shop")
        #expect(project.services["web"]?["tty"]?.bool == true)
    }

    @Test("the variables of a file that is named are those of its folder alone")
    func variablesOfNamedFile() throws {
        let project = try load([
            "/home/me/shop/deep/er/.env": "TAG=here\nCOMPOSE_PROJECT_NAME=here\n", "/home/me/other/.env": "TAG=there\n",
            "/home/me/other/compose.yaml": web,
        ]) { $0.files = ["/home/me/other/compose.yaml"] }
        #expect(project.name == "other")
        #expect(project.services["web"]?["image"]?.string == "a:there")
    }

    @Test("with two of them in one folder, one is used and the other is mentioned")
    func two() throws {
        let project = try load([
            "/home/me/shop/compose.yml": web, "/home/me/shop/docker-compose.yml": "services: {other: {image: b}}",
        ])
        #expect(project.services.keys == ["web"])
        #expect(project.diagnostics.map(\.code) == ["SC2214"])
        #expect(project.diagnostics.first?.summary == "compose.yml is used, and not docker-compose.yml beside it")
    }

    @Test("there has to be one")
    func none() {
        #expect(throws: DiagnosticList.self) { try load([:]) }
    }

    @Test("files that are named, and their folder")
    func named() throws {
        let project = try load(
            ["/a/one.yaml": web, "/b/two.yaml": "services: {web: {build: ./src}}"]
        ) { $0.files = ["/a/one.yaml", "/b/two.yaml"] }
        #expect(project.directory == "/a" && project.name == "a")
        #expect(project.services["web"]?["build"]?["context"]?.string == "/a/src")
        let elsewhere = try load(["/a/one.yaml": web]) {
            $0.files = ["/a/one.yaml"]
            $0.projectDirectory = "/srv/Else Where"
        }
        #expect(elsewhere.directory == "/srv/Else Where" && elsewhere.name == "elsewhere")
    }

    @Test("files that COMPOSE_FILE names, from the caller or .env")
    func variable() throws {
        let files = [
            "/home/me/shop/deep/er/.env": "COMPOSE_FILE=../a.yaml:/b/b.yaml\n", "/home/me/shop/deep/a.yaml": web,
            "/b/b.yaml": "services: {b: {image: b}}",
        ]
        #expect(try load(files).files == ["/home/me/shop/deep/a.yaml", "/b/b.yaml"])
        let project = try load(files) {
            $0.environment = ["COMPOSE_FILE": "/b/b.yaml", "COMPOSE_PATH_SEPARATOR": "|"]
        }
        #expect(project.services.keys == ["b"])
    }

    @Test("a text from standard input")
    func text() throws {
        let project = try load([:]) {
            $0.files = ["-"]
            $0.texts = ["-": Array("services: {a: {build: .}}".utf8)]
        }
        #expect(project.directory == "/home/me/shop/deep/er")
        #expect(project.services["a"]?["build"]?["context"]?.string == "/home/me/shop/deep/er")
    }

    @Test("the name asked for goes before the variable, the file and the folder")
    func name() throws {
        let files = ["/home/me/shop/compose.yaml": "name: file-${X:-y}\n" + web]
        #expect(try load(files).name == "file-y")
        #expect(try load(files) { $0.environment = ["X": "z"] }.name == "file-z")
        #expect(try load(files) { $0.environment = ["COMPOSE_PROJECT_NAME": "variable"] }.name == "variable")
        #expect(
            try load(files) {
                $0.environment = ["COMPOSE_PROJECT_NAME": "variable"]
                $0.projectName = "asked"
            }.name == "asked")
    }

    @Test("the last file's name counts, and files may refer to it")
    func lastName() throws {
        let project = try load([
            "/home/me/shop/compose.yaml": "name: first\nservices: {a: {image: 'a:$COMPOSE_PROJECT_NAME'}}",
            "/home/me/shop/compose.override.yaml": "name: second",
        ])
        #expect(project.name == "second")
        #expect(project.services["a"]?["image"]?.string == "a:second")
    }

    @Test(
        "a file may have its name in any form",
        arguments: [
            "{name: 'n-${X:-1}', services: {a: {image: 'a:$COMPOSE_PROJECT_NAME'}}}",
            #"{"services": {"a": {"image": "a:$COMPOSE_PROJECT_NAME"}}, "name": "n-1"}"#,
            "\"name\": n-1\nservices: {a: {image: 'a:$COMPOSE_PROJECT_NAME'}}",
            "services: {a: {image: 'a:$COMPOSE_PROJECT_NAME'}}\nname: >-\n  n-1\n",
            "\u{FEFF}name: n-1\nservices: {a: {image: 'a:$COMPOSE_PROJECT_NAME'}}",
        ])
    func forms(text: String) throws {
        let project = try ModelLab.project(text)
        #expect(project.name == "n-1")
        #expect(project.services["a"]?["image"]?.string == "a:n-1")
    }

    @Test("a file that says nothing is an error", arguments: ["", "# only a remark\n", "---\n---\n"])
    func empty(text: String) {
        #expect(ModelLab.problems(text) == ["SC2219 compose.yaml:1:1 compose.yaml says nothing"])
    }

    @Test(
        "a name that is given and is none is an error",
        arguments: ["Upper", "with space", "-dash", "dot.dot", "ümlaut"])
    func invalid(name: String) {
        let files = ["/home/me/shop/compose.yaml": web]
        #expect(throws: DiagnosticList.self) { try load(files) { $0.projectName = name } }
        #expect(throws: DiagnosticList.self) { try load(files) { $0.environment = ["COMPOSE_PROJECT_NAME": name] } }
        let written = ModelLab.problems("services: {a: {image: a}}\nname: '\(name)'")
        #expect(written.count == 1 && written.first?.contains("compose.yaml:2:7") == true, "\(written)")
    }

    @Test("a folder's name is made fit", arguments: [("My App.v2", "myappv2"), ("_-x_Y", "x_y")])
    func folder(name: String, expected: String) throws {
        let project = try load(["/\(name)/compose.yaml": web]) { $0.workingDirectory = "/\(name)" }
        #expect(project.name == expected)
    }

    @Test("a folder whose name gives none needs a name")
    func nameless() {
        #expect(throws: DiagnosticList.self) { try load(["/compose.yaml": web]) { $0.workingDirectory = "/" } }
    }

    @Test("the caller's variables go before those of .env, which may refer to them")
    func environment() throws {
        let files = ["/home/me/shop/compose.yaml": web, "/home/me/shop/.env": "TAG=${KIND:-file}-1\n"]
        func image(_ environment: [String: String]) throws -> String? {
            try load(files) { $0.environment = environment }.services["web"]?["image"]?.string
        }
        #expect(try image([:]) == "a:file-1")
        #expect(try image(["KIND": "shell"]) == "a:shell-1")
        #expect(try image(["TAG": "shell"]) == "a:shell")
        #expect(try image(["COMPOSE_DISABLE_ENV_FILE": "1"]) == "a:none")
    }

    @Test("variables of the folder the user is in go before those of the project's")
    func bothFolders() throws {
        let files = [
            "/home/me/shop/compose.yaml": "services: {web: {image: '${A}-${B}'}}",
            "/home/me/shop/.env": "A=shop\nB=shop\n",
            "/home/me/shop/deep/er/.env": "A=here\n",
        ]
        let project = try load(files)
        #expect(project.services["web"]?["image"]?.string == "here-shop")
        #expect(project.environmentFiles == ["/home/me/shop/deep/er/.env", "/home/me/shop/.env"])
    }

    @Test("a folder that is called .env is no file of variables")
    func environmentFolder() throws {
        let project = try load(["/home/me/shop/compose.yaml": web, "/home/me/shop/.env/bin/activate": ""])
        #expect(project.services["web"]?["image"]?.string == "a:none")
        #expect(project.diagnostics.map(\.code) == ["SC2218"])
    }

    @Test("files of variables that are named take the place of .env")
    func environmentFiles() throws {
        let files = [
            "/home/me/shop/compose.yaml": web, "/home/me/shop/.env": "TAG=usual\n", "/e/one.env": "TAG=one\n",
            "/e/two.env": "TAG=two\n", "/home/me/shop/deep/er/here.env": "TAG=here\n",
        ]
        let project = try load(files) { $0.environmentFiles = ["/e/one.env", "/e/two.env"] }
        #expect(project.services["web"]?["image"]?.string == "a:two")
        #expect(project.environmentFiles == ["/e/one.env", "/e/two.env"])
        let variable = try load(files) { $0.environment = ["COMPOSE_ENV_FILES": "/e/two.env,here.env"] }
        #expect(variable.services["web"]?["image"]?.string == "a:here")
        #expect(throws: DiagnosticList.self) { try load(files) { $0.environmentFiles = ["/e/no.env"] } }
    }
}
