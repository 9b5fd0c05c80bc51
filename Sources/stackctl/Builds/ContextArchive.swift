import Archives
import Diagnostics
import Linux

/// Files of a context as a tar that is made while it is read.
///
/// Owners are left out: those of the steps that copy count.
final class ContextArchive {
    private let root: SharedDescriptor
    private var files: ArraySlice<ContextFile>
    private var open: (contents: SharedDescriptor, left: UInt64, size: UInt64)?
    private var isOver = false
    private static let piece = 1 << 20

    /// - Parameter files: below `root`, directories before what is in them.
    init(_ root: SharedDescriptor, _ files: [ContextFile]) {
        self.root = root
        self.files = files[...]
    }

    /// The next bytes, about a megabyte; nil at the end.
    ///
    /// Blocking.
    ///
    /// - Throws: `Diagnostic` for a file that cannot be read.
    func next() throws(Diagnostic) -> [UInt8]? {
        guard !isOver else { return nil }
        var bytes: [UInt8] = []
        while bytes.count < Self.piece {
            if open != nil {
                bytes += try contents()
            } else if let file = files.popFirst() {
                do {
                    bytes += try header(of: file)
                } catch {
                    throw Self.unreadable(String(decoding: file.path, as: UTF8.self), error)
                }
            } else {
                isOver = true
                return bytes + TarWriter.endMarker
            }
        }
        return bytes
    }

    private static func unreadable(_ path: String, _ error: any Error) -> Diagnostic {
        Diagnostic(
            code: "SC0203", summary: "\(TerminalText.line(path)) of the context cannot be sent", detail: "\(error)",
            hint: "it was there a moment ago: build again when nothing changes the files")
    }

    /// A header, and the file opened for what comes after it.
    ///
    /// The size is that of the moment: a file may have grown since it was found.
    private func header(of file: ContextFile) throws -> [UInt8] {
        var entry: TarEntry
        switch file.kind {
        case .directory: entry = TarEntry(path: file.path, kind: .directory)
        case .link:
            entry = TarEntry(path: file.path, kind: .symbolicLink)
            entry.linkTarget = file.target
        case .regular:
            entry = TarEntry(path: file.path, kind: .regular)
            let opened = try Files.openInRoot(
                root.raw, file.path, [.readOnly, .noFollow, .nonBlocking], resolve: [.beneath, .noSymbolicLinks]
            ).shared()
            let size = UInt64(clamping: try opened.status().size)
            entry.size = size
            if size > 0 { open = (opened, size, size) }
        }
        entry.mode = file.mode
        entry.modified = file.modified
        return try TarWriter.header(of: entry)
    }

    /// A file that became shorter meanwhile ends in zeros: its size was told already.
    private func contents() throws(Diagnostic) -> [UInt8] {
        guard let (contents, left, size) = open else { return [] }
        let count = Int(clamping: min(left, UInt64(Self.piece)))
        var piece: [UInt8]
        do {
            piece = try contents.read(upTo: count)
        } catch {
            throw Self.unreadable("a file", error)
        }
        if piece.isEmpty { piece = [UInt8](repeating: 0, count: count) }
        let rest = left - UInt64(piece.count)
        open = rest > 0 ? (contents, rest, size) : nil
        return rest > 0 ? piece : piece + TarWriter.padding(after: size)
    }
}
