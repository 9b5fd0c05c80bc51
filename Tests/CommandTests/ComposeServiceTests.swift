import Compose
import Diagnostics
import JSONText
import Linux
import Testing

@testable import stackctl

@Suite("What compose verbs make of a service")
struct ComposeServiceTests {
    private static let place = Diagnostics.SourceLocation(file: "compose.yaml", line: 1)

    /// A node of JSON, as the canonical form has it.
    static func node(_ value: JSONValue) -> ComposeNode {
        switch value {
        case .array(let elements): ComposeNode(.list(elements.map(node)), at: place)
        case .object(let members):
            ComposeNode(
                .map(
                    ComposeMap(members.map { ComposeMap.Entry(key: $0.0, value: node($0.1), location: place) })),
                at: place)
        case .string(let text): ComposeNode(.string(text), at: place)
        case .bool(let flag): ComposeNode(.bool(flag), at: place)
        case .null: ComposeNode(.null, at: place)
        default: ComposeNode(value.intValue.map { .int($0) } ?? .double(value.doubleValue ?? 0), at: place)
        }
    }

    private static func project(_ services: JSONObject, secrets: JSONObject = [:]) -> ComposeProject {
        var project = ComposeProject(name: "shop", directory: "/srv/shop", files: ["/srv/shop/compose.yaml"])
        project.environment = ["FROM_HERE": "yes"]
        for (name, value) in services { project.services[name] = node(value) }
        for (name, value) in secrets { project.secrets[name] = node(value) }
        return project
    }

    // MARK: build

    @Test("every field of build is an option of stackctl build")
    func build() throws {
        let project = Self.project(
            [
                "web": [
                    "build": [
                        "context": "/srv/shop", "dockerfile": "Dockerfile.web",
                        "args": ["A": "1", "FROM_HERE": .null, "NO": .null],
                        "target": "prod", "labels": ["l": "v"], "cache_from": ["type=registry,ref=r"],
                        "cache_to": ["type=inline"],
                        "no_cache": true, "pull": true, "platforms": ["linux/amd64"], "tags": ["web:2"],
                        "additional_contexts": ["base": "service:base", "src": "/srv/src"],
                        "extra_hosts": ["h=10.0.0.1"],
                        "network": "host", "privileged": true, "shm_size": "1048576",
                        "ulimits": ["nofile": ["soft": 1, "hard": 2]],
                        "ssh": ["default"], "secrets": [["source": "token", "target": "t"]],
                        "entitlements": ["network.host"],
                        "provenance": "mode=max", "sbom": "true",
                    ]
                ],
                "base": ["build": ["context": "/srv/base"], "image": "base:1"],
            ], secrets: ["token": ["environment": "TOKEN"]])
        let build = try #require(ComposeBuild("web", in: project))
        #expect(build.image == "shop-web" && build.dependencies == ["base"])
        let parsed = build.arguments(.init())
        #expect(parsed.values(of: BuildOptions.tag) == ["shop-web", "web:2"])
        #expect(parsed.values(of: BuildOptions.argument) == ["A=1", "FROM_HERE=yes"])
        #expect(parsed.values(of: BuildOptions.context) == ["base=docker-image://base:1", "src=/srv/src"])
        #expect(parsed.values(of: BuildOptions.secret) == ["id=t,env=TOKEN"])
        #expect(parsed.values(of: BuildOptions.ulimit) == ["nofile=1:2"])
        #expect(parsed.values(of: BuildOptions.allow) == ["network.host", "security.insecure"])
        #expect(parsed.values(of: BuildOptions.hosts) == ["h=10.0.0.1"])
        #expect(
            parsed.value(of: BuildOptions.provenance) == "mode=max" && parsed.value(of: BuildOptions.target) == "prod")
        #expect(
            parsed.isSet(BuildOptions.noCache) && parsed.isSet(BuildOptions.pull) && !parsed.isSet(BuildOptions.push))
        _ = try BuildBody(parsed, environment: { _ in nil }, directory: "/srv/shop")
        let needed = ComposeBuildCommand.needed(["web"], in: project)
        #expect(needed.map(\.service) == ["web", "base"])
        var pushing = ComposeBuild.Options()
        pushing.pushes = true
        // A name that the file does not give is no place in a registry.
        #expect(needed.map { $0.arguments(pushing).isSet(BuildOptions.push) } == [false, true])
    }

    // MARK: run

    private static func arguments(_ words: String...) throws -> ParsedArguments {
        try ArgumentParser.parse(["compose", "run"] + words, root: CommandTree.root).arguments
    }

    private static func oneOff() throws -> ComposeRunCommand.OneOff {
        var project = Self.project(["web": [:]])
        project.volumes["data"] = node(["name": "shop_data"])
        return try ComposeRunCommand.OneOff(
            project: project, service: "web",
            attributes: [
                "image": "busybox", "command": ["httpd"], "env": ["A": "1", "B": "2"], "name": "fixed",
                "labels": ["com.docker.compose.service": "web", "com.docker.compose.oneoff": "False"],
                "restart": ["policy": "always"], "ports": [["published": 80, "target": 80, "protocol": "tcp"]],
                "mounts": [["type": "volume", "source": "shop_data", "target": "/data", "readOnly": false]],
                "networks": [["network": "shop_default", "aliases": ["web", "shop-web-1"], "address": "10.1.0.9"]],
            ])
    }

    @Test("a container of run is none of its service's: no ports, names, address, restarts")
    func oneOffContainer() throws {
        let target = try Self.oneOff()
        let body = try ComposeRunCommand.body(
            target, try Self.arguments("--rm", "-e", "B", "-e", "C=3", "-l", "x=y", "web", "ls", "-l"),
            hasTerminal: false)
        #expect(target.name.hasPrefix("shop-web-run-") && target.name.utf8.count == "shop-web-run-".utf8.count + 12)
        #expect(body["Cmd"] == ["ls", "-l"])
        // Without a value anywhere the image's own is taken away.
        #expect(body["Env"] == ["A=1", "C=3", "B"])
        let labels = body["Labels"]?.objectValue?.strings ?? [:]
        #expect(labels["com.docker.compose.oneoff"] == "True" && labels["x"] == "y")
        #expect(labels["com.docker.compose.slug"] == target.slug)
        #expect(body["HostConfig"]?["AutoRemove"] == true)
        #expect(body["HostConfig"]?["RestartPolicy"]?["Name"] != "always")
        #expect(body["HostConfig"]?["PortBindings"]?.objectValue?.isEmpty ?? true)
        let endpoint = body["NetworkingConfig"]?["EndpointsConfig"]?["shop_default"]
        #expect(endpoint != nil && endpoint?["IPAMConfig"]?["IPv4Address"]?.stringValue == nil)
        let names = endpoint?["Aliases"]?.arrayValue ?? []
        #expect(!names.contains("web"))
        #expect(body["OpenStdin"] == true && body["Tty"] == false)
    }

    @Test("a container of run has ports, names, volumes and rights that are asked for")
    func askedFor() throws {
        let body = try ComposeRunCommand.body(
            try Self.oneOff(),
            try Self.arguments(
                "-P", "-p", "8080:80", "--use-aliases", "-v", "data:/other", "-v", "/tmp:/data", "--cap-add",
                "NET_ADMIN",
                "-w", "/srv", "-u", "nobody", "--entrypoint", "sh -c", "-T", "--interactive=false", "web", "id"),
            hasTerminal: false)
        let host = body["HostConfig"]
        #expect(host?["PortBindings"]?["80/tcp"] != nil)
        #expect(host?["Binds"]?.arrayValue?.contains("shop_data:/other") == true)
        let targets = (host?["Mounts"]?.arrayValue ?? []).compactMap { $0["Target"]?.stringValue }
        #expect(!targets.contains("/data"))
        let added = (host?["CapAdd"]?.arrayValue ?? []).compactMap(\.stringValue)
        #expect(added.contains { $0.hasSuffix("NET_ADMIN") })
        #expect(body["Entrypoint"] == ["sh", "-c"] && body["Cmd"] == ["id"])
        #expect(body["User"] == "nobody" && body["WorkingDir"] == "/srv" && body["OpenStdin"] == false)
        let endpoint = body["NetworkingConfig"]?["EndpointsConfig"]?["shop_default"]
        #expect(endpoint?["Aliases"]?.arrayValue?.contains("web") == true)
    }

    // MARK: hooks and watch

    @Test("hooks have what their service says")
    func hooks() throws {
        let hook = try #require(
            ComposeHooks.Hook(
                Self.node([
                    "command": ["sh", "-c", "true"], "user": "root", "privileged": true, "working_dir": "/x",
                    "environment": ["A": "1", "B": .null],
                ])))
        #expect(hook.command == ["sh", "-c", "true"] && hook.user == "root" && hook.isPrivileged)
        #expect(hook.workingDirectory == "/x" && hook.environment == ["A=1", "B"])
        #expect(ComposeHooks.Hook(Self.node(["user": "root"])) == nil)
    }

    @Test(
        "a rule of watch that cannot be done is told with its place",
        arguments: [
            ["path": "/srv", "action": "sync"], ["path": "/srv", "action": "copy", "target": "/x"],
            ["action": "rebuild"],
            ["path": "/srv", "action": "sync+exec", "target": "/x"],
        ] as [JSONValue])
    func badRules(rule: JSONValue) throws {
        let problem = try #require(throws: Diagnostic.self) {
            _ = try WatchRule("web", Self.node(rule), contextRules: nil)
        }
        #expect(problem.code == "SC0236" && problem.location == Self.place)
    }

    @Test("a rule of watch sees what is neither ignored nor left out, and where it goes")
    func look() throws {
        let folder = try Files.temporaryDirectory(prefix: "stackctl-watch-")
        defer { try? Files.removeTree(folder) }
        for directory in ["src/deep", "node_modules/x", ".git"] { try Files.makeDirectories("\(folder)/\(directory)") }
        for file in ["src/a.py", "src/deep/b.py", "src/c.txt", "node_modules/x/d.py", ".git/HEAD"] {
            try Files.write("\(folder)/\(file)", [])
        }
        let rule = try WatchRule(
            "web",
            Self.node([
                "path": .string(folder), "action": "sync", "target": "/app/", "ignore": ["node_modules/"],
                "include": ["**/*.py"],
            ]), contextRules: nil)
        let found = rule.look()
        #expect(found.files.keys.sorted() == ["src/a.py", "src/deep/b.py"])
        #expect(found.directories.keys.contains("\(folder)/src/deep"))
        #expect(!found.directories.keys.contains { $0.hasSuffix("node_modules") })
        #expect(rule.place(of: "src/a.py") == "/app/src/a.py")
    }
}
