import OCI
import Synchronization

/// Images whose layers containers mount beside their root file system, each held once for each mount.
final class HeldImages: Sendable {
    private let images = Mutex<[String: [Digest]]>([:])

    /// Notes that a container holds an image.
    func add(_ image: Digest, for container: String) { images.withLock { $0[container, default: []].append(image) } }

    /// Forgets what a container holds, and says what that was.
    func take(of container: String) -> [Digest] { images.withLock { $0.removeValue(forKey: container) ?? [] } }
}
