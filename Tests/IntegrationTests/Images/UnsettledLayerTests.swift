import Archives
import ImageStore
import JSONText
import Linux
import OCI
import StateStore
import Testing

@Suite("Layers that are used before they are on the disk", .timeLimit(.minutes(3)))
struct UnsettledLayerTests {
    /// Adds a layer with one file.
    private func add(_ number: Int, to store: TemporaryStore) async throws -> Digest {
        let directory = "\(store.root)/source-\(number)"
        if !Files.exists(directory) {
            try Files.makeDirectories(directory)
            try Files.write("\(directory)/file", Array("\(number)\n".utf8))
        }
        let root = try Files.open(directory, [.readOnly, .directory]).shared()
        let layer = try await store.store.addLayer(origin: ["test": .string("\(number)")], doing: "adding \(number)") {
            draft in
            try LayerWriter.write(directory: root, to: draft.image, recipe: try draft.startRecipe())
        }
        return try #require(layer)
    }

    @Test("many are added, mounted and made images while garbage is collected and the store is checked")
    func busy() async throws {
        try await LayerFixture.withStore { store in
            let images = store.store
            let collecting = Task {
                while !Task.isCancelled {
                    _ = try await images.collectGarbage(inUse: [], removeUntagged: false)
                    #expect(try await images.verify() == [])
                }
            }
            let layers = try await withThrowingTaskGroup(of: Digest.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        let layer = try await add(number, to: store)
                        let path = try #require(try await images.mountLayers([layer]).first)
                        #expect(try Files.readText("\(path)/file") == "\(number)\n")
                        return layer
                    }
                }
                var layers: [Digest] = []
                for try await layer in group { layers.append(layer) }
                return layers
            }
            #expect(Set(layers).count == 24 && images.keptLayers == Set(layers))
            let image = try await images.makeImage(
                ImageConfig(diffIDs: layers), as: [try ImageReference("demo:1").withDefaultTag], attributes: [:])
            images.giveBack(layers)
            collecting.cancel()
            try await collecting.value
            #expect(try store.database.read { tables in try tables.layers().count } == 24)
            #expect(try await images.verify() == [])
            _ = try await images.remove(image.id.description, inUse: [])
            #expect(try store.database.read { tables in try tables.layers().isEmpty })
        }
    }

    @Test("what a result of a build has is no garbage, and is when that is forgotten; the same layer twice is one")
    func results() async throws {
        try await LayerFixture.withStore { store in
            let images = store.store
            let layer = try await add(1, to: store)
            #expect(try await add(1, to: store) == layer)
            try await images.settleLayers([layer])
            try store.database.write { tables in
                try tables.save(
                    BuildCacheRow(
                        key: "sha256:x", layer: layer.description, newest: nil, size: 1, created: 1, lastUsed: 1,
                        description: "RUN x"))
                try tables.saveBuildCacheKey("sha256:y", of: "sha256:x")
            }
            images.giveBack([layer, layer])
            #expect(try await images.collectGarbage(inUse: [], removeUntagged: true).layers == [])
            let found = try store.database.read { tables in
                try ["sha256:x", "sha256:y", "sha256:z"].map { try tables.buildCache(key: $0)?.layer }
            }
            #expect(found == [layer.description, layer.description, nil])
            try store.database.write { tables in try tables.deleteBuildCache(key: "sha256:x") }
            #expect(try store.database.read { tables in try tables.buildCache(key: "sha256:y") } == nil)
            #expect(try await images.collectGarbage(inUse: [], removeUntagged: true).layers == [layer])
            #expect(try store.files().isEmpty)
        }
    }

    @Test("a damaged layer that only a result of a build has is forgotten with the result")
    func damage() async throws {
        try await LayerFixture.withStore { store in
            let images = store.store
            let layer = try await add(1, to: store)
            try await images.settleLayers([layer])
            try store.database.write { tables in
                try tables.save(
                    BuildCacheRow(
                        key: "sha256:x", layer: layer.description, newest: nil, size: 1, created: 1, lastUsed: 1,
                        description: "RUN x"))
            }
            images.giveBack([layer])
            for name in ["layer.erofs", "recipe"] {
                try Files.unlink("\(store.root)/layers/\(layer.hex)/\(name)")
            }
            #expect(try await images.verify().isEmpty == false)
            let repair = try await images.repair { _ in nil }
            #expect(repair.left.isEmpty)
            #expect(try await images.verify().isEmpty)
            #expect(try store.database.read { tables in try tables.buildCache().isEmpty })
        }
    }
}
