import Archives
import Linux

/// A context that is being synchronised with its client.
package protocol ContextTransfer: Sendable {
    /// Names the transfer until its tree is asked for.
    var id: String { get }
    /// The places in the listing of the files whose contents are wanted, ascending; empty where all are there.
    ///
    /// Without those of `openable`, unless they could not be held.
    var needed: [Int] { get }

    /// The places of files whose contents may stay where they are, if the client hands over the open files.
    var openable: [Int] { get }

    /// Takes open files, in the order of `openable`.
    ///
    /// - Returns: the places of those that cannot be read here: their contents are wanted too.
    func hold(_ files: [SharedDescriptor]) async -> [Int]

    /// Takes the files that are wanted, as a plain tar in the listing's order and by the listing's paths.
    ///
    /// - Throws: `BuildFailure` where it is not exactly they.
    func receive(archive: SharedDescriptor) async throws

    /// The context, once everything is there; it stays as it is while somebody has the tree.
    ///
    /// - Throws: `BuildFailure` where contents are missing.
    func tree() async throws -> FileTree
}
