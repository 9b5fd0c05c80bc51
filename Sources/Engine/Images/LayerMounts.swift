import ImageStore
import Linux
import OCI
import Synchronization

/// Keeps an image's layers mounted while something uses them.
///
/// Layers stay mounted for a while after their last use: the next start of the same image then costs nothing.
package final class LayerMounts: Sendable {
    private struct Held {
        var image: StoredImage
        var count: Int
    }

    private let images: ImageStore
    private let held = Mutex<[Digest: Held]>([:])
    private let heldLayers = Mutex<[Digest: Int]>([:])

    init(images: ImageStore) { self.images = images }

    /// Mounts the layers and keeps them until `release`.
    ///
    /// Top first.
    func hold(_ image: StoredImage) async throws -> [String] {
        // Counted before the mount: a sweep looks at the count while nothing is mounted.
        held.withLock { $0[image.id, default: Held(image: image, count: 0)].count += 1 }
        do {
            return try await images.mountLayers(of: image)
        } catch {
            release(image.id)
            throw error
        }
    }

    /// Gives one hold back.
    ///
    /// The layers stay mounted until the next sweep.
    func release(_ id: Digest) {
        held.withLock { held in
            guard var entry = held[id] else { return }
            entry.count -= 1
            held[id] = entry.count > 0 ? entry : nil
        }
    }

    /// Mounts layers that no image may have yet, lowest first, and keeps them until they are released.
    ///
    /// Top first.
    func hold(_ layers: [Digest]) async throws -> [String] {
        images.keep(layers)
        heldLayers.withLock { held in for layer in layers { held[layer, default: 0] += 1 } }
        do {
            return try await images.mountLayers(layers)
        } catch {
            release(layers)
            throw error
        }
    }

    /// Gives back what `hold` gave for the same layers.
    func release(_ layers: [Digest]) {
        heldLayers.withLock { held in
            for layer in layers {
                let left = held[layer, default: 1] - 1
                held[layer] = left > 0 ? left : nil
            }
        }
        images.giveBack(layers)
    }

    /// Images that are held.
    var heldImages: Set<Digest> { held.withLock { Set($0.keys) } }

    /// Unmounts what nothing holds.
    func sweep() async throws {
        try await images.unmountLayers { [self] layer in
            heldLayers.withLock { $0[layer] != nil }
                || held.withLock { held in held.values.contains { $0.image.layers.contains(layer) } }
        }
    }
}
