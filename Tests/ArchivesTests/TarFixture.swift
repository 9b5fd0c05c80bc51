import Archives
import Linux

/// Builds archives by hand, right and wrong ones.
enum TarFixture {
    /// A header and its contents.
    static func file(_ name: String, _ contents: String = "", change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        header(name, size: contents.utf8.count, change: change) + padded(Array(contents.utf8))
    }

    /// A header of any type.
    static func header(
        _ name: String, type: Character = "0", size: Int = 0, link: String = "",
        change: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        put(name, at: 0, limit: 100, in: &block)
        put("0000644", at: 100, in: &block)
        put("0000000", at: 108, in: &block)
        put("0000000", at: 116, in: &block)
        put(octal(size, width: 11), at: 124, in: &block)
        put("00000000000", at: 136, in: &block)
        block[156] = type.asciiValue ?? 0
        put(link, at: 157, limit: 100, in: &block)
        put("ustar\u{0}00", at: 257, in: &block)
        put("0000000", at: 329, in: &block)
        put("0000000", at: 337, in: &block)
        change(&block)
        seal(&block)
        return block
    }

    /// A pax header with these records, made for the entry that follows.
    static func pax(_ records: [(String, String)], global: Bool = false) -> [UInt8] {
        var body = ""
        for (key, value) in records {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while length != rest.utf8.count + String(length).utf8.count {
                length = rest.utf8.count + String(length).utf8.count
            }
            body += "\(length)\(rest)"
        }
        return raw(type: global ? "g" : "x", Array(body.utf8))
    }

    /// An extension header with any bytes.
    static func raw(type: Character, _ body: [UInt8]) -> [UInt8] {
        header("ext", type: type, size: body.count) + padded(body)
    }

    static let end = [UInt8](repeating: 0, count: 1024)

    static func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }

    static func put(_ text: String, at offset: Int, limit: Int = 155, in block: inout [UInt8]) {
        for (index, byte) in text.utf8.prefix(limit).enumerated() { block[offset + index] = byte }
    }

    /// Computes the checksum.
    static func seal(_ block: inout [UInt8]) {
        put("        ", at: 148, in: &block)
        let sum = block.reduce(0) { $0 + Int($1) }
        put(octal(sum, width: 6) + "\u{0} ", at: 148, in: &block)
    }

    private static func octal(_ value: Int, width: Int) -> String {
        let digits = String(value, radix: 8)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Reads a whole archive: entries with their contents, holes as zeros.
    static func read(_ bytes: [UInt8], limits: TarLimits = .init()) throws -> [(entry: TarEntry, contents: [UInt8])] {
        let reader = TarReader(MemorySource(bytes), limits: limits)
        var found: [(TarEntry, [UInt8])] = []
        while let entry = try reader.next() {
            var contents: [UInt8] = []
            try reader.readData { data throws(ArchiveError) in
                switch data {
                case .bytes(let piece): contents.append(contentsOf: piece)
                case .hole(let count): contents.append(contentsOf: repeatElement(0, count: Int(count)))
                }
            }
            found.append((entry, contents))
        }
        return found
    }

    /// Writes an archive as a layer into a file that is gone at once, and gives the file's bytes.
    static func layer(_ bytes: [UInt8]) throws -> (layer: WrittenLayer, image: [UInt8]) {
        let directory = try Files.temporaryDirectory(prefix: "stackctl-archives-")
        defer { try? Files.removeTree(directory) }
        let file = try Files.open(directory + "/image", [.readWrite, .create], mode: 0o600).shared()
        let layer = try LayerWriter.write(tar: MemorySource(bytes), to: file)
        return (layer, try Files.readAll(directory + "/image", limit: 1 << 30))
    }

    /// The sentence that refuses an archive; nil when it is accepted.
    static func refusal(_ bytes: [UInt8]) -> String? {
        do {
            _ = try layer(bytes)
            return nil
        } catch {
            return "\(error)"
        }
    }
}
