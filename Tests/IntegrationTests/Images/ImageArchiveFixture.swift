import Archives
import ImageStore
import Linux
import OCI
import Testing

/// Archives of images, made with tools nobody here wrote.
enum ImageArchiveFixture {
    /// Shell functions that make archives by hand.
    ///
    /// `config FILE TAR...` writes an image config for layers, `digest FILE` prints a digest.
    static let functions = """
        digest() { sha256sum "$1" | cut -d' ' -f1; }
        size() { stat -c %s "$1"; }
        pack() { tar --sort=name --owner=0 --group=0 --mtime=@1700000000 -C "$1" -cf "$2" .; }
        config() {
            out=$1; shift; ids=
            for tar in "$@"; do ids="$ids${ids:+,}\\"sha256:$(digest "$tar")\\""; done
            printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["/%s"]},"rootfs":{"type":"layers","diff_ids":[%s]},' \
                "$out" "$ids" > "$out"
            printf '"history":[{"created_by":"by hand"}],"unknown":  {"kept": true}}' >> "$out"
        }
        layer() {
            printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$2" "$(digest "$1")" "$(size "$1")"
        }
        blob() { mkdir -p oci/blobs/sha256; cp "$1" "oci/blobs/sha256/$(digest "$1")"; }

        """

    /// Three layers: a base with many files, one on top, and another.
    static let layers =
        functions + """
            mkdir base top other
            mkdir -p base/bin base/etc; seq 1 50000 > base/bin/data; echo hi > base/etc/hello; ln base/etc/hello base/etc/link
            ln -s hello base/etc/soft; truncate -s 1M base/etc/holes; echo top > top/top; echo other > other/other
            pack base base.tar; pack top top.tar; pack other other.tar
            gzip -nk base.tar; zstd -q top.tar

            """

    /// One image of those layers, as gzip, zstd and plain: its blobs in `oci`, and `manifest.json`.
    static let threeLayerImage = """
        config image.json base.tar top.tar other.tar
        printf '{"schemaVersion":2, "config":%s,"layers":[%s,%s,%s]}' \
            "$(layer image.json application/vnd.oci.image.config.v1+json)" \
            "$(layer base.tar.gz application/vnd.oci.image.layer.v1.tar+gzip)" \
            "$(layer top.tar.zst application/vnd.oci.image.layer.v1.tar+zstd)" \
            "$(layer other.tar application/vnd.oci.image.layer.v1.tar)" > manifest.json
        for file in image.json base.tar.gz top.tar.zst other.tar manifest.json; do blob $file; done

        """

    /// Runs a script in a directory of its own.
    static func withFiles(_ script: String, _ body: (String) async throws -> Void) async throws {
        try await LayerFixture.withDirectory(layers + script, body)
    }

    /// Loads a file.
    static func load(_ path: String, into store: ImageStore) async throws -> [LoadedImage] {
        try await store.load(DescriptorSource(try Files.open(path).shared()))
    }

    /// Saves images into a file.
    static func save(_ names: [String], of store: ImageStore, to path: String) async throws {
        let file = try Files.open(path, [.writeOnly, .create, .truncate], mode: 0o600).shared()
        try await store.save(try await store.archived(names)) { piece throws(ArchiveError) in
            do throws(SystemError) { try file.writeAll(piece) } catch { throw .system(error) }
        }
    }
}

/// An OCI layout on the disk as a source of blobs.
struct LayoutSource: BlobSource {
    let directory: String

    func open(_ blob: BlobDescriptor) throws -> any ByteSource {
        DescriptorSource(try Files.open(directory + "/blobs/sha256/" + blob.digest.hex).shared())
    }
}
