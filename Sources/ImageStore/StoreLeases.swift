import OCI
import Synchronization

/// Layers that somebody works with who has no image of them yet, or may lose it.
///
/// Removing images leaves them alone, so that a pull that counts on a layer finds it when it ends.
final class StoreLeases: Sendable {
    private let counts = Mutex<[Digest: Int]>([:])

    /// The layers that must stay.
    var held: Set<Digest> { counts.withLock { Set($0.keys) } }

    func take(_ layers: some Sequence<Digest>) {
        counts.withLock { counts in
            for layer in layers { counts[layer, default: 0] += 1 }
        }
    }

    func giveBack(_ layers: some Sequence<Digest>) {
        counts.withLock { counts in
            for layer in layers {
                let left = counts[layer, default: 1] - 1
                counts[layer] = left > 0 ? left : nil
            }
        }
    }
}
