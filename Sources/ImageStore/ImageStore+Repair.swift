import Archives
import Diagnostics
import Linux
import OCI
import StateStore

/// Gives the registry an image came from as a source of its blobs and its manifest; nil where it came from none.
package typealias RepairSource = @Sendable (_ image: Digest) async throws -> (any BlobSource)?

extension ImageStore {
    /// Makes what is damaged again: from what is intact here, else from where its image came.
    ///
    /// - Parameter source: where an image's blobs can be fetched.
    /// - Returns: what was repaired, and what is left.
    package func repair(from source: RepairSource) async throws -> StoreRepair {
        var result = StoreRepair()
        let damages = try await check()
        for rank in 0...StoreDamage.lastRank {
            for damage in damages where damage.rank == rank { try await mend(damage, from: source, into: &result) }
        }
        return result
    }

    private func mend(
        _ damage: StoreDamage, from source: RepairSource, into result: inout StoreRepair
    ) async throws {
        let mending = StoreMending(layers: layers, blobs: blobs, database: database, turn: turn)
        do {
            if try await mendHere(damage, mending) {
                result.repaired.append(damage.repaired(by: "made again from what is here"))
            } else if case .stray = damage.object {
                // What was repaired before it needs it.
            } else if try await forget(damage) {
                result.repaired.append(damage.repaired(by: "forgotten: no image has it"))
            } else if try await fetch(damage, mending, from: source) {
                result.repaired.append(damage.repaired(by: "fetched again"))
            } else {
                result.left.append(damage.unrepairable(because: damage.reasonLeft))
            }
        } catch {
            let failure = StoreFailure.diagnostic(error, doing: "repairing it")
            result.left.append(
                damage.unrepairable(because: failure.detail.map { "\(failure.summary): \($0)" } ?? failure.summary))
        }
    }

    private func mendHere(_ damage: StoreDamage, _ mending: StoreMending) async throws -> Bool {
        if case .config(let id) = damage.object { configs[id] = nil }
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("repairing the store") {
                switch damage.object {
                case .layer(let diffID), .recipe(let diffID), .unknownLayer(let diffID):
                    return try mending.mendLayer(diffID, of: damage.images)
                case .manifest(let digest):
                    return try damage.images.first.map { try mending.mendManifest(digest, of: $0) } ?? false
                case .stray(let path): return try mending.removeStray(path)
                case .config, .blob: return false
                }
            }
        }
    }

    /// Lets go a layer that only results of builds have: they are made again when they are needed.
    ///
    /// - Returns: false where an image has it, or somebody uses it now.
    private func forget(_ damage: StoreDamage) async throws -> Bool {
        guard damage.images.isEmpty, let diffID = damage.layer else { return false }
        let (database, layers, mounts, turn, leases) = (database, layers, mounts, turn, leases)
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("forgetting layer \(diffID)") {
                try turn.run {
                    guard !leases.held.contains(diffID) else { return false }
                    try database.write { tables in
                        try tables.deleteBuildCache(layer: diffID.description)
                        try tables.deleteLayer(diffID: diffID.description)
                    }
                    try mounts.unmount(diffID)
                    try layers.remove(diffID)
                    return true
                }
            }
        }
    }

    /// Fetches what is damaged from the first image's registry that has it; false where no image came from one.
    private func fetch(
        _ damage: StoreDamage, _ mending: StoreMending, from source: RepairSource
    ) async throws -> Bool {
        var failure: (any Error)?
        for image in damage.images {
            do {
                guard let origin = try await source(image) else { continue }
                try await fetch(damage, of: image, mending, from: origin)
                return true
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return false
    }

    private func fetch(
        _ damage: StoreDamage, of image: Digest, _ mending: StoreMending, from origin: some BlobSource
    ) async throws {
        switch damage.object {
        case .manifest(let digest):
            let descriptor = BlobDescriptor(
                mediaType: MediaType.ociManifest, digest: digest, size: Int64(BlobStore.sizeLimit))
            try await fetchDocument(descriptor, mending, from: origin)
        case .config(let id):
            guard let known = try await manifest(of: image)?.config, known.digest == id else {
                throw Self.needsManifest(image)
            }
            try await fetchBlob(known, mending, from: origin)
        case .blob(let digest, let diffID):
            try await fetchBlob(try await descriptor(of: digest, diffID), mending, from: origin)
        case .layer(let diffID), .recipe(let diffID), .unknownLayer(let diffID):
            try await fetchLayer(diffID, of: image, mending, from: origin)
        case .stray: break
        }
    }

    private func fetchBlob(
        _ descriptor: BlobDescriptor, _ mending: StoreMending, from origin: some BlobSource
    ) async throws {
        try await BlockingExecutor.transfers.run { () throws(Diagnostic) in
            try reporting("fetching \(descriptor.digest)") { try mending.fetch(descriptor, from: origin) }
        }
    }

    /// Fetches a document whose size is not known.
    private func fetchDocument(
        _ descriptor: BlobDescriptor, _ mending: StoreMending, from origin: some BlobSource
    ) async throws {
        try await BlockingExecutor.transfers.run { () throws(Diagnostic) in
            try reporting("fetching \(descriptor.digest)") {
                let bytes = try origin.open(descriptor).readAll(limit: BlobStore.sizeLimit)
                let found = try BlobStore.digest(of: bytes)
                guard found == descriptor.digest else {
                    throw Self.wrongDigest("manifest", descriptor.digest, is: found)
                }
                try mending.put(bytes, as: descriptor.digest)
            }
        }
    }

    /// Fetches a layer again and puts it in the place of the damaged one.
    private func fetchLayer(
        _ diffID: Digest, of image: Digest, _ mending: StoreMending, from origin: some BlobSource
    ) async throws {
        guard let manifest = try await manifest(of: image), let config = try await stored(id: image)?.config,
            let index = config.diffIDs.firstIndex(of: diffID), manifest.layers.indices.contains(index)
        else { throw Self.needsManifest(image) }
        leases.take([diffID])
        defer { leases.giveBack([diffID]) }
        let receiver = LayerReceiver(
            layers: layers, partials: partials, descriptor: manifest.layers[index], diffID: diffID,
            cancellation: CancellationFlag()
        ) { _ in }
        try await BlockingExecutor.transfers.run { () throws(Diagnostic) in
            try reporting("fetching layer \(diffID)") {
                try mending.replace(by: try mending.settled(try receiver.receive(from: origin)))
            }
        }
    }

    private func manifest(of image: Digest) async throws -> ImageManifest? {
        let row = try await read { tables in try tables.image(id: image.description) }
        guard let digest = row?.manifestDigest.flatMap({ Digest($0) }) else { return nil }
        let blobs = blobs
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading manifest \(digest)") {
                try ImageManifest(bytes: try blobs.read(digest, what: "the manifest"))
            }
        }
    }

    private func descriptor(of blob: Digest, _ diffID: Digest) async throws -> BlobDescriptor {
        let row = try await read { tables in try tables.layer(diffID: diffID.description) }
        guard let known = row?.blobs.first(where: { $0.digest == blob }) else {
            throw Diagnostic(code: StoreCode.damaged, summary: "nothing is known of blob \(blob) any more")
        }
        return known.descriptor
    }

    private static func needsManifest(_ image: Digest) -> Diagnostic {
        Diagnostic(
            code: StoreCode.damaged, summary: "the manifest of image \(image) does not say what to fetch",
            hint: "pull the image again")
    }
}

extension StoreDamage {
    fileprivate static let lastRank = 3

    /// When its turn comes: a manifest tells what the config and the blobs are, and layers are made of those.
    fileprivate var rank: Int {
        switch object {
        case .manifest: 0
        case .config, .blob: 1
        case .layer, .recipe, .unknownLayer: 2
        case .stray: Self.lastRank
        }
    }

    fileprivate func repaired(by what: String) -> String {
        if case .stray(let path) = object { return "\(path) is removed" }
        return "\(diagnostic.summary): \(what)"
    }

    /// Why it cannot be repaired where no registry has it.
    fileprivate var reasonLeft: String {
        images.isEmpty
            ? "no image needs it" : "nothing intact here gives it back, and its images came from no registry"
    }

    fileprivate func unrepairable(because reason: String) -> Diagnostic {
        var left = diagnostic
        left.detail = [diagnostic.detail, reason].compactMap { $0 }.joined(separator: "; ")
        left.hint = "remove the images that use it and make them again"
        return left
    }
}
