import Dockerfile
import Linux
import OCI

/// COPY or ADD.
package struct TransferStep: Sendable {
    package var transfer: EvaluatedTransfer
    /// Where paths are looked up: the context, a stage's files, an image's; nil where no source is a path.
    package var origin: FileTree?
    /// The root file system, lowest layer first; what names of owners and links in the destination mean is found there.
    package var layers: [Digest]
    package var workingDirectory: String
    /// Times of files are at most this; nil keeps them.
    package var epoch: Timestamp?
    /// What it is called in messages.
    package var title: String

    package init(_ transfer: EvaluatedTransfer, from origin: FileTree?, onto layers: [Digest], title: String) {
        self.transfer = transfer
        self.origin = origin
        self.layers = layers
        self.title = title
        workingDirectory = "/"
    }
}
