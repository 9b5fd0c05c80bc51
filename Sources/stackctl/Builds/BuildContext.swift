import Archives
import Builder
import Diagnostics
import Dockerfile
import Linux

/// Where the files and the Dockerfile of a build come from.
struct BuildContext: Sendable {
    /// The files.
    enum Files: Sendable {
        case directory(String, IgnoreRules)
        /// An archive that comes on standard input.
        case archive(SharedDescriptor, begun: [UInt8])
        /// A repository or an archive that the daemon fetches.
        case remote(String)
        case none
    }

    /// The Dockerfile.
    enum Instructions: Sendable {
        case text([UInt8], name: String)
        /// Of the context's files.
        case path(String)
    }

    let files: Files
    let instructions: Instructions
    /// What is left out where that is not what the context's own `.dockerignore` says.
    let ignored: [String]?

    /// Bytes of a Dockerfile.
    private static let longest = 16 << 20

    /// Finds them; blocking.
    ///
    /// - Parameters:
    ///   - place: a directory, an address, or `-`.
    ///   - file: the value of `--file`.
    /// - Throws: `Diagnostic` for what is not there.
    init(_ place: String, file: String?) throws(Diagnostic) {
        if place == "-" {
            guard file != "-" else {
                throw Diagnostic(
                    code: "SC0203", summary: "invalid argument: can't use stdin for both build context and dockerfile",
                    hint: "name the directory, or the Dockerfile")
            }
            self = try Self.standardInput(file)
        } else if Self.isRemote(place) {
            ignored = nil
            files = .remote(place)
            instructions = file == "-" ? .text(try Self.readInput(), name: "Dockerfile") : .path(file ?? "Dockerfile")
        } else {
            (files, instructions, ignored) = try Self.directory(place, file)
        }
    }

    /// A place whose Dockerfile is given as text; blocking.
    ///
    /// - Parameter name: what messages call it.
    init(_ place: String, instructions: [UInt8], name: String) throws(Diagnostic) {
        self.instructions = .text(instructions, name: name)
        ignored = nil
        files = Self.isRemote(place) ? .remote(place) : try Self.named(place)
    }

    private init(_ files: Files, _ instructions: Instructions) {
        self.files = files
        self.instructions = instructions
        ignored = nil
    }

    /// Whether the daemon fetches it: a repository or an address of the web.
    static func isRemote(_ place: String) -> Bool {
        if place.hasPrefix("http://") || place.hasPrefix("https://") { return true }
        return GitReference.isRepository(place) && !Linux.Files.exists(place)
    }

    /// The directory of a named context.
    static func named(_ path: String) throws(Diagnostic) -> Files {
        let root = try existing(path)
        return .directory(root, try rules("\(root)/.dockerignore") ?? IgnoreRules())
    }

    private static func directory(
        _ place: String, _ file: String?
    ) throws(Diagnostic) -> (Files, Instructions, [String]?) {
        let root = try existing(place)
        if file == "-" {
            let rules = try rules("\(root)/.dockerignore") ?? IgnoreRules()
            return (.directory(root, rules), .text(try readInput(), name: "Dockerfile"), nil)
        }
        let path = file ?? "\(root)/Dockerfile"
        let bytes: [UInt8]
        do {
            bytes = try Linux.Files.readAll(path, limit: longest)
        } catch {
            let reason = error.errno == .EFBIG ? "it has more than \(longest >> 20) MiB" : error.errno.goText
            throw Diagnostic(
                code: "SC0203", summary: "failed to read dockerfile: open \(path): \(reason)",
                hint: error.errno == .ENOENT
                    ? (file == nil
                        ? "name it with --file, or the directory that has one"
                        : "--file is relative to where you are, not to PATH") : nil)
        }
        // Nearer rules are better: those of this Dockerfile before those of the context.
        let own = try rules("\(path).dockerignore")
        var found = own
        if found == nil { found = try rules("\(root)/.dockerignore") }
        // Rules that leave out nothing are rules, too.
        let ignored = own.map { $0.patterns.isEmpty ? ["!*"] : $0.patterns }
        let name = file ?? (place == "." ? "Dockerfile" : path)
        return (.directory(root, found ?? IgnoreRules()), .text(bytes, name: name), ignored)
    }

    private static func existing(_ path: String) throws(Diagnostic) -> String {
        guard let status = try? Linux.Files.status(path, followLinks: true) else {
            throw Diagnostic(
                code: "SC0203", summary: "unable to prepare context: path \"\(path)\" not found",
                hint: "name the directory with the files to build")
        }
        guard status.kind == .directory else {
            throw Diagnostic(
                code: "SC0203", summary: "unable to prepare context: path \"\(path)\" is no directory",
                hint: "name the directory; the Dockerfile is named with --file")
        }
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    private static func rules(_ path: String) throws(Diagnostic) -> IgnoreRules? {
        do {
            guard try Linux.Files.statusIfPresent(path) != nil else { return nil }
            return IgnoreRules(try Linux.Files.readAll(path, limit: longest))
        } catch {
            throw Diagnostic(code: "SC0203", summary: "\(path) cannot be read", detail: "\(error)")
        }
    }

    // MARK: Standard input

    private static func standardInput(_ file: String?) throws(Diagnostic) -> BuildContext {
        do {
            let input = try opened()
            var begun: [UInt8] = []
            while begun.count < 512 {
                let piece = try input.read(upTo: 512 - begun.count)
                if piece.isEmpty { break }
                begun += piece
            }
            guard !begun.isEmpty else {
                throw Diagnostic(
                    code: "SC0203", summary: "standard input is empty", hint: "pipe a Dockerfile or a tar into it")
            }
            if isArchive(begun) {
                return BuildContext(.archive(input, begun: begun), .path(file ?? "Dockerfile"))
            }
            guard file == nil else {
                throw Diagnostic(
                    code: "SC0203",
                    summary: "ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles",
                    hint: "leave out --file, or pipe a tar with that file in it")
            }
            let text = begun + (try input.readAll(limit: longest))
            return BuildContext(.none, .text(text, name: "Dockerfile"))
        } catch let diagnostic as Diagnostic {
            throw diagnostic
        } catch {
            throw Diagnostic(code: "SC0203", summary: "standard input cannot be read", detail: "\(error)")
        }
    }

    private static func readInput() throws(Diagnostic) -> [UInt8] {
        do {
            return try opened().readAll(limit: longest)
        } catch let diagnostic as Diagnostic {
            throw diagnostic
        } catch {
            throw Diagnostic(code: "SC0203", summary: "standard input cannot be read", detail: "\(error)")
        }
    }

    private static func opened() throws -> SharedDescriptor {
        guard !Terminal.isTerminal(0) else {
            throw Diagnostic(
                code: "SC0203", summary: "standard input is a terminal",
                hint: "redirect it: stackctl build - < Dockerfile")
        }
        return try FileDescriptor.duplicating(0).shared()
    }

    /// Whether bytes begin a tar, compressed or not.
    static func isArchive(_ bytes: [UInt8]) -> Bool {
        let starts: [[UInt8]] = [
            [0x1F, 0x8B], [0x42, 0x5A, 0x68], [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], [0x28, 0xB5, 0x2F, 0xFD],
        ]
        if starts.contains(where: { bytes.starts(with: $0) }) { return true }
        return bytes.count >= 262 && bytes[257..<262].elementsEqual("ustar".utf8)
    }
}

extension Errno {
    /// The text that Go has for an error of the kernel.
    fileprivate var goText: String {
        switch self {
        case .ENOENT: "no such file or directory"
        case .EACCES: "permission denied"
        case .EISDIR: "is a directory"
        case .ENOTDIR: "not a directory"
        default: "\(self)"
        }
    }
}
