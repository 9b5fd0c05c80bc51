import Archives
import Linux
import Testing

@Suite("Tar recipes")
struct TarRecipeTests {
    /// Makes an archive with a shell script and gives it back by its recipe.
    private func roundTrip(_ script: String) async throws -> (tar: [UInt8], given: [UInt8], recipeBytes: UInt64) {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-recipes-")
        defer { try? Files.removeTree(directory) }
        let made = try await Spawn.run(
            SpawnRequest("/bin/sh", ["-ec", "cd \(directory); mkdir f; cd f; \(script)"]), timeout: .seconds(60))
        try #require(made.status.isSuccess, "\(made.errorText)")
        let tar = try Files.readAll(directory + "/a.tar", limit: 1 << 28)
        let image = try Files.open(directory + "/image", [.readWrite, .create], mode: 0o600).shared()
        let recipe = try Files.open(directory + "/recipe", [.readWrite, .create], mode: 0o600).shared()
        let writer = try TarRecipeWriter(recipe)
        _ = try LayerWriter.write(tar: MemorySource(tar), to: image, recipe: writer)
        try recipe.seek(0)
        let source = try TarRecipeSource(recipe: DescriptorSource(recipe), image: image)
        return (tar, try source.readAll(limit: 1 << 28), writer.written)
    }

    @Test(
        "every dialect of tar is given back byte for byte",
        arguments: [
            "tar --format=gnu -cf ../a.tar .", "tar --format=pax -cf ../a.tar .", "tar --format=ustar -cf ../a.tar .",
            "tar --format=v7 -cf ../a.tar a d", "tar --format=gnu -S -cf ../a.tar .",
            "tar --format=pax -S -cf ../a.tar .", "tar -b 200 -cf ../a.tar .",
            "tar -cf ../a.tar .; printf 'bytes behind the end' >> ../a.tar",
        ])
    func dialects(command: String) async throws {
        let long = String(repeating: "n", count: 120)
        let files = """
            mkdir d; echo 1 > a; ln a d/b; ln -s a d/c; head -c 3000000 /dev/urandom > d/big; : > d/.wh.x
            truncate -s 2M d/holes; printf x | dd of=d/holes bs=1 seek=1000000 conv=notrunc status=none
            """
        let names = command.contains("ustar") || command.contains("v7") ? "" : "echo 2 > \(long)\n"
        let result = try await roundTrip(files + "\n" + names + command)
        #expect(result.given == result.tar)
        #expect(result.recipeBytes < 20_000)
    }

    @Test("a damaged recipe is refused")
    func damaged() throws {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-recipes-")
        defer { try? Files.removeTree(directory) }
        try Files.write(directory + "/image", [])
        let image = try Files.open(directory + "/image").shared()
        let file = try Files.open(directory + "/recipe", [.readWrite, .create], mode: 0o600).shared()
        let writer = try GzipWriter(file)
        try Array("something that is not a recipe".utf8).withUnsafeBytes { try writer.append($0) }
        try writer.finish()
        try file.seek(0)
        let error = #expect(throws: ArchiveError.self) {
            try TarRecipeSource(recipe: DescriptorSource(file), image: image)
        }
        #expect(error?.description.contains("recipe is damaged") == true)
    }
}
