import Archives
import Diagnostics
import Linux

/// The files of a directory as an archive, for those who know nothing of archives.
package enum FileArchive {
    /// Writes the files of a directory as a tar into a file, a pipe or a socket, which blocks.
    ///
    /// - Parameters:
    ///   - root: the open directory; links in it are never followed and mounts below it not entered.
    ///   - doing: what is done, for messages.
    /// - Throws: `Diagnostic`, naming the file that cannot be read, or that the other side is gone.
    package static func write(
        _ root: SharedDescriptor, to archive: SharedDescriptor, doing: String
    ) async throws(Diagnostic) {
        try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting(doing) {
                var choices = DirectoryWalker.Choices()
                choices.keepsReservedNames = true
                try DirectoryArchive.write(root, choices: choices) { piece throws(ArchiveError) in
                    do throws(SystemError) { try archive.writeAll(piece) } catch { throw .system(error) }
                }
            }
        }
    }
}
