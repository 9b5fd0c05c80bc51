import Diagnostics
import Dockerfile
import Linux
import OCI

/// What a build tells while it goes on.
package enum BuildEvent: Sendable, Hashable {
    /// A step is known, has begun, is over.
    case step(Step)
    /// How far a part of a step is: a layer that is pulled, files that are sent.
    case progress(Progress)
    /// What a process wrote.
    case log(step: Int, isError: Bool, bytes: [UInt8])
    /// A remark about the Dockerfile.
    case warning(Diagnostic)

    package struct Step: Sendable, Hashable {
        /// From 1, in the order they were known; unique in a build.
        package var id: Int
        /// `[build 2/5] RUN make`, `[internal] load build context`, `exporting to image`.
        package var name: String
        package var phase: Phase
        /// Where the Dockerfile asks for it; nil for what is not of the file the user gave.
        package var span: SourceSpan?

        package init(id: Int, name: String, phase: Phase, span: SourceSpan? = nil) {
            self.id = id
            self.name = name
            self.phase = phase
            self.span = span
        }
    }

    package enum Phase: Sendable, Hashable {
        case waiting
        case started(Timestamp)
        case cached
        case done(Timestamp)
        case failed(String)
        case cancelled
    }

    package struct Progress: Sendable, Hashable {
        package var step: Int
        /// What is meant, such as a layer's digest or `transferring context`.
        package var name: String
        package var current: Int64
        /// 0 where it is not known.
        package var total: Int64
        package var isDone: Bool

        package init(step: Int, name: String, current: Int64, total: Int64, isDone: Bool = false) {
            self.step = step
            self.name = name
            self.current = current
            self.total = total
            self.isDone = isDone
        }
    }
}

/// Receives what a build tells, in order, from any thread.
package typealias BuildEventSink = @Sendable (BuildEvent) -> Void

/// What a build gave.
package struct BuildResult: Sendable, Hashable {
    /// The image's id; nil where none was asked for.
    package var imageID: Digest?
    /// The digest of its manifest, or of the index where there are several platforms or attestations.
    package var manifestDigest: Digest?
    /// Its names.
    package var references: [ImageReference]
    /// Steps whose result was known, and all of them.
    package var cachedSteps: Int
    package var steps: Int
    /// Remarks about the Dockerfile.
    package var warnings: [Diagnostic]
    /// The build's entry in the history.
    package var historyID: String

    package init(
        imageID: Digest?, manifestDigest: Digest?, references: [ImageReference], cachedSteps: Int, steps: Int,
        warnings: [Diagnostic], historyID: String
    ) {
        self.imageID = imageID
        self.manifestDigest = manifestDigest
        self.references = references
        self.cachedSteps = cachedSteps
        self.steps = steps
        self.warnings = warnings
        self.historyID = historyID
    }
}
