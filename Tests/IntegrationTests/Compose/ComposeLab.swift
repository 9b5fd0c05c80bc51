import Linux
import Synchronization
import Testing

/// The real programs with an image `stackctl-test/busybox` of all that busybox can, and compose projects in folders.
struct ComposeLab: Sendable {
    static let image = "stackctl-test/busybox"
    let lab: ProgramLab

    init() async throws {
        lab = try ProgramLab()
        let rootfs = lab.folder + "/busybox"
        for folder in ["bin", "etc", "tmp", "proc", "sys", "dev", "root", "var/log"] {
            try Files.makeDirectories("\(rootfs)/\(folder)")
        }
        try Files.copy("/usr/bin/busybox", to: "\(rootfs)/bin/busybox", mode: 0o755)
        let list = try await Spawn.run(SpawnRequest("/usr/bin/busybox", ["--list"]))
        for name in list.outputText.split(separator: "\n") where name != "busybox" {
            try Files.symlink("busybox", at: "\(rootfs)/bin/\(name)")
        }
        try Files.write(
            "\(rootfs)/etc/passwd",
            Array("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n".utf8))
        try Files.write("\(rootfs)/etc/group", Array("root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n".utf8))
        try Files.chmod("\(rootfs)/tmp", mode: 0o1777)
        let archive = lab.folder + "/busybox.tar"
        _ = try await Spawn.run(SpawnRequest("/usr/bin/tar", ["-C", rootfs, "-cf", archive, "."]))
        try await lab.stackctl("import", archive, Self.image)
    }

    /// A project in a folder of its own, of files by their paths in it.
    func project(_ name: String, _ files: [String: String]) throws -> ComposeFolder {
        let folder = "\(lab.folder)/\(name)"
        for (path, text) in files {
            let whole = "\(folder)/\(path)"
            if let slash = whole.lastIndex(of: "/") { try Files.makeDirectories(String(whole[..<slash])) }
            try Files.write(whole, Array(text.utf8))
        }
        return ComposeFolder(lab: lab, folder: folder)
    }
}

/// The folder of a compose project, and what is asked for of it.
struct ComposeFolder: Sendable {
    let lab: ProgramLab
    let folder: String
    /// Options that name the files and profiles.
    var options: [String] = []
    var environment: [String] = []

    /// Runs `stackctl` in the folder.
    @discardableResult
    func stackctl(
        _ arguments: [String], environment more: [String] = [], input: String = "", expecting code: Int32? = 0,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> ProgramLab.Answer {
        var request = lab.request(lab.programs + "/stackctl", arguments, environment: environment + more)
        request.workingDirectory = folder
        let answer = try await lab.run(request, input: input, at: place)
        if let code {
            #expect(
                answer.code == code, "stackctl \(arguments.joined(separator: " ")) in \(folder):\n\(answer.text)",
                sourceLocation: place)
        }
        return answer
    }

    /// Runs a verb of `stackctl compose`.
    @discardableResult
    func compose(
        _ arguments: String..., environment more: [String] = [], input: String = "", expecting code: Int32? = 0,
        at place: SourceLocation = #_sourceLocation
    ) async throws -> ProgramLab.Answer {
        try await stackctl(
            ["compose"] + options + arguments, environment: more, input: input, expecting: code, at: place)
    }

    /// Waits until a service has printed a text.
    func waits(for text: String, from service: String, at place: SourceLocation = #_sourceLocation) async throws {
        try await lab.eventually("\(service) of \(folder) says: \(text)", within: 120, at: place) {
            try await compose("logs", "--no-log-prefix", service, at: place).out.contains(text)
        }
    }
}
