import Archives
import Diagnostics
import ImageStore
import Linux
import OCI
import Testing

@Suite("Loading and saving images", .serialized)
struct LoadTests {
    /// Two images that share a base, as old versions of `docker save` write them.
    private static let docker = """
        mkdir -p d/one d/two d/three
        config first.json base.tar top.tar; config second.json base.tar other.tar
        cp base.tar d/one/layer.tar; cp top.tar d/two/layer.tar; cp other.tar d/three/layer.tar
        first=$(digest first.json).json; second=$(digest second.json).json
        cp first.json d/$first; cp second.json d/$second; printf 1.0 > d/one/VERSION
        printf '{"a":{"b":"c"}}' > d/repositories
        cat > d/manifest.json <<END
        [{"Config":"$first","RepoTags":["demo/first:1","demo/first:latest"],"Layers":["one/layer.tar","two/layer.tar"]},
         {"Config":"$second","RepoTags":null,"Layers":["one/layer.tar","three/layer.tar"]}]
        END
        tar -C d -cf archive.tar $(cd d; ls)

        """

    @Test(
        "a Docker archive of two images that share a base is loaded, plain and compressed",
        arguments: [LayerBacking.fileBacked, .directory], ["archive.tar", "archive.tar.gz", "archive.tar.zst"])
    func dockerArchive(backing: LayerBacking, name: String) async throws {
        try await ImageArchiveFixture.withFiles(Self.docker + "gzip -k archive.tar; zstd -q archive.tar") { directory in
            try await LayerFixture.withStore(backing: backing) { temporary in
                let store = temporary.store
                let loaded = try await ImageArchiveFixture.load("\(directory)/\(name)", into: store)
                #expect(loaded.map(\.references.count) == [2, 0])
                let first = try #require(try await store.resolve("demo/first"))
                let config = try Files.readAll(directory + "/first.json", limit: 1 << 20)
                #expect(first.id.hex == SHA256.hex(of: config))
                #expect(loaded[1].image.layers[0] == first.layers[0])
                let mounted = try await store.mountLayers(of: first)
                let (shown, packed) = (mounted[0] + "/top", directory + "/top/top")
                #expect(try Files.readText(shown) == Files.readText(packed))
                #expect(try await store.verify().isEmpty)
                // Once more: nothing is added.
                let files = try temporary.files()
                _ = try await ImageArchiveFixture.load("\(directory)/\(name)", into: store)
                #expect(try temporary.files() == files)
                for image in loaded {
                    _ = try await store.remove(image.image.id.description, inUse: [], force: true)
                }
                #expect(try temporary.files() == [])
            }
        }
    }

    @Test("what is saved is equal each time, and loads as the same image elsewhere")
    func roundTrip() async throws {
        let layout =
            ImageArchiveFixture.threeLayerImage + """
                printf '{"imageLayoutVersion":"1.0.0"}' > oci/oci-layout
                printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",' > oci/index.json
                printf '"digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"docker.io/demo/a:1"}}]}' \
                    $(digest manifest.json) $(size manifest.json) >> oci/index.json
                tar -C oci -cf layout.tar .
                """
        try await ImageArchiveFixture.withFiles(layout) { directory in
            try await LayerFixture.withStore { temporary in
                let loaded = try await ImageArchiveFixture.load(directory + "/layout.tar", into: temporary.store)
                let image = try #require(loaded.first?.image)
                let manifest = try Files.readAll(directory + "/manifest.json", limit: 1 << 20)
                #expect(image.manifestDigest?.hex == SHA256.hex(of: manifest))
                try await ImageArchiveFixture.save(["demo/a:1"], of: temporary.store, to: directory + "/a.tar")
                try await ImageArchiveFixture.save(["demo/a:1"], of: temporary.store, to: directory + "/b.tar")
                let bytes = try Files.readAll(directory + "/a.tar", limit: 1 << 28)
                let second = try Files.readAll(directory + "/b.tar", limit: 1 << 28)
                #expect(bytes == second)
                try await LayerFixture.withStore { other in
                    let again = try await ImageArchiveFixture.load(directory + "/a.tar", into: other.store)
                    #expect(again.first?.image.id == image.id)
                    #expect(again.first?.image.manifestDigest == image.manifestDigest)
                    #expect(again.first?.references.map(\.familiar) == ["demo/a:1"])
                    try await ImageArchiveFixture.save(["demo/a:1"], of: other.store, to: directory + "/c.tar")
                    let third = try Files.readAll(directory + "/c.tar", limit: 1 << 28)
                    #expect(bytes == third)
                }
            }
        }
    }

    @Test("skopeo and umoci read what is saved, and what they write is loaded, with equal digests and files")
    func otherTools() async throws {
        let script =
            Self.docker + """
                skopeo --insecure-policy copy -q docker-archive:archive.tar:demo/first:1 oci:layout:demo/x:1
                skopeo --insecure-policy copy -q oci:layout:demo/x:1 oci-archive:skopeo-oci.tar:demo/x:1
                skopeo --insecure-policy copy -q docker-archive:archive.tar:demo/first:1 docker-archive:skopeo-docker.tar:demo/y:1
                umoci unpack --image layout:demo/x:1 bundle 2>/dev/null
                echo umoci > bundle/rootfs/new; umoci repack --image layout:demo/z:1 bundle 2>/dev/null
                tar -C layout -cf umoci.tar .

                """
        try await ImageArchiveFixture.withFiles(script) { directory in
            try await LayerFixture.withStore { temporary in
                let store = temporary.store
                func digests(_ image: StoredImage) -> [String] { [image.id.hex] + image.layers.map(\.hex) }
                let first = try await ImageArchiveFixture.load(directory + "/archive.tar", into: store)[0].image
                for name in ["skopeo-oci.tar", "skopeo-docker.tar"] {
                    let loaded = try #require(
                        try await ImageArchiveFixture.load("\(directory)/\(name)", into: store).first)
                    #expect(loaded.image.layers == first.layers, "\(name)")
                }
                let both = try await ImageArchiveFixture.load(directory + "/umoci.tar", into: store)
                #expect(both.map { $0.references.first?.familiar } == ["demo/x:1", "demo/z:1"])
                #expect(both.last?.image.layers.count == 3)

                for image in ["demo/first:1", "demo/z:1"] {
                    let saved = "\(directory)/saved.tar"
                    try await ImageArchiveFixture.save([image], of: store, to: saved)
                    let stored = try #require(try await store.resolve(image))
                    let script = """
                        cd \(directory); rm -rf out out2 unpacked
                        skopeo --insecure-policy copy -q docker-archive:saved.tar:\(image) dir:out
                        mkdir out2; tar -C out2 -xf saved.tar
                        skopeo inspect --raw oci:out2 | sha256sum | cut -d' ' -f1
                        skopeo inspect --config --raw oci:out2 | sha256sum | cut -d' ' -f1
                        umoci unpack --image out2:\(image.split(separator: ":")[1]) unpacked 2>/dev/null
                        """
                    let told = try await LayerFixture.tool("/bin/sh", "-ec", script).split(separator: "\n")
                    #expect(told.map(String.init) == [stored.manifestDigest?.hex ?? "", stored.id.hex])
                    #expect(try Files.readText(directory + "/unpacked/rootfs/etc/hello") == "hi\n")
                }
            }
        }
    }

    @Test("an index in an archive gives the image of this platform, and names the others where there is none")
    func platforms() async throws {
        let script = """
            config a.json base.tar; config b.json top.tar
            for n in a:base b:top; do
                printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' \
                    "$(layer ${n%:*}.json application/vnd.oci.image.config.v1+json)" \
                    "$(layer ${n#*:}.tar application/vnd.oci.image.layer.v1.tar)" > ${n%:*}.manifest
                blob ${n%:*}.manifest; blob ${n%:*}.json; blob ${n#*:}.tar
            done
            m=application/vnd.oci.image.manifest.v1+json
            printf '{"schemaVersion":2,"manifests":[%s,"platform":{"os":"linux","architecture":"arm","variant":"v7"}},' \
                "$(layer a.manifest $m | tr -d '}')" > index
            printf '%s,"platform":{"os":"linux","architecture":"s390x"}}]}' "$(layer b.manifest $m | tr -d '}')" >> index
            blob index
            printf '{"schemaVersion":2,"manifests":[%s]}' "$(layer index application/vnd.oci.image.index.v1+json)" \
                > oci/index.json
            tar -C oci -cf index.tar .
            """
        try await ImageArchiveFixture.withFiles(script) { directory in
            try await LayerFixture.withStore { temporary in
                let path = directory + "/index.tar"
                let error = await #expect(throws: Diagnostic.self) {
                    try await temporary.store.load(
                        DescriptorSource(try Files.open(path).shared()),
                        platform: Platform(os: "linux", architecture: "amd64"))
                }
                #expect(error?.detail?.contains("linux/arm/v7, linux/s390x") == true, "\(String(describing: error))")
                #expect(try temporary.files() == [])
                let loaded = try await temporary.store.load(
                    DescriptorSource(try Files.open(path).shared()),
                    platform: Platform(os: "linux", architecture: "s390x"))
                #expect(loaded.count == 1)
            }
        }
    }
}
