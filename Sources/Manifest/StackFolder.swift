import Diagnostics
import Linux

/// The sources of one stack: all `.swift` files of its folder and the folders in it.
package struct StackFolder: Sendable {
    /// One source file.
    package struct Source: Sendable {
        /// Its path in the folder.
        package var relativePath: String
        /// Its content.
        package var bytes: [UInt8]
    }

    /// The folder as the user named it.
    package var path: String
    /// The folder without links.
    package var absolutePath: String
    /// The sources, sorted by path.
    package var sources: [Source]

    private static let byteLimit = 8 << 20
    private static let fileLimit = 1000

    /// Reads a folder.
    ///
    /// Folders and files whose names start with a dot are left out, as are symbolic links to folders and a
    /// `Package.swift` that only serves an editor.
    /// - Throws: `DiagnosticList` when it is missing, empty, or not exactly one stack.
    package static func read(_ path: String) throws(DiagnosticList) -> StackFolder {
        let trimmed = trimmedSlashes(path)
        let absolute = try resolve(trimmed)
        var folder = StackFolder(path: trimmed, absolutePath: absolute, sources: [])
        do {
            try folder.collect("")
        } catch let error as SystemError {
            throw DiagnosticList(
                Diagnostic(code: "SC1222", summary: "the folder \(trimmed) cannot be read", detail: error.description))
        } catch {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1222", summary: "the folder \(trimmed) is too large for a stack",
                    detail: "More than \(fileLimit) files or \(byteLimit >> 20) MiB of Swift are in it.",
                    hint: "name the folder of one stack"))
        }
        folder.sources.sort { $0.relativePath < $1.relativePath }
        try folder.checkEntry()
        return folder
    }

    /// The path of a source as the user would name it.
    package func userPath(_ relativePath: String) -> String {
        path == "." ? relativePath : path == "/" ? "/" + relativePath : "\(path)/\(relativePath)"
    }

    private struct TooLarge: Error {}

    private mutating func collect(_ relative: String) throws {
        let entries = try entries(of: relative)
        // The root file system of an image may lie in the folder; its Swift files are none of the stack's.
        if !relative.isEmpty, Set(entries.map(\.name)).isSuperset(of: ["etc", "usr"]) { return }
        for entry in entries {
            let name = entry.name
            guard !name.hasPrefix("."), relative.isEmpty ? name != "Package.swift" : true else { continue }
            let child = relative.isEmpty ? name : "\(relative)/\(name)"
            var kind = entry.kind
            if kind == .unknown {
                kind = try Files.status("\(absolutePath)/\(child)", followLinks: false).kind
            }
            if kind == .directory {
                try collect(child)
            } else if name.hasSuffix(".swift"),
                try Files.statusIfPresent("\(absolutePath)/\(child)", followLinks: true)?.kind == .regular
            {
                let bytes = try Files.readAll("\(absolutePath)/\(child)", limit: Self.byteLimit)
                sources.append(Source(relativePath: child, bytes: bytes))
                let total = sources.reduce(0) { $0 + $1.bytes.count }
                if sources.count > Self.fileLimit || total > Self.byteLimit { throw TooLarge() }
            }
        }
    }

    private func entries(of relative: String) throws(SystemError) -> [DirectoryEntry] {
        do {
            return try Files.list(relative.isEmpty ? absolutePath : "\(absolutePath)/\(relative)")
        } catch {
            // A database's directory beside the manifest, for instance; the compiler could not read it either.
            if error.errno == .EACCES, !relative.isEmpty { return [] }
            throw error
        }
    }

    private static func resolve(_ path: String) throws(DiagnosticList) -> String {
        do {
            let absolute = try Files.realPath(path)
            guard try Files.status(absolute).kind == .directory else {
                throw DiagnosticList(
                    Diagnostic(
                        code: "SC1220", summary: "\(path) is a file, not the folder of a stack",
                        hint: "name its folder: \(parent(of: path))"))
            }
            return absolute
        } catch let list as DiagnosticList {
            throw list
        } catch let error as SystemError where error.errno == .ENOENT {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1220", summary: "there is no folder \(path)",
                    hint: "name the folder with Stack.swift, or make one: stackctl init NAME"))
        } catch {
            throw DiagnosticList(
                Diagnostic(code: "SC1220", summary: "the folder \(path) cannot be opened", detail: "\(error)"))
        }
    }

    private static func trimmedSlashes(_ path: String) -> String {
        var result = path[...]
        while result.count > 1, result.last == "/" { result = result.dropLast() }
        return result.isEmpty ? "." : String(result)
    }
}

extension StackFolder {
    /// Exactly one type of the folder is marked `@main`.
    private func checkEntry() throws(DiagnosticList) {
        guard !sources.isEmpty else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1221", summary: "the folder \(path) has no Swift file",
                    hint: "write \(userPath("Stack.swift")), or make an example: stackctl init NAME"))
        }
        if let script = sources.first(where: { $0.relativePath.split(separator: "/").last == "main.swift" }) {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1223", summary: "a stack cannot have a file named main.swift",
                    detail: "Swift runs such a file as a script.", hint: "rename it to Stack.swift",
                    location: SourceLocation(file: userPath(script.relativePath), line: 1)))
        }
        var entries: [SourceLocation] = []
        for source in sources {
            entries += entryLines(in: source.bytes).map {
                SourceLocation(file: userPath(source.relativePath), line: $0)
            }
        }
        guard let first = entries.first else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1224", summary: "the folder \(path) declares no stack",
                    detail:
                        "None of its \(sources.count == 1 ? "one file" : "\(sources.count) files") has a type marked @main.",
                    hint: "write @main above struct Name: Stack"))
        }
        guard entries.count == 1 else {
            throw DiagnosticList(
                Diagnostic(
                    code: "SC1225", summary: "the folder \(path) declares \(entries.count) stacks",
                    hint: "keep one @main, and put each other stack into a folder of its own", location: first,
                    notes: entries.dropFirst().map { "another one is at \($0)" }))
        }
    }
}

/// The lines with an `@main` attribute outside comments and strings.
func entryLines(in bytes: [UInt8]) -> [Int] {
    var lines: [Int] = []
    var scanner = SourceScanner(bytes: bytes)
    let word = Array("@main".utf8)
    while let (offset, line) = scanner.nextCode() {
        guard bytes[offset] == word[0], bytes.count - offset >= word.count,
            bytes[offset..<(offset + word.count)].elementsEqual(word)
        else { continue }
        let following = offset + word.count < bytes.count ? bytes[offset + word.count] : 0x20
        let continues =
            following == UInt8(ascii: "_") || (following | 0x20 >= 0x61 && following | 0x20 <= 0x7A)
            || (0x30...0x39).contains(following)
        if !continues { lines.append(line) }
    }
    return lines
}

/// Walks the bytes of Swift source that are neither comment nor string literal.
private struct SourceScanner {
    let bytes: [UInt8]
    var position = 0
    var line = 1

    init(bytes: [UInt8]) { self.bytes = bytes }

    private func byte(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    private mutating func advance() {
        if byte(position) == 0x0A { line += 1 }
        position += 1
    }

    mutating func nextCode() -> (offset: Int, line: Int)? {
        while position < bytes.count {
            switch (byte(position), byte(position + 1)) {
            case (UInt8(ascii: "/"), UInt8(ascii: "/")):
                while position < bytes.count, byte(position) != 0x0A { advance() }
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                skipBlockComment()
            case (UInt8(ascii: "\""), _):
                skipString()
            default:
                defer { advance() }
                return (position, line)
            }
        }
        return nil
    }

    private mutating func skipBlockComment() {
        var depth = 0
        repeat {
            if byte(position) == UInt8(ascii: "/"), byte(position + 1) == UInt8(ascii: "*") {
                depth += 1
                advance()
            } else if byte(position) == UInt8(ascii: "*"), byte(position + 1) == UInt8(ascii: "/") {
                depth -= 1
                advance()
            }
            advance()
        } while depth > 0 && position < bytes.count
    }

    private mutating func skipString() {
        let quote = UInt8(ascii: "\"")
        let pounds = bytes[..<position].reversed().prefix { $0 == UInt8(ascii: "#") }.count
        let isMultiline = byte(position + 1) == quote && byte(position + 2) == quote
        let closing = isMultiline ? 3 : 1
        for _ in 0..<closing { advance() }
        while position < bytes.count {
            if byte(position) == UInt8(ascii: "\\"), pounds == 0 {
                advance()
            } else if byte(position) == quote,
                !isMultiline || (byte(position + 1) == quote && byte(position + 2) == quote),
                (0..<pounds).allSatisfy({ byte(position + closing + $0) == UInt8(ascii: "#") })
            {
                for _ in 0..<closing { advance() }
                return
            } else if byte(position) == 0x0A, !isMultiline {
                return
            }
            advance()
        }
    }
}
