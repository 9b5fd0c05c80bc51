import Diagnostics
import ImageStore
import JSONText
import Linux
import OCI

/// How an image is made of a root file system in an archive.
package struct ImageImport: Sendable {
    /// Where the archive comes from, for the history.
    package var source = "-"
    /// The name it gets; none for an image without one.
    package var reference: ImageReference?
    /// What is written into its history.
    package var message = ""
    /// What changes its configuration.
    package var changes: [String] = []
    /// What it runs on.
    package var platform = Platform.host

    package init() {}
}

extension EngineError {
    /// An instruction that was refused.
    static func instruction(_ error: InstructionError) -> EngineError { .init(.invalid, error.description) }
}

extension HostEngine {
    /// Makes an image of a root file system in a tar, plain or compressed.
    ///
    /// - Parameter archive: read to its end, or closed with the last reference where it is refused.
    package func importImage(from archive: SharedDescriptor, _ wanted: ImageImport) async throws -> StoredImage {
        let execution: ExecutionParameters
        do {
            execution = try ConfigurationInstructions(wanted.changes).applied(to: .init())
        } catch {
            throw EngineError.instruction(error)
        }
        let now = Clock.now().rfc3339
        let message = wanted.message.isEmpty ? "Imported from \(wanted.source)" : wanted.message
        let config = ImageConfig(
            platform: wanted.platform, created: now, execution: execution,
            history: [ImageConfig.History(created: now, comment: message)])
        let image: StoredImage
        do {
            image = try await images.makeImage(
                of: .tar(archive), on: config, as: wanted.reference, origin: ["import": .string(wanted.source)],
                doing: "importing \(wanted.source == "-" ? "the archive" : wanted.source)")
        } catch {
            throw EngineError.image(error)
        }
        await publish(
            .image, "import", actor: image.id.description,
            ["name": wanted.reference?.familiar ?? image.id.description])
        return image
    }
}
