import JSONText

/// An image in the content store.
package struct ImageRow: Sendable, Hashable {
    /// The digest of its configuration: `sha256:<hex>`.
    package var id: String
    /// The digest of the manifest kept under `blobs/`, when there is one.
    package var manifestDigest: String?
    /// The diff ids of its layers, lowest first.
    package var layers: [String]
    /// Bytes on the disk, shared layers included.
    package var size: Int64
    /// Nanoseconds since 1970 UTC.
    package var created: Int64
    /// Anything the store keeps beside: how it was made, locked packages.
    package var spec: JSONValue

    package init(
        id: String, manifestDigest: String? = nil, layers: [String], size: Int64, created: Int64,
        spec: JSONValue = .object(JSONObject())
    ) {
        self.id = id
        self.manifestDigest = manifestDigest
        self.layers = layers
        self.size = size
        self.created = created
        self.spec = spec
    }

    init(_ row: borrowing Row) throws(DatabaseError) {
        id = row.text(0)
        manifestDigest = row.optionalText(1)
        layers = try row.strings(2)
        size = row.integer(3)
        created = row.integer(4)
        spec = try row.json(5)
    }
}

/// A name of an image.
package struct ImageTagRow: Sendable, Hashable {
    /// The full reference: `docker.io/library/nginx:1.27`, or `docker.io/library/nginx@sha256:…` for content that a
    /// registry has under that digest.
    package var reference: String
    /// The image's id.
    package var image: String
    /// When the name was last given, be it to the image that had it.
    ///
    /// Nanoseconds since 1970 UTC.
    package var updated: Int64

    package init(reference: String, image: String, updated: Int64) {
        self.reference = reference
        self.image = image
        self.updated = updated
    }

    init(_ row: borrowing Row) {
        reference = row.text(0)
        image = row.text(1)
        updated = row.integer(2)
    }
}

extension Transaction where Self: ~Copyable {
    /// Every image, oldest first.
    package func images() throws(DatabaseError) -> [ImageRow] {
        try query("SELECT id, manifest_digest, layers, size, created, spec FROM images ORDER BY created, id", []) {
            (row) throws(DatabaseError) in try ImageRow(row)
        }
    }

    /// The image of this id.
    package func image(id: String) throws(DatabaseError) -> ImageRow? {
        try first("SELECT id, manifest_digest, layers, size, created, spec FROM images WHERE id = ?1", [.text(id)]) {
            (row) throws(DatabaseError) in try ImageRow(row)
        }
    }

    /// Every tag, by reference.
    package func imageTags() throws(DatabaseError) -> [ImageTagRow] {
        try query("SELECT reference, image, updated FROM image_tags ORDER BY reference", []) { (row) in
            ImageTagRow(row)
        }
    }

    /// The tags of one image.
    package func imageTags(image: String) throws(DatabaseError) -> [ImageTagRow] {
        try query(
            "SELECT reference, image, updated FROM image_tags WHERE image = ?1 ORDER BY reference", [.text(image)]
        ) { (row) in ImageTagRow(row) }
    }

    /// The tag of this reference.
    package func imageTag(reference: String) throws(DatabaseError) -> ImageTagRow? {
        try first("SELECT reference, image, updated FROM image_tags WHERE reference = ?1", [.text(reference)]) {
            (row) in ImageTagRow(row)
        }
    }
}

extension WriteTransaction {
    /// Inserts the image or replaces what is known of it.
    ///
    /// Tags stay.
    package func save(_ row: ImageRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO images (id, manifest_digest, layers, size, created, spec) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (id) DO UPDATE SET manifest_digest = ?2, layers = ?3, size = ?4, created = ?5, spec = ?6
            """,
            [
                .text(row.id), .text(row.manifestDigest), .json(row.layers), .integer(row.size),
                .integer(row.created), .json(row.spec),
            ])
    }

    /// Points a reference at an image, taking it from another if need be.
    package func save(_ row: ImageTagRow) throws(DatabaseError) {
        try run(
            """
            INSERT INTO image_tags (reference, image, updated) VALUES (?1, ?2, ?3)
            ON CONFLICT (reference) DO UPDATE SET image = ?2, updated = ?3
            """, [.text(row.reference), .text(row.image), .integer(row.updated)])
    }

    /// Forgets an image and its tags.
    package func deleteImage(id: String) throws(DatabaseError) {
        try run("DELETE FROM images WHERE id = ?1", [.text(id)])
    }

    /// Forgets a tag and gives whether it was known.
    @discardableResult
    package func deleteImageTag(reference: String) throws(DatabaseError) -> Bool {
        try run("DELETE FROM image_tags WHERE reference = ?1", [.text(reference)]) > 0
    }
}
