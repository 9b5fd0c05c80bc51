import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

/// The images of one data root.
///
/// Everything that touches the disk runs on the blocking executor. What users read of a failure is a `Diagnostic`
/// with a code of `StoreCode`.
package actor ImageStore {
    let layout: StoreLayout
    let database: StateDatabase
    let blobs: BlobStore
    let layers: LayerStore
    let mounts: LayerMounts
    let turn = StoreTurn()
    let leases = StoreLeases()
    let flights = LayerFlights()
    let partials: PartialBlobs
    let removals = Removals()
    /// Decoded configs by image id.
    ///
    /// A config never changes under its id.
    var configs: [Digest: ImageConfig] = [:]

    /// How layers become directories here.
    package nonisolated let backing: LayerBacking

    /// Files that opening the store could not remove; one line each.
    package nonisolated let recoveryNotes: [String]

    /// Opens the store, making its directories, and removes what a crash left unfinished.
    ///
    /// - Parameters:
    ///   - root: the data root.
    ///   - backing: how to use layers; nil for the best this kernel offers.
    ///   - steps: where a test ends the process.
    /// - Throws: `Diagnostic` when the store cannot be read or written.
    package init(
        root: String, database: StateDatabase, backing: LayerBacking? = nil, steps: StoreSteps = .none
    ) throws {
        let layout = StoreLayout(root: root)
        try reporting("opening the image store") { try Recovery.makeDirectories(layout) }
        let chosen = backing ?? LayerBacking.detect(in: layout.layers)
        self.layout = layout
        self.database = database
        self.backing = chosen
        blobs = BlobStore(layout: layout)
        layers = LayerStore(layout: layout, backing: chosen, steps: steps)
        mounts = LayerMounts(layout: layout, backing: chosen)
        partials = PartialBlobs(layout: layout)
        recoveryNotes = try reporting("opening the image store") { [blobs, layers, mounts] in
            try Recovery(layout: layout, database: database, blobs: blobs, layers: layers, mounts: mounts).run()
        }
    }

    // MARK: Looking up

    /// Finds an image by name, id or the start of an id.
    ///
    /// - Throws: `Diagnostic` when the start of an id fits several images, or the image's config is damaged.
    package func resolve(_ text: String) async throws -> StoredImage? {
        guard let id = try await find(text) else { return nil }
        return try await stored(id: id)
    }

    /// Finds an image as `resolve` does, but gives its id and its names only, which a damaged image has too.
    package func identify(_ text: String) async throws -> ImageIdentity? {
        guard let id = try await find(text) else { return nil }
        let name = id.description
        let rows = try await read { tables in (try tables.image(id: name), try tables.imageTags(image: name)) }
        guard rows.0 != nil else { return nil }
        return ImageIdentity(id: id, names: rows.1.compactMap { try? ImageReference($0.reference) })
    }

    private func find(_ text: String) async throws -> Digest? {
        if let id = Digest(text) ?? Digest(sha256Hex: text) { return id }
        if let reference = try? ImageReference(text) {
            let name = reference.digest.map { reference.at($0) } ?? reference.withDefaultTag
            let row = try await read { tables in try tables.imageTag(reference: name.description) }
            if let id = row.flatMap({ Digest($0.image) }) { return id }
            if let digest = reference.digest { return try await byDigest(digest) }
        }
        return try await byPrefix(text)
    }

    /// Every image whose config can be read, newest first.
    ///
    /// `verify` names the others.
    package func list() async throws -> [StoredImage] {
        let rows = try await read { tables in (try tables.images(), try tables.imageTags()) }
        let tags = Dictionary(grouping: rows.1, by: \.image)
        var images: [StoredImage] = []
        for row in rows.0.reversed() {
            do {
                images.append(try await image(row, tags: tags[row.id] ?? []))
            } catch let error as Diagnostic where error.code == StoreCode.damaged {
                // One damaged image must not hide the others.
            }
        }
        return images
    }

    // MARK: Names

    /// Points a name at an image; `latest` is added to a name without a tag.
    ///
    /// A name with a digest says that the registry has the image there under that digest.
    package func tag(_ id: Digest, as reference: ImageReference) async throws {
        let row = ImageTagRow(
            reference: reference.withDefaultTag.description, image: id.description,
            updated: Clock.now().nanosecondsSinceEpoch)
        try await write { tables in
            guard try tables.image(id: id.description) != nil else { throw Self.noSuchImage(id.description) }
            try tables.save(row)
        }
    }

    /// Takes a name away; false when there was none.
    ///
    /// The image stays until garbage is collected.
    package func untag(_ reference: ImageReference) async throws -> Bool {
        let name = reference.withDefaultTag.description
        return try await write { tables in try tables.deleteImageTag(reference: name) }
    }

    /// When a name was last given to an image, as each pull does, be the image here already or not; nil where it has none.
    ///
    /// Nanoseconds since 1970 UTC.
    package func lastNamed(_ id: Digest) async throws -> Int64? {
        let name = id.description
        return try await read { tables in try tables.imageTags(image: name).map(\.updated).max() }
    }

    // MARK: Inside

    /// The image of an id; nil when there is none.
    func stored(id: Digest) async throws -> StoredImage? {
        let name = id.description
        let rows = try await read { tables in (try tables.image(id: name), try tables.imageTags(image: name)) }
        guard let row = rows.0 else { return nil }
        return try await image(row, tags: rows.1)
    }

    private func byDigest(_ digest: Digest) async throws -> Digest? {
        let name = digest.description
        let row = try await read { tables in try tables.images().first { $0.manifestDigest == name || $0.id == name } }
        return row.flatMap { Digest($0.id) }
    }

    private func byPrefix(_ text: String) async throws -> Digest? {
        let prefix = text.hasPrefix("sha256:") ? String(text.dropFirst("sha256:".count)) : text
        guard !prefix.isEmpty, prefix.utf8.count < 64, prefix.utf8.allSatisfy({ $0.isHexDigit }) else { return nil }
        let found = try await read { tables in
            try tables.images().compactMap { Digest($0.id) }.filter { $0.hex.hasPrefix(prefix) }
        }
        guard found.count < 2 else {
            throw Diagnostic(
                code: StoreCode.ambiguousID, summary: "`\(text)` is the start of several image ids",
                hint: "give more digits", notes: found.sorted().map(\.description))
        }
        return found.first
    }

    private func image(_ row: ImageRow, tags: [ImageTagRow]) async throws -> StoredImage {
        guard let id = Digest(row.id) else {
            throw Diagnostic(code: StoreCode.damaged, summary: "the database has an image with the id `\(row.id)`")
        }
        return StoredImage(
            id: id, names: tags.compactMap { try? ImageReference($0.reference) }, config: try await config(id),
            size: row.size, manifestDigest: row.manifestDigest.flatMap { Digest($0) },
            attributes: row.spec.objectValue ?? JSONObject())
    }

    private func config(_ id: Digest) async throws -> ImageConfig {
        if let known = configs[id] { return known }
        let blobs = blobs
        let config = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            let bytes = try blobs.read(id, what: "the config of image")
            return try reporting("reading image \(id)") { try ImageConfig(bytes: bytes) }
        }
        configs[id] = config
        return config
    }

    static func noSuchImage(_ text: String) -> Diagnostic {
        Diagnostic(code: StoreCode.noSuchImage, summary: "No such image: \(text)")
    }
}

extension ImageStore {
    /// Reads the database off the cooperative pool.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing ReadTransaction) throws -> Value
    ) async throws -> Value {
        let database = database
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("reading the state database") { try database.read(body) }
        }
    }

    /// Writes the database off the cooperative pool, all or nothing.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing WriteTransaction) throws -> Value
    ) async throws -> Value {
        let database = database
        return try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("writing the state database") { try database.write(body) }
        }
    }
}

extension UInt8 {
    /// Whether the byte is a lower-case hexadecimal digit.
    var isHexDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
    }
}
