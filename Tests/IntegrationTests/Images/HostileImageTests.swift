import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Testing

@Suite("Hostile archives of images", .serialized)
struct HostileImageTests {
    /// An archive of one image that is as it should be.
    private static let good = """
        mkdir -p d/one; config first.json base.tar; cp base.tar d/one/layer.tar; cp first.json d/first.json
        printf '[{"Config":"first.json","RepoTags":["demo:1"],"Layers":["one/layer.tar"]}]' > d/manifest.json
        finish() { tar -C d -cf archive.tar $(cd d; ls); }

        """

    @Test(
        "each is refused by the name of what is wrong, and the store is as before",
        arguments: [
            (
                "finish; tar -C d -P --transform 's,first.json,../../escape,' -rf archive.tar first.json",
                "`../../escape`"
            ),
            ("finish; tar -C d -P --transform 's,first.json,/etc/escape,' -rf archive.tar first.json", "absolute"),
            ("finish; printf '{' > d/first.json; tar -C d -rf archive.tar first.json", "not JSON"),
            ("finish; cp top.tar d/one/layer.tar; tar -C d -rf archive.tar one/layer.tar", "not the one the image"),
            ("ln -s ../../etc/passwd d/link; finish", "link"), ("ln -s /etc/passwd d/link; finish", "`link`"),
            ("ln d/first.json d/zhard; finish", "a hard link"), ("mkfifo d/pipe; finish", "a fifo"),
            ("mknod d/null c 1 3; finish", "a device"), ("finish; truncate -s 200000 archive.tar", "one/layer.tar"),
            ("finish; truncate -s -10240 archive.tar", "the middle"),
            ("rm -r d/one; finish", "no `one/layer.tar`"), ("rm d/first.json; finish", "no `first.json`"),
            ("rm d/manifest.json; finish", "neither `manifest.json` nor `index.json`"),
            ("printf '[{' > d/manifest.json; finish", "not JSON"),
            ("printf '{}' > d/manifest.json; finish", "not a list"),
            ("cp top.tar d/one/layer.tar; finish", "not the one the image config names"),
            ("printf X | dd of=d/one/layer.tar bs=1 seek=300 conv=notrunc status=none; finish", "layer.tar"),
            ("sed -i s/demo:1/Demo:1/ d/manifest.json; finish", "Demo:1"),
            ("sed -i s,one/layer.tar,first.json, d/manifest.json; finish", "`first.json`"),
            ("sed -i s,first.json,one/layer.tar, d/manifest.json; finish", "`one/layer.tar`"),
            ("gzip -c base.tar | head -c 9000 > d/one/layer.tar; finish", "gzip stream is damaged"),
            ("printf '\\004\\042\\115\\030lz4' > d/one/layer.tar; finish", "lz4 is not supported"),
            ("finish; printf x > archive.tar", ""),
            ("ln -s b d/a; ln -s a d/b; sed -i s,one/layer.tar,a, d/manifest.json; finish", "chain of symbolic links"),
            (
                "x=$(digest top.tar).json; mv d/first.json d/$x; sed -i s/first.json/$x/ d/manifest.json; finish",
                "another digest"
            ),
            (
                "x=$(digest top.tar).tar; mv d/one/layer.tar d/$x; sed -i s,one/layer.tar,$x, d/manifest.json; finish",
                "another digest"
            ),
        ] as [(String, String)])
    func refused(script: String, says: String) async throws {
        try await ImageArchiveFixture.withFiles(Self.good + script) { directory in
            try await LayerFixture.withStore { temporary in
                let error = await #expect(throws: Diagnostic.self) {
                    try await ImageArchiveFixture.load(directory + "/archive.tar", into: temporary.store)
                }
                let text = "\(error?.summary ?? "") \(error?.detail ?? "")"
                #expect(text.contains(says), "\(text)")
                let (images, files) = (try await temporary.store.list(), try temporary.files())
                #expect(images.isEmpty && files == [])
            }
        }
    }

    @Test("what no image needs may be of any kind")
    func unneeded() async throws {
        let script = """
            head -c 5000 base.tar.gz > d/broken.tar.gz; xz -c top.tar > d/other.xz; echo text > d/readme; ln -s readme d/soft
            cp other.tar d/other.tar; finish
            """
        try await ImageArchiveFixture.withFiles(Self.good + script) { directory in
            try await LayerFixture.withStore { temporary in
                let loaded = try await ImageArchiveFixture.load(directory + "/archive.tar", into: temporary.store)
                #expect(loaded.map(\.references.count) == [1])
                #expect(try temporary.files().count == 3)
            }
        }
    }

    @Test("a damaged blob and a damaged recipe are found by verify, and saving says so")
    func damagedForms() async throws {
        let script =
            "gzip -c base.tar > d/one/layer.tar; finish; cp top.tar d/one/layer.tar; config first.json top.tar\n"
            + "cp first.json d/; mv archive.tar gzip.tar; finish"
        try await ImageArchiveFixture.withFiles(Self.good + script) { directory in
            try await LayerFixture.withStore { temporary in
                let store = temporary.store
                let packed = try await ImageArchiveFixture.load(directory + "/gzip.tar", into: store)[0].image
                let plain = try await ImageArchiveFixture.load(directory + "/archive.tar", into: store)[0].image
                #expect(try await store.verify().isEmpty)
                let damage = """
                    cd \(temporary.root)
                    for blob in blobs/sha256/*; do
                        [ $(stat -c %s $blob) -lt 20000 ] || printf X | dd of=$blob bs=1 seek=5000 conv=notrunc status=none
                    done
                    printf X | dd of=layers/\(plain.layers[0].hex)/recipe bs=1 seek=50 conv=notrunc status=none
                    """
                try await LayerFixture.tool("/bin/sh", "-ec", damage)
                let found = try await store.verify().map(\.summary)
                #expect(found.contains { $0.contains("compressed layer") && $0.contains("damaged") }, "\(found)")
                #expect(found.contains { $0.contains("tar recipe of layer \(plain.layers[0])") }, "\(found)")
                for image in [packed, plain] {
                    await #expect(throws: Diagnostic.self) {
                        try await ImageArchiveFixture.save([image.id.hex], of: store, to: directory + "/out.tar")
                    }
                }
            }
        }
    }
}
