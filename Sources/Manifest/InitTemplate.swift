import Diagnostics
import Linux
import StackModel

/// The files of a new stack, as `stackctl init` writes them.
package enum InitTemplate {
    /// One file to write.
    package struct File: Sendable, Hashable {
        /// Its path in the folder.
        package var path: String
        /// Its content.
        package var text: String
    }

    /// The files for a folder.
    ///
    /// - Parameter directory: the folder's absolute path; its last part names the stack.
    package static func files(directory: String, installation: ManifestInstallation) -> [File] {
        let type = typeName(of: directory)
        let name = StackName.ofType(type)
        return [
            File(path: "Stack.swift", text: manifest(type: type, name: name)),
            File(path: "README.md", text: readme(name: name)),
            File(
                path: ".gitignore",
                text:
                    "# Written by stackctl for the editor; it names this machine's paths.\n\(EditorSupport.fileName)\n"),
            File(
                path: EditorSupport.fileName,
                text: EditorSupport.compileCommands(
                    directory: directory, sources: ["Stack.swift"], installation: installation)),
        ]
    }

    /// Writes the files into a folder, which is made when it is missing.
    ///
    /// - Returns: the paths of the files, as the folder was named.
    /// - Throws: `DiagnosticList` when one of them is there already (then nothing is written) or cannot be written.
    package static func write(
        folder: String, installation: ManifestInstallation
    ) throws(DiagnosticList) -> [String] {
        do {
            try Files.makeDirectories(folder)
            let directory = try Files.realPath(folder)
            let files = files(directory: directory, installation: installation)
            let existing = files.filter { Files.exists("\(directory)/\($0.path)") }.map(\.path)
            guard existing.isEmpty else {
                throw DiagnosticList(
                    Diagnostic(
                        code: "SC1270",
                        summary: "\(folder) has \(existing.joined(separator: ", ")) already, so nothing was written",
                        hint: "name another folder: stackctl init NAME"))
            }
            do {
                for file in files { try Files.writeAtomically("\(directory)/\(file.path)", Array(file.text.utf8)) }
            } catch {
                // Half a stack would be in the way of the next try.
                for file in files { _ = try? Files.unlinkIfPresent("\(directory)/\(file.path)") }
                throw error
            }
            return files.map { folder == "." ? $0.path : "\(folder)/\($0.path)" }
        } catch let list as DiagnosticList {
            throw list
        } catch {
            throw DiagnosticList(
                Diagnostic(code: "SC1271", summary: "the folder \(folder) cannot be written", detail: "\(error)"))
        }
    }

    /// A Swift type's name made of a folder's name: `my-shop` gives `MyShop`.
    package static func typeName(of path: String) -> String {
        let last = path.split(separator: "/").last ?? "stack"
        let words = last.split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let name = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        guard let first = name.first, first.isLetter else { return "Stack\(name.isEmpty ? "1" : name)" }
        // These words would hide a type of the DSL, or one that its macros and attributes need.
        let taken: Set = [
            "Stack", "Image", "Container", "Network", "Volume", "Resources", "Output", "Input", "Text", "Component",
            "Command", "Entrypoint", "Env", "Publish", "Mount", "Attach", "Limit", "Restart", "Healthcheck",
            "DependsOn",
            "Label", "User", "Workdir", "Stop", "Update", "Subnet", "ByteCount", "Duration", "String", "Int", "Bool",
            "Double", "Expose", "Hostname", "OneShot", "ReadOnlyRoot", "Reference", "Never", "Void", "Self", "Type",
            "Any", "Protocol", "Manifest",
        ]
        return taken.contains(name) ? name + "Stack" : name
    }

    private static func manifest(type: String, name: String) -> String {
        """
        import StackDSL

        /// A web server with one page.
        @main
        struct \(type): Stack {
            @Input("Port of the host", in: 1...65535) var port = 8080

            var resources: Resources {
                // Debian packages, installed by mmdebstrap; the versions are recorded for the next build.
                let image = Image("\(name)/web", debian: .bookworm, packages: ["nginx-light"])
                let page = Volume("page", content: ["index.html": "<h1>Hello from \(name)</h1>\\n"])

                let web = Container("web", image: image) {
                    Command("nginx", "-g", "daemon off;")
                    Mount(page, at: "/var/www/html", readOnly: true)
                    Publish(port, to: 80)
                    Healthcheck(.http("/", port: 80), every: .seconds(5))
                    Limit(memory: .mebibytes(128), processes: 64)
                    Restart(.onFailure(max: 3))
                }
                return Resources {
                    web
                    Output("url", "http://127.0.0.1:\\(port)/")
                }
            }
        }

        """
    }

    private static func readme(name: String) -> String {
        """
        # \(name)

            stackctl plan       # what would change on this host
            stackctl apply      # make it so
            stackctl drift      # what no longer matches
            stackctl destroy    # remove it

        `Stack.swift` is the whole stack; other Swift files beside it belong to it too. Open this folder in an editor with
        sourcekit-lsp for completion and errors as you type.

        """
    }
}
